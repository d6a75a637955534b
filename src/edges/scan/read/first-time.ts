import { type ReadOptions, readLog } from './read-log.js';
import { ReadReport } from './report.js';
import type { Source } from './sources.js';

/** A log, and the time at which it begins; before all others where it has none, or can be read only once. */
export interface TimedSource {
  readonly source: Source;
  readonly timeMs: number;
}

/**
 * Logs in the order of their first times: names put one region after the other, and the latest of rotated logs first.
 */
export async function byFirstTime(
  sources: readonly Source[],
  options: ReadOptions,
): Promise<readonly TimedSource[]> {
  const timed: TimedSource[] = [];
  for (const source of sources) timed.push({ source, timeMs: await firstTime(source, options) });
  // Stable.
  return timed.sort((a, b) => (a.timeMs === b.timeMs ? 0 : a.timeMs - b.timeMs));
}

/** CloudTrail delivers many small files, each up to so long after what is in it. */
const DELIVERY_MS = 15 * 60_000;

/** When CloudTrail delivered a file, as its name says: `…_20230710T1220Z_….json.gz`. */
function deliveredMs(name: string): number | undefined {
  const [, year, month, day, hour, minute] =
    /_CloudTrail_[^/]*_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^/]*$/.exec(name) ?? [];
  return year === undefined
    ? undefined
    : Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
}

async function firstTime(source: Source, options: ReadOptions): Promise<number> {
  // Pipes and the like have no size.
  if (source.bytes === 0) return Number.NEGATIVE_INFINITY;
  const named = deliveredMs(source.name);
  if (named !== undefined) return named - DELIVERY_MS;
  let firstMs: number | undefined;
  for await (const block of readLog(source, new ReadReport(), options)) {
    try {
      block.take(({ timeMs }) => {
        if (firstMs !== undefined) throw new Found(Math.min(firstMs, timeMs));
        firstMs = timeMs;
      });
    } catch (found) {
      if (found instanceof Found) return found.timeMs;
      throw found;
    }
  }
  return firstMs ?? Number.NEGATIVE_INFINITY;
}

/** Ends the reading of a block: two records are enough, and one that stands alone, in the year 9999, is outvoted. */
class Found {
  readonly timeMs: number;

  constructor(timeMs: number) {
    this.timeMs = timeMs;
  }
}
