import type { AlarmBudget } from '../../detectors/budget.js';
import { Analysis, type AnalysisOptions, type JudgedRow } from './analysis.js';
import type { BackTestRow } from './back-test.js';
import { Episodes } from './episodes.js';
import type { Feed } from './feed/feed.js';
import { inInputOrder, inTimeOrder } from './feed/order.js';
import { type PackedRows, type Rows, Unpacker } from './feed/rows.js';
import type { ReadReport } from './read/read-logs.js';

/** Where a row came from. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** What a scan found, when it is over. */
export interface ScanResult {
  readonly report: ReadReport;
  readonly episodes: Episodes;
  readonly keys: number;
  readonly warming: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly budget: AlarmBudget;
  /** Only where thefts were injected. */
  readonly backTest: readonly BackTestRow[] | undefined;
  /** Lines whose time is before that of an earlier line, and the first of them. */
  readonly disorder: { readonly lines: number; readonly first: Origin | undefined };
}

export interface ScanOptions extends AnalysisOptions {
  /** Judge in order of time, as far as a bounded window allows, in place of the order of the input. */
  readonly sort?: boolean;
  /** Told of the bytes of the files themselves that were read so far. */
  readonly onProgress?: (bytesRead: number) => void;
}

/** A step back in time that clocks and buffers explain. */
const DISORDER_MS = 60_000;

/** Judges and gathers; `each` is told of every row as soon as it is judged. */
export async function scan(
  feed: Feed,
  options: ScanOptions,
  each?: (judged: JudgedRow) => void | Promise<void>,
): Promise<ScanResult> {
  const analysis = new Analysis(options);
  const episodes = new Episodes();
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  const disorder: { lines: number; first: Origin | undefined } = { lines: 0, first: undefined };
  const batches = unpacked(feed.batches, options.onProgress);
  for await (const { rows, from, to } of options.sort === true
    ? inTimeOrder(batches)
    : inInputOrder(batches)) {
    for (let row = from; row < to; row++) {
      const timeMs = rows.timeMs(row);
      if (timeMs < lastMs - DISORDER_MS) {
        disorder.lines += 1;
        disorder.first ??= { file: rows.file, line: rows.line(row) };
      }
      firstMs = Math.min(firstMs, timeMs);
      lastMs = Math.max(lastMs, timeMs);
      const judged = analysis.judge(rows, row);
      episodes.note(judged);
      const done = each?.(judged);
      if (done !== undefined) await done;
    }
  }
  const keys = [...analysis.detector.baselines.keys()];
  return {
    ...{ report: feed.report, episodes, firstMs, lastMs, disorder },
    keys: keys.length,
    warming: keys.filter((key) => analysis.detector.isWarming(key)).length,
    budget: analysis.budget,
    backTest: analysis.backTest?.rows,
  };
}

async function* unpacked(
  batches: AsyncIterable<PackedRows>,
  onProgress: (bytesRead: number) => void = () => undefined,
): AsyncGenerator<Rows> {
  const unpacker = new Unpacker();
  for await (const packed of batches) {
    onProgress(packed.bytesRead);
    yield unpacker.rows(packed);
  }
}
