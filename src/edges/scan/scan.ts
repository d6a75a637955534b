import type { AlarmBudget } from '../../detectors/budget.js';
import { Analysis, type AnalysisOptions, type JudgedRecord } from './analysis.js';
import type { BackTestRow } from './back-test.js';
import { Episodes } from './episodes.js';
import type { LogObserver } from './observe.js';
import { type ReadOptions, ReadReport, readLogs } from './read/read-logs.js';
import { inInputOrder, inTimeOrder } from './read/reorder.js';
import type { Source } from './read/sources.js';
import type { Origin } from './score-line.js';

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

export interface ScanOptions extends AnalysisOptions, ReadOptions {
  /** Judge in order of time, as far as a bounded window allows, in place of the order of the input. */
  readonly sort?: boolean;
}

/** A step back in time that clocks and buffers explain. */
const DISORDER_MS = 60_000;

/** Reads, judges and gathers; `each` is told of every line as soon as it is judged. */
export async function scan(
  sources: readonly Source[],
  observer: LogObserver,
  options: ScanOptions,
  each?: (origin: Origin, judged: JudgedRecord) => void | Promise<void>,
): Promise<ScanResult> {
  const report = new ReadReport();
  const analysis = new Analysis(observer, options);
  const episodes = new Episodes();
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  const disorder: { lines: number; first: Origin | undefined } = { lines: 0, first: undefined };
  const batches = readLogs(sources, report, options);
  for await (const part of options.sort === true ? inTimeOrder(batches) : inInputOrder(batches)) {
    for (const { record, file, line } of part) {
      const origin = { file, line };
      if (record.timeMs < lastMs - DISORDER_MS) {
        disorder.lines += 1;
        disorder.first ??= origin;
      }
      firstMs = Math.min(firstMs, record.timeMs);
      lastMs = Math.max(lastMs, record.timeMs);
      const judged = analysis.judge(record);
      episodes.note(origin, judged);
      const done = each?.(origin, judged);
      if (done !== undefined) await done;
    }
  }
  const keys = [...analysis.detector.baselines.keys()];
  return {
    ...{ report, episodes, firstMs, lastMs, disorder },
    keys: keys.length,
    warming: keys.filter((key) => analysis.detector.isWarming(key)).length,
    budget: analysis.budget,
    backTest: analysis.backTest?.rows,
  };
}
