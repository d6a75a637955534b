import type { AlarmBudget } from '../../detectors/budget.js';
import { Analysis, type AnalysisOptions, type JudgedRow } from './analysis.js';
import type { BackTestRow } from './back-test.js';
import { Episodes } from './episodes.js';
import type { Feed } from './feed/feed.js';
import { AGAIN, inInputOrder, inTimeOrder } from './feed/order.js';
import { type PackedRows, type Rows, Unpacker } from './feed/rows.js';
import { TimeOrder } from './feed/time-order.js';
import type { ReadReport } from './read/report.js';

/** Where a row came from. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Lines whose time is before that of an earlier line. */
export interface Disorder {
  readonly lines: number;
  readonly first: Origin | undefined;
  /** These are left although the input was sorted within a window. */
  readonly sorted: boolean;
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
  readonly disorder: Disorder;
}

export interface ScanOptions extends AnalysisOptions {
  /** Judge in order of time, as far as a bounded window allows, in place of the order of the input. */
  readonly sort?: boolean;
  /** Told of the bytes of the files themselves that were read so far. */
  readonly onProgress?: (bytesRead: number) => void;
}

/**
 * Judges and gathers; `each` is told of every row as soon as it is judged. With `sort` it is told of the first rows again
 * where the input turns out to be in disorder.
 */
export async function scan(
  feed: Feed,
  options: ScanOptions,
  each?: (judged: JudgedRow) => void | Promise<void>,
): Promise<ScanResult> {
  const batches = unpacked(feed.batches, options.onProgress);
  let judging = new Judging(options);
  for await (const run of options.sort === true ? inTimeOrder(batches) : inInputOrder(batches)) {
    if (run === AGAIN) {
      judging = new Judging(options);
      continue;
    }
    for (let row = run.from; row < run.to; row++) {
      const done = each?.(judging.judge(run.rows, row));
      if (done !== undefined) await done;
    }
  }
  return judging.result(feed.report);
}

/** What was made of the rows so far. */
class Judging {
  readonly #analysis: Analysis;
  readonly #episodes = new Episodes();
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #order = new TimeOrder();
  #firstDisorder: Origin | undefined;
  readonly #sorted: boolean;

  constructor(options: ScanOptions) {
    this.#analysis = new Analysis(options);
    this.#sorted = options.sort === true;
  }

  judge(rows: Rows, row: number): JudgedRow {
    const timeMs = rows.timeMs(row);
    if (this.#order.isLate(timeMs)) this.#firstDisorder ??= { file: rows.file, line: rows.line(row) };
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    const judged = this.#analysis.judge(rows, row);
    this.#episodes.note(judged);
    return judged;
  }

  result(report: ReadReport): ScanResult {
    const { detector, budget, backTest } = this.#analysis;
    return {
      report,
      episodes: this.#episodes,
      keys: detector.baselines.size,
      warming: detector.warming,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      budget,
      backTest: backTest?.rows,
      disorder: { lines: this.#order.late, first: this.#firstDisorder, sorted: this.#sorted },
    };
  }
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
