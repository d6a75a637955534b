import { counted } from '../core/counted.js';
import type { Episode } from '../edges/scan/episodes.js';
import type { Disorder, ScanResult } from '../edges/scan/scan.js';
import { printable } from './printable.js';

const SHOWN_EPISODES = 10;
const SHOWN_BAD = 5;
/** Nothing found, because nothing was looked at. */
export const NOTHING_JUDGED = 'No observation could be read, so nothing was judged.';

/** The result as data. */
export function summaryOf(result: ScanResult) {
  const { report, episodes, budget, disorder } = result;
  return {
    files: [...report.formats].map(([file, format]) => ({ file, format })),
    observations: report.records,
    ...(report.looked === 0 ? {} : { namedByCatalog: report.known }),
    copies: report.copies,
    badLines: report.bad,
    bad: report.badLines,
    from: timeText(result.firstMs),
    to: timeText(result.lastMs),
    keys: result.keys,
    keysWarming: result.warming,
    outOfOrder: { lines: disorder.lines, first: disorder.first },
    budget: budget.standing,
    injected: result.backTest,
    episodes: suspects(episodes.list).map((each) => ({
      key: each.key,
      tenant: each.tenant,
      principal: each.principal,
      from: timeText(each.startMs),
      to: timeText(each.endMs),
      calls: each.calls,
      privileged: each.privileged,
      evidence: each.peak,
      reasons: each.reasons,
      operations: Object.fromEntries(each.operations),
      places: Object.fromEntries(each.places),
    })),
  };
}

/** The result for people. What came from the log is shown without control characters. */
export function printSummary(result: ScanResult, to: NodeJS.WriteStream): void {
  const { report, episodes, budget, disorder } = result;
  const say = (text = '') => to.write(`${text}\n`);
  const formats = [...new Set(report.formats.values())].join(', ');
  say(
    `${counted(report.records, 'observation')} of ${counted(result.keys, 'key')} in ${counted(report.formats.size, 'file')} (${formats || 'nothing was read'})`,
  );
  if (report.records > 0) say(`from ${timeText(result.firstMs)} to ${timeText(result.lastMs)}`);
  if (result.warming > 0)
    say(
      `${counted(result.warming, 'key has', 'keys have')} too few observations to be judged (20 are needed)`,
    );
  if (report.looked > 0) say(namedText(report));
  if (report.copies > 0)
    say(`${counted(report.copies, 'event that came again was', 'events that came again were')} left out`);
  bad(report, say);
  if (report.records === 0) {
    say(NOTHING_JUDGED);
    return;
  }
  outOfOrder(disorder, say);
  const { keyDays, allowed, spent, threshold } = budget.standing;
  say(
    `budget: ${allowed.toFixed(1)} false alarms in ${number(keyDays)} key-days; ${counted(spent, 'day')} with an alarm; alarms begin at ${threshold.toFixed(1)} nats`,
  );
  for (const { kind, thefts, found, medianCalls } of result.backTest ?? [])
    say(
      `injected thefts, ${kind.padEnd(11)} ${number(found)} of ${number(thefts)} found (${thefts === 0 ? 0 : Math.round((100 * found) / thefts)} %), after ${medianCalls ?? '-'} calls in the median`,
    );
  say();
  const found = suspects(episodes.list);
  if (found.length === 0) {
    say('No key did anything that its past does not explain.');
    return;
  }
  say(`${counted(found.length, 'episode')}, the strongest first:`);
  for (const episode of found.slice(0, SHOWN_EPISODES)) describe(episode, say);
  if (found.length > SHOWN_EPISODES)
    say(`\n${number(found.length - SHOWN_EPISODES + episodes.dropped)} more (--json shows all)`);
}

function describe(episode: Episode, say: (text?: string) => void): void {
  const owner = [episode.tenant, episode.principal].filter((part) => part !== undefined).join(' / ');
  say();
  say(`${printable(episode.key)}${owner === '' ? '' : ` (${printable(owner)})`}`);
  say(
    `  ${timeText(episode.startMs)} to ${timeText(episode.endMs)}, ${counted(episode.calls, 'call')}, ${number(episode.privileged)} of them privileged, evidence ${episode.peak.toFixed(1)} nats`,
  );
  for (const { term, nats, text } of episode.reasons)
    say(`  ${term.padEnd(10)} ${nats.toFixed(1).padStart(5)}  ${printable(text)}`);
  const what = [...episode.operations].sort((a, b) => b[1] - a[1]).slice(0, 6);
  say(`  did        ${what.map(([name, n]) => `${printable(name)} ×${n}`).join(', ')}`);
  const first = episode.examples[0];
  if (first !== undefined) say(`  begins at  ${printable(first.file)}:${first.line}`);
}

function namedText({ looked, known, records }: ScanResult['report']): string {
  const share = `${((100 * known) / records).toFixed(known < records ? 1 : 0)} % of the observations are named by ${looked < records ? 'a' : 'the'} catalog`;
  return known < records ? `${share}; of the others, the privilege is guessed from their names` : share;
}

function bad(report: ScanResult['report'], say: (text?: string) => void): void {
  if (report.bad === 0) return;
  say(`${counted(report.bad, 'line or file', 'lines or files')} could not be used:`);
  for (const { file, line, reason } of report.badLines.slice(0, SHOWN_BAD))
    say(`  ${printable(file)}${line === 0 ? '' : `:${line}`} ${printable(reason)}`);
  if (report.bad > SHOWN_BAD) say(`  and ${number(report.bad - SHOWN_BAD)} more`);
}

function outOfOrder({ lines, first, sorted }: Disorder, say: (text?: string) => void): void {
  if (first === undefined) return;
  const how = sorted
    ? 'that is beyond the window of 100,000 observations in which they are sorted; sort the input by time for better results'
    : '--scores judges lines in the order they come; sort the input by time for better results';
  say(
    `${counted(lines, 'line is', 'lines are')} out of time order, the first at ${printable(first.file)}:${first.line}; ${how}`,
  );
}

function suspects(episodes: readonly Episode[]): Episode[] {
  return [...episodes].sort((a, b) => b.peak - a.peak);
}

function number(n: number): string {
  return n.toLocaleString('en');
}

function timeText(ms: number): string | undefined {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : undefined;
}
