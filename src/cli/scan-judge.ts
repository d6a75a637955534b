import { once } from 'node:events';
import { counted } from '../core/counted.js';
import type { Feed } from '../edges/scan/feed/feed.js';
import { htmlReport } from '../edges/scan/html-report.js';
import { detectionFinding } from '../edges/scan/ocsf.js';
import type { ReadReport } from '../edges/scan/read/report.js';
import { scan } from '../edges/scan/scan.js';
import { scoreLine } from '../edges/scan/score-line.js';
import { version } from '../version.js';
import { writeWhole } from './scan-output.js';
import { Progress } from './scan-progress.js';
import { NOTHING_JUDGED, printSummary, summaryOf } from './scan-summary.js';

/** What a scan is to come to. */
export interface JudgeOptions {
  readonly scores?: boolean;
  readonly alarms: number;
  readonly json?: boolean;
  readonly html?: string;
  readonly ocsf?: string;
  readonly inject?: boolean;
}

/** Text gathered before it is written. */
const WRITE_CHARS = 1 << 16;

/** Judges what is fed, and writes what was asked for. @param totalBytes of the files, as far as they are known */
export async function judgeLogs(feed: Feed, totalBytes: number, options: JudgeOptions): Promise<void> {
  const progress = new Progress(totalBytes);
  const scores = options.scores === true ? new ScoreWriter() : undefined;
  const settings = {
    alarmsPerKeyDay: options.alarms / 1_000,
    inject: options.inject === true,
    // Scores are causal line by line: they keep the order of the input.
    sort: scores === undefined,
    onProgress: (bytesRead: number) => progress.show(bytesRead),
  };
  const result = await scan(feed, settings, (judged) => {
    progress.judged += 1;
    return scores?.write(scoreLine(judged));
  });
  await scores?.flush();
  progress.end();
  // What looks like a report of nothing found must not come from nothing read.
  const read = result.report.records > 0;
  if (read && options.html !== undefined) writeWhole(options.html, htmlReport(result));
  if (read && options.ocsf !== undefined) {
    const { threshold } = result.budget;
    const findings = result.episodes.list.map((each) =>
      JSON.stringify(detectionFinding(each, threshold, version)),
    );
    writeWhole(options.ocsf, findings.map((line) => `${line}\n`).join(''));
  }
  // Standard output belongs to the scores where they were asked for.
  const out = options.scores ? process.stderr : process.stdout;
  if (options.json) out.write(`${JSON.stringify(summaryOf(result), null, 2)}\n`);
  else printSummary(result, out);
  const shortfall = shortfallOf(result.report);
  if (shortfall !== undefined) throw new Error(shortfall);
}

/** Why a scan that came to its end has failed all the same. */
function shortfallOf({ records, lost }: ReadReport): string | undefined {
  if (records === 0) return [NOTHING_JUDGED, ...lost.slice(0, 1)].join(' ');
  if (lost.length === 0) return undefined;
  return `${counted(lost.length, 'log that was named', 'logs that were named')} could not be used: ${lost.join(' ')}`;
}

/** Gathers lines and writes them in large pieces, no faster than they are read. */
class ScoreWriter {
  #text = '';

  write(line: string): Promise<void> | undefined {
    this.#text += `${line}\n`;
    return this.#text.length < WRITE_CHARS ? undefined : this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  }
}
