import { once } from 'node:events';
import type { Feed } from '../edges/scan/feed/feed.js';
import { htmlReport } from '../edges/scan/html-report.js';
import { detectionFinding } from '../edges/scan/ocsf.js';
import { scan } from '../edges/scan/scan.js';
import { scoreLine } from '../edges/scan/score-line.js';
import { version } from '../version.js';
import { writeWhole } from './scan-output.js';
import { Progress } from './scan-progress.js';
import { printSummary, summaryOf } from './scan-summary.js';

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
  if (options.html !== undefined) writeWhole(options.html, htmlReport(result));
  if (options.ocsf !== undefined) {
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
