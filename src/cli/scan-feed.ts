import os from 'node:os';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { Feed } from '../edges/scan/feed/feed.js';
import { receiveFeed } from '../edges/scan/feed/port.js';
import { bytesOf, type Source } from '../edges/scan/read/sources.js';
import type { LogFormat } from '../wire/logs/formats.js';
import type { AccessLogMapping } from '../wire/logs/json-access.js';

/** What is read, and as what: plain data, for another thread. */
export interface FeedSettings {
  readonly sources: readonly Source[];
  readonly catalog: string | undefined;
  readonly format: LogFormat | undefined;
  readonly mapping: AccessLogMapping | undefined;
  /** Files in the order of their first times. */
  readonly byTime: boolean;
}

/** Input that is worth the start of a thread. */
const WORKER_BYTES_MIN = 4 * 1024 * 1024;

/**
 * Reads in a thread of its own where there is a core for it and enough to read, else in this one; what comes out is
 * the same.
 * @param threads 1 or 2, in place of what the input suggests
 */
export async function openFeed(settings: FeedSettings, threads?: number): Promise<Feed> {
  const piped = settings.sources.some(({ name }) => name === '-')
    ? await beginningOf(process.stdin, WORKER_BYTES_MIN)
    : undefined;
  const large = bytesOf(settings.sources) >= WORKER_BYTES_MIN || piped?.more === true;
  const wanted = threads ?? (large ? os.availableParallelism() : 1);
  if (wanted > 1) return workerFeed(settings, piped?.all);
  const { openFeedHere } = await import('./scan-reader.js');
  return openFeedHere(settings, piped?.all);
}

function workerFeed(settings: FeedSettings, stdin: Readable | undefined): Feed {
  const worker = new Worker(new URL('./scan-worker.js', import.meta.url), {
    workerData: settings,
    // Flags of the main thread (--eval, --input-type) can keep a worker from starting.
    execArgv: [],
    stdin: stdin !== undefined,
  });
  if (stdin !== undefined && worker.stdin !== null) {
    // Whoever stops reading early is no failure, and must not keep the process waiting for more.
    worker.stdin.on('error', () => undefined);
    worker.on('exit', () => process.stdin.destroy());
    stdin.pipe(worker.stdin);
  }
  return receiveFeed(worker);
}

/** Waits for so many bytes of a stream, or its end. `all` is the whole of it, what was waited for included. */
async function beginningOf(stream: Readable, bytesMin: number): Promise<{ more: boolean; all: Readable }> {
  const first: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    first.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMin) break;
  }
  const more = bytes >= bytesMin;
  async function* all(): AsyncGenerator<Buffer> {
    yield* first;
    if (more) yield* stream as AsyncIterable<Buffer>;
  }
  return { more, all: Readable.from(all()) };
}
