import { Worker } from 'node:worker_threads';
import type { SealedSegment } from './retention.js';
import { SegmentSink, type SinkBatch, type SinkOpened, type SinkOptions } from './segment-sink.js';

export type SinkRequest =
  | { readonly kind: 'batch'; readonly batch: SinkBatch }
  | { readonly kind: 'remove'; readonly segments: readonly number[] }
  | { readonly kind: 'close' };

export type SinkReply =
  | { readonly kind: 'opened'; readonly opened: SinkOpened }
  | { readonly kind: 'refused'; readonly code: string; readonly problem: string }
  | { readonly kind: 'written'; readonly excess: readonly SealedSegment[] }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'removed' }
  | { readonly kind: 'closed' }
  /** The worker ended by itself; nothing more will come. */
  | { readonly kind: 'stopped'; readonly problem: string };

/** One way to a sink. Requests are answered in order. */
export interface SinkPort {
  send(request: SinkRequest): void;
  /** Gives up at once, whatever is under way. */
  terminate(): Promise<void>;
}

export type ReplyHandler = (reply: SinkReply) => void;

/** Opens the sink here or in a worker thread; the first reply is `opened`, `refused` or `stopped`. */
export function startSink(options: SinkOptions, inWorker: boolean, onReply: ReplyHandler): SinkPort {
  return inWorker ? startWorker(options, onReply) : startInline(options, onReply);
}

function startWorker(options: SinkOptions, onReply: ReplyHandler): SinkPort {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: options,
    // Flags of the main thread (--eval, --input-type) can keep a worker from starting.
    execArgv: [],
  });
  let over = false;
  const stop = (problem: string) => {
    if (over) return;
    over = true;
    onReply({ kind: 'stopped', problem });
  };
  worker.on('message', (reply: SinkReply) => {
    if (reply.kind === 'closed') over = true;
    onReply(reply);
  });
  worker.on('error', (error) => stop(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => stop(`worker exited with ${code}`));
  return {
    // The lines of a batch are handed over, not copied.
    send: (request) =>
      worker.postMessage(request, request.kind === 'batch' ? [request.batch.lines.buffer] : []),
    terminate: async () => {
      over = true;
      await worker.terminate();
    },
  };
}

function startInline(options: SinkOptions, onReply: ReplyHandler): SinkPort {
  const serve = serveSink(options, onReply);
  return { send: (request) => void setImmediate(serve, request), terminate: async () => {} };
}

/** Answers requests with one sink: the body of the worker, and its stand-in where there is no worker. */
export function serveSink(options: SinkOptions, reply: ReplyHandler): (request: SinkRequest) => void {
  let sink: SegmentSink | undefined;
  try {
    sink = new SegmentSink(options);
    const { opened } = sink;
    setImmediate(() => reply({ kind: 'opened', opened }));
  } catch (error) {
    const { code = 'journal_write_failed', message } = error as NodeJS.ErrnoException;
    setImmediate(() => reply({ kind: 'refused', code, problem: message }));
  }
  return (request) =>
    reply(sink === undefined ? { kind: 'failed', problem: 'not open' } : answer(sink, request));
}

function answer(sink: SegmentSink, request: SinkRequest): SinkReply {
  try {
    switch (request.kind) {
      case 'batch':
        sink.appendBatch(request.batch);
        return { kind: 'written', excess: sink.excess(request.batch.time) };
      case 'remove':
        sink.remove(request.segments);
        return { kind: 'removed' };
      case 'close':
        sink.close();
        return { kind: 'closed' };
    }
  } catch (error) {
    const problem = (error as Error).message;
    // What could not be removed is tried again at the next opening.
    if (request.kind === 'remove') return { kind: 'removed' };
    return request.kind === 'close' ? { kind: 'closed' } : { kind: 'failed', problem };
  }
}
