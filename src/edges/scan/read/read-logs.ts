import { byFirstTime } from './first-time.js';
import { type ReadOptions, type RecordBlock, readLog } from './read-log.js';
import type { ReadReport } from './report.js';
import { type Source, SourceFault } from './sources.js';

/**
 * Reads logs of any known format, one after the other, in their order or in that of their first times. What cannot be used, lines and whole logs, is counted and reported.
 * @throws {SourceFault} at the end, when none that the user named could be used
 */
export async function* readLogs(
  sources: readonly Source[],
  report: ReadReport,
  options: ReadOptions = {},
): AsyncGenerator<RecordBlock> {
  for (const source of options.byTime === true ? await byFirstTime(sources, options) : sources) {
    const { records, bad } = report;
    const why = yield* readLog(source, report, options);
    if (!source.named) continue;
    if (why !== undefined) report.lost.push(why);
    else if (report.records === records && report.bad > bad)
      report.lost.push(`${source.name} has no line that can be used.`);
  }
  const [first, ...others] = report.lost;
  if (report.formats.size > 0 || first === undefined) return;
  throw new SourceFault(
    others.length === 0 ? first : `${first} ${others.length} more could not be used either.`,
  );
}
