import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  addTotals,
  noTotals,
  type SlicedEntry,
  type SliceQuery,
  type SliceTotals,
  segmentsSince,
  sliceSegments,
} from '../journal/slice.js';
import { type Examination, type Examined, examine, type KeyFacts } from './examine.js';
import { type Answer, investigate, type Question } from './investigate.js';

/** More threads than this read no faster. */
const THREADS_MAX = 8;

/** What a thread is asked: a whole investigation, or some segments of a journal. */
type Task =
  | { readonly kind: 'investigate'; readonly question: Question }
  /** Keys follow as messages. */
  | { readonly kind: 'examine'; readonly examination: Examination }
  | {
      readonly kind: 'slice';
      readonly dir: string;
      readonly segments: readonly number[];
      readonly query: SliceQuery;
    };

interface Sliced {
  readonly entries: readonly SlicedEntry[];
  readonly totals: SliceTotals;
}

type Reply = { readonly done: unknown } | { readonly problem: string };

/** Others wait: each takes every core, and memory for what it reads. */
const AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Investigates in threads of their own: reading a large journal takes seconds, and requests must not wait for it. */
export function investigateAside(question: Question): Promise<Answer> {
  return inTurn(() => aside({ kind: 'investigate', question }) as Promise<Answer>);
}

/** @param keys handed over in pieces: all at once would hold up requests */
export function examineAside(examination: Examination, keys: AsyncIterable<KeyFacts[]>): Promise<Examined> {
  return inTurn(() => aside({ kind: 'examine', examination }, keys) as Promise<Examined>);
}

async function inTurn<T>(task: () => Promise<T>): Promise<T> {
  // Whoever ends hands the place on.
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await task();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

async function handOver(worker: Worker, keys: AsyncIterable<KeyFacts[]>): Promise<void> {
  for await (const piece of keys) worker.postMessage(piece);
  worker.postMessage('all');
}

function aside(task: Task, keys?: AsyncIterable<KeyFacts[]>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./investigator.js', import.meta.url), {
      workerData: { investigation: task },
      execArgv: [],
    });
    if (keys !== undefined)
      handOver(worker, keys).catch((error) => {
        reject(error);
        void worker.terminate();
      });
    worker.once('message', (reply: Reply) => {
      if ('done' in reply) resolve(reply.done);
      else reject(new Error(reply.problem));
      // It may still listen for more keys, and would keep the process alive.
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The investigation ended early (exit ${code}).`)));
  });
}

/** Neighbouring segments to each thread, so that entries stay in order. */
async function sliceAside(
  dir: string,
  query: SliceQuery,
  take: (entry: SlicedEntry) => void,
): Promise<SliceTotals> {
  const segments = segmentsSince(dir, query.sinceMs);
  const threads = Math.max(1, Math.min(THREADS_MAX, availableParallelism(), segments.length));
  const share = Math.ceil(segments.length / threads);
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, i) => {
      const some = segments.slice(i * share, (i + 1) * share);
      return aside({ kind: 'slice', dir, segments: some, query }) as Promise<Sliced>;
    }),
  );
  const totals = noTotals();
  for (const { entries, totals: some } of parts) {
    addTotals(totals, some);
    for (const entry of entries) take(entry);
  }
  return totals;
}

async function carryOut(task: Task): Promise<unknown> {
  if (task.kind === 'investigate') return investigate(task.question, sliceAside);
  if (task.kind === 'examine') return examine(task.examination, await handedOver(), sliceAside);
  const entries: SlicedEntry[] = [];
  const totals = sliceSegments(task.dir, task.segments, task.query, (entry) => entries.push(entry));
  return { entries, totals } satisfies Sliced;
}

function handedOver(): Promise<KeyFacts[]> {
  const keys: KeyFacts[] = [];
  return new Promise((resolve) => {
    parentPort?.on('message', (piece: KeyFacts[] | 'all') => {
      if (piece !== 'all') {
        for (const key of piece) keys.push(key);
        return;
      }
      parentPort?.removeAllListeners('message');
      resolve(keys);
    });
  });
}

/** This file is the threads, too. */
const { investigation } = (workerData ?? {}) as { investigation?: Task };
if (!isMainThread && investigation !== undefined) {
  carryOut(investigation).then(
    (done) => parentPort?.postMessage({ done } satisfies Reply),
    (error) =>
      parentPort?.postMessage({
        problem: error instanceof Error ? error.message : String(error),
      } satisfies Reply),
  );
}
