import { counted } from '../../core/counted.js';
import { seen } from '../../core/unseen.js';
import type { Episode, EpisodeCall } from './episodes.js';
import type { ScanResult } from './scan.js';
import type { Timeline } from './timeline.js';

const EPISODES_MAX = 200;
const WIDTH = 860;
const BARS_MAX = 8;
const FILES_MAX = 5;

/** A page that needs nothing but itself. Everything from the log is escaped; there is no script in it. */
export function htmlReport(result: ScanResult): string {
  const { report, episodes, budget } = result;
  const { keyDays, allowed, spent, threshold } = budget.standing;
  const sorted = [...episodes.list].sort((a, b) => b.peak - a.peak);
  const facts: [string, string][] = [
    ['Observations', report.records.toLocaleString('en')],
    ['Keys', result.keys.toLocaleString('en')],
    ['Keys with too few observations', result.warming.toLocaleString('en')],
    ['Period', `${timeText(result.firstMs)} to ${timeText(result.lastMs)}`],
    ['Files', filesText([...report.formats])],
    ['Events that came again', report.copies.toLocaleString('en')],
    ['Lines that could not be used', report.bad.toLocaleString('en')],
    ['Lines out of time order', result.disorder.lines.toLocaleString('en')],
    ['False alarms allowed', `${allowed.toFixed(1)} in ${keyDays.toLocaleString('en')} key-days`],
    ['Days with an alarm', String(spent)],
    ['Alarms begin at', `${threshold.toFixed(1)} nats of evidence`],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keyward scan</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${STYLE}</style></head><body>
<h1>Keyward scan</h1>
<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
${badLines(result)}
<h2>${sorted.length === 0 ? 'No key did anything that its past does not explain' : `${counted(sorted.length, 'episode')}, the strongest first`}</h2>
${sorted.length === 0 ? '' : overview(sorted, result)}
${sorted
  .slice(0, EPISODES_MAX)
  .map((episode, i) => card(episode, i, threshold))
  .join('\n')}
${sorted.length > EPISODES_MAX ? `<p>${sorted.length - EPISODES_MAX} more are not shown.</p>` : ''}
${backTest(result)}
</body></html>
`;
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--alarm:#b3261e;--calm:#0b57d0}
body{font:15px/1.5 system-ui,sans-serif;max-width:${WIDTH + 40}px;margin:2rem auto;padding:0 1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}
article{border:1px solid var(--line);border-radius:8px;padding:0 1rem 1rem;margin:1rem 0}
h3{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:13px}
td,th{text-align:left;padding:.15rem .5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere;vertical-align:top}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:1rem}
article th{white-space:nowrap}.bar{width:70px}.bar svg{display:block;height:10px}summary{cursor:pointer}.number{text-align:right;white-space:nowrap}
`;

function filesText(files: readonly (readonly [string, string])[]): string {
  const shown = files.slice(0, FILES_MAX).map(([file, format]) => `${file} (${format})`);
  return [...shown, ...(files.length > FILES_MAX ? [`and ${files.length - FILES_MAX} more`] : [])].join(', ');
}

/** What `--inject` played on the log. */
function backTest({ backTest: rows }: ScanResult): string {
  if (rows === undefined) return '';
  const lines = rows.map(
    ({ kind, thefts, found, medianCalls }) =>
      `<tr><td>${kind}</td><td class="number">${thefts}</td><td class="number">${found}</td><td class="number">${medianCalls ?? '-'}</td></tr>`,
  );
  return `<h2>Thefts that were played on this log</h2><p>None of them happened: another key’s calls, as if the key had been stolen.</p>
<table><tr><th>thief</th><th class="number">thefts</th><th class="number">found</th><th class="number">calls until the alarm (median)</th></tr>${lines.join('')}</table>`;
}

function overview(episodes: readonly Episode[], { firstMs, lastMs }: ScanResult): string {
  const x = (ms: number) => 10 + ((ms - firstMs) / Math.max(1, lastMs - firstMs)) * (WIDTH - 20);
  const peak = Math.max(...episodes.map((each) => each.peak));
  const dots = episodes
    .slice(0, 2_000)
    .map(
      (each) =>
        `<circle cx="${x(each.startMs).toFixed(1)}" cy="${(90 - (each.peak / peak) * 75).toFixed(1)}" r="${each.privileged > 0 ? 5 : 3}" fill="var(--${each.privileged > 0 ? 'alarm' : 'calm'})"><title>${escaped(each.key)}</title></circle>`,
    );
  return `<svg viewBox="0 0 ${WIDTH} 120" role="img" aria-label="Episodes over time, higher is stronger, red has privileged calls">
<line x1="10" x2="${WIDTH - 10}" y1="95" y2="95" stroke="var(--line)"/>${dots.join('')}
<text x="10" y="112">${timeText(firstMs)}</text><text x="${WIDTH - 10}" y="112" text-anchor="end">${timeText(lastMs)}</text></svg>`;
}

function card(episode: Episode, index: number, threshold: number): string {
  const owner = [episode.tenant, episode.principal].filter((part) => part !== undefined).join(' / ');
  return `<article id="episode-${index + 1}">
<h3>${escaped(episode.key)}${owner === '' ? '' : ` <small>${escaped(owner)}</small>`}</h3>
<p>${timeText(episode.startMs)} to ${timeText(episode.endMs)}: ${episode.calls} ${episode.calls === 1 ? 'call' : 'calls'}, ${episode.privileged} of them privileged, ${episode.held} would be held; evidence up to ${episode.peak.toFixed(1)} nats.</p>
<table>${episode.reasons.map(({ term, nats, text }) => `<tr><th>${term}</th><td class="number">${nats.toFixed(1)}</td><td>${escaped(text)}</td></tr>`).join('')}</table>
${timeline(episode, threshold)}
<div class="pictures">${bars('What', episode.operations)}${bars('Where', episode.places)}${when(episode.timeline)}</div>
<details><summary>The first ${counted(episode.examples.length, 'call')}</summary><table>
<tr><th>time</th><th>operation</th><th>privilege</th><th>from</th><th>client</th><th>status</th><th>evidence</th><th>decision</th><th>line</th></tr>
${episode.examples.map(callRow).join('\n')}</table></details></article>`;
}

/** Evidence of the calls against the threshold, over the whole episode. */
function timeline({ timeline: { steps }, startMs, endMs }: Episode, threshold: number): string {
  const most = Math.max(threshold, ...steps.map(([, { peak }]) => peak)) * 1.05;
  const x = (ms: number) => 10 + (Math.max(0, ms - startMs) / Math.max(1, endMs - startMs)) * (WIDTH - 20);
  const y = (nats: number) => 90 - (nats / most) * 80;
  const marks = steps.map(
    ([ms, { calls, peak, privileged }]) =>
      `<line x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="90" y2="${y(peak).toFixed(1)}" stroke="var(--${privileged ? 'alarm' : 'calm'})" stroke-width="2"><title>${timeText(ms)}: ${counted(calls, 'call')}</title></line>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} 110" role="img" aria-label="Evidence over time; red has privileged calls, the dashed line is the threshold">
<line x1="10" x2="${WIDTH - 10}" y1="90" y2="90" stroke="var(--line)"/>
<line x1="10" x2="${WIDTH - 10}" y1="${y(threshold).toFixed(1)}" y2="${y(threshold).toFixed(1)}" stroke="currentColor" stroke-dasharray="4 4"/>
${marks.join('')}<text x="10" y="106">${timeText(startMs)}</text><text x="${WIDTH - 10}" y="106" text-anchor="end">${timeText(endMs)}</text></svg>`;
}

function bars(title: string, counts: ReadonlyMap<string, number>): string {
  const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, BARS_MAX);
  const most = Math.max(1, ...top.map(([, count]) => count));
  const rows = top.map(
    ([name, count]) =>
      `<tr><td>${escaped(name)}</td><td class="number">${count}</td><td class="bar"><svg viewBox="0 0 60 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${((count / most) * 60).toFixed(1)}" height="10" fill="var(--calm)"/></svg></td></tr>`,
  );
  return `<div><h4>${title}</h4><table>${rows.join('')}</table></div>`;
}

function when({ hours }: Timeline): string {
  const most = Math.max(1, ...hours);
  const columns = hours.map(
    (count, hour) =>
      `<rect x="${hour * 10}" y="${(50 - (count / most) * 48).toFixed(1)}" width="8" height="${((count / most) * 48).toFixed(1)}" fill="var(--calm)"/>`,
  );
  return `<div><h4>When (hour, UTC)</h4><svg viewBox="0 0 240 64" role="img" aria-label="Calls by hour">${columns.join('')}<text x="0" y="62">0</text><text x="120" y="62">12</text><text x="238" y="62" text-anchor="end">23</text></svg></div>`;
}

function callRow(call: EpisodeCall): string {
  const cells = [
    ...[timeText(call.timeMs), call.operation, String(call.privilege), call.address, call.userAgent],
    ...[String(call.status ?? ''), call.evidence.toFixed(1), call.decision, `${call.file}:${call.line}`],
  ];
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
}

function badLines({ report }: ScanResult): string {
  if (report.bad === 0) return '';
  const rows = report.badLines.map(
    ({ file, line, reason }) =>
      `<tr><td>${escaped(file)}${line === 0 ? '' : `:${line}`}</td><td>${escaped(reason)}</td></tr>`,
  );
  return `<details><summary>${counted(report.bad, 'line or file', 'lines or files')} could not be used</summary><table>${rows.join('')}</table></details>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML; control characters become a visible mark. */
function escaped(text: string): string {
  return seen(text, '\ufffd').replace(/[&<>"']/g, (c) => ESCAPES[c] as string);
}

function timeText(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : '-';
}
