import { byFirstTime } from './first-time.js';
import { chunkBytesOf, mergedByTime } from './merge.js';
import { type ReadOptions, type RecordBlock, readLog } from './read-log.js';
import type { ReadReport } from './report.js';
import { SeenIds } from './seen-ids.js';
import { type Source, SourceFault } from './sources.js';

/**
 * Reads logs of any known format, one after the other, or side by side as their times go. What cannot be used, lines and
 * whole logs, is counted and reported.
 * @throws {SourceFault} at the end, when none that the user named could be used
 */
export async function* readLogs(
  sources: readonly Source[],
  report: ReadReport,
  options: ReadOptions = {},
): AsyncGenerator<RecordBlock> {
  const merged = options.byTime === true && sources.length > 1;
  const ids = options.byTime === true ? new SeenIds() : undefined;
  const each = { ...options, chunkBytes: merged ? chunkBytesOf(sources.length) : undefined };
  async function* read(source: Source): AsyncGenerator<RecordBlock> {
    const why = yield* readLog(source, report, each, ids);
    if (why !== undefined && source.named) report.lost.push(why);
  }
  if (merged) yield* mergedByTime(await byFirstTime(sources, each), read);
  else for (const source of sources) yield* read(source);
  const [first, ...others] = report.lost;
  if (report.formats.size > 0 || first === undefined) return;
  throw new SourceFault(
    others.length === 0 ? first : `${first} ${others.length} more could not be used either.`,
  );
}
