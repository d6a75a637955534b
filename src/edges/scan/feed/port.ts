import type { MessagePort, Worker } from 'node:worker_threads';
import { ReadReport } from '../read/report.js';
import { SourceFault } from '../read/sources.js';
import type { Feed } from './feed.js';
import type { PackedRows } from './rows.js';

/** Batches that are under way and not taken yet: bounds the memory between the threads. */
const AHEAD_MAX = 32;

type FeedMessage =
  | { readonly kind: 'rows'; readonly rows: PackedRows }
  | { readonly kind: 'end'; readonly report: ReadReport }
  | { readonly kind: 'failed'; readonly problem: string };

/** Sends a feed to the thread at the other end, no faster than it takes batches; never rejects. */
export async function sendFeed(port: MessagePort, open: () => Promise<Feed>): Promise<void> {
  let ahead = 0;
  let resume: () => void = () => undefined;
  port.on('message', () => {
    ahead -= 1;
    resume();
  });
  try {
    const feed = await open();
    for await (const rows of feed.batches) {
      while (ahead >= AHEAD_MAX)
        await new Promise<void>((taken) => {
          resume = taken;
        });
      ahead += 1;
      const message: FeedMessage = { kind: 'rows', rows };
      port.postMessage(message, [rows.numbers.buffer, rows.objects.buffer]);
    }
    port.postMessage({ kind: 'end', report: feed.report } satisfies FeedMessage);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    port.postMessage({ kind: 'failed', problem } satisfies FeedMessage);
  }
}

/**
 * The feed that a worker sends. Ends the worker when the batches end, or when nobody takes more of them.
 * @throws {SourceFault} while batches are taken, with what the worker said when it failed or stopped
 */
export function receiveFeed(worker: Worker): Feed {
  const report = new ReadReport();
  const inbox = new Inbox();
  worker.on('message', (message: FeedMessage) => inbox.put(message));
  worker.on('error', (error) =>
    inbox.put({ kind: 'failed', problem: `Reading broke off: ${textOf(error)}.` }),
  );
  worker.on('exit', (code) => inbox.put({ kind: 'failed', problem: `Reading broke off (exit ${code}).` }));
  return { batches: received(worker, inbox, report), report };
}

async function* received(worker: Worker, inbox: Inbox, report: ReadReport): AsyncGenerator<PackedRows> {
  try {
    for (;;) {
      const message = await inbox.next();
      if (message.kind === 'failed') throw new SourceFault(message.problem);
      if (message.kind === 'end') {
        Object.assign(report, message.report);
        return;
      }
      worker.postMessage('taken');
      yield message.rows;
    }
  } finally {
    await worker.terminate();
  }
}

/** Messages that came and were not taken yet. */
class Inbox {
  readonly #messages: FeedMessage[] = [];
  #wake: () => void = () => undefined;

  put(message: FeedMessage): void {
    this.#messages.push(message);
    this.#wake();
  }

  async next(): Promise<FeedMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((woken) => {
        this.#wake = woken;
      });
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
