import { html, raw } from 'hono/html';
import { facts, leftAlone } from './facts.js';
import type { Replayed } from './outcome.js';
import { gained, type Step, type Summary } from './summary.js';
import { plural, time } from './words.js';

const STYLE = `
:root{color-scheme:light dark;--bad:#b3261e;--good:#1b6e3c;--line:#8884}
@media (prefers-color-scheme:dark){:root{--bad:#f2b8b5;--good:#8bd3a4}}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.done{color:var(--bad)}.stopped{color:var(--good)}
.scroll{overflow-x:auto}pre{white-space:pre-wrap;border:1px solid var(--line);padding:1rem}
.bar{display:inline-block;height:.6rem;background:currentColor;border-radius:2px;vertical-align:middle}
small{opacity:.75}`;

/** The report as one page that needs nothing else. */
export function pageOf(replayed: Replayed, summary: Summary): string {
  const { script } = replayed;
  const { campaign, principals, calls } = script;
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Keyward demo: ${campaign.title}</title><style>${raw(STYLE)}</style></head>
<body>
<h1>${campaign.title}</h1>
<p>The same campaign twice on the same directory: with the guard away, and with it in front. ${calls.length.toLocaleString('en-US')}
calls of ${principals.length} owners' keys; the thief has ${script.victims.length} of the keys. Told after
<a href="${campaign.source}">the public report</a>.</p>
${got(replayed, summary)}
<h2>How it was found and contained</h2>
<ul>${facts(replayed, summary).map((fact) => html`<li>${fact}</li>`)}</ul>
${keys(replayed)}
${notices(replayed)}
${effects(replayed)}
<h2>Step by step</h2>
<div class="scroll"><table>
<thead><tr><th>when (UTC)</th><th>wave</th><th>key</th><th>operation</th><th>without</th><th>with</th></tr></thead>
<tbody>${summary.steps.map(step)}</tbody></table></div>
<p><small>Everything on this page was read from the programs' own answers, the guard's journal and the directory's log.</small></p>
</body></html>`;
  return `${page}`;
}

function got(replayed: Replayed, summary: Summary) {
  const rows = gained(replayed, summary);
  const most = Math.max(1, ...rows.flatMap((row) => [row.without, row.with]));
  const bar = (n: number) =>
    html`<span class="bar" style="width:calc(min(12rem, 16vw) * ${(n / most).toFixed(3)})"></span>`;
  return html`<h2>What the thief got</h2>
<div class="scroll"><table><thead><tr><th></th><th class="n">without</th><th></th><th class="n">with</th><th></th></tr></thead><tbody>
${rows.map(
  (
    row,
  ) => html`<tr><td>${row.what}</td><td class="n">${row.without}</td><td class="done">${bar(row.without)}</td>
<td class="n">${row.with}</td><td class="${row.with === 0 ? 'stopped' : 'done'}">${bar(row.with)}</td></tr>`,
)}
</tbody></table></div>`;
}

function keys({ on, keyNames }: Replayed) {
  const rows = on.contained.flatMap(({ keys: contained, leftAlone }) => [
    ...contained.map(({ key, why }) => ({ key, why, what: 'contained', style: 'done' })),
    ...leftAlone.map(({ key, why }) => ({ key, why, what: 'left alone', style: 'stopped' })),
  ]);
  return html`<h2>Keys contained, and keys left alone</h2>
<div class="scroll"><table><tbody>
${rows.map(({ key, why, what, style }) => html`<tr><td class="${style}">${what}</td><td>${keyNames.get(key) ?? key}</td><td>${why}</td></tr>`)}
</tbody></table></div>
${on.contained.map((each) => html`<p>${plural(each.keys.length, 'key')} contained; ${leftAlone(each)}.</p>`)}
<h2>Receipts</h2>
<ul>${on.contained.flatMap(({ receipts }) => receipts.map(({ id, key, exact }) => html`<li>${id}: ${keyNames.get(key) ?? key}${exact ? ', exact' : ', not exact'}</li>`))}</ul>`;
}

function notices({ on, names }: Replayed) {
  return html`<h2>Notices</h2>
${on.contained.flatMap((each) =>
  each.notices.map(
    ({ tenant, kind, subject, text }) =>
      html`<details><summary>${names.get(tenant) ?? tenant}, ${kind}: ${subject}</summary><pre>${text}</pre></details>`,
  ),
)}`;
}

function effects({ on, names }: Replayed) {
  const { unexplained } = on.effects;
  return html`<h2>Effects without a cause</h2>
<p>${on.effects.effects} results at devices against ${on.effects.causes} requests that can have such results.</p>
<ul>${unexplained.map(
    ({ first, tenant, devices, text }) =>
      html`<li>${first}: ${names.get(tenant) ?? tenant}, ${devices.join(', ')}: “${text}” ran, and no request explains it</li>`,
  )}</ul>`;
}

function step({ timeMs, wave, tenant, principal, operation, gain, without, with: guarded }: Step) {
  const cell = (verdict: string) =>
    html`<td class="${verdict === 'done' ? 'done' : 'stopped'}">${verdict}${verdict === 'done' && gain !== undefined ? `: ${gain}` : ''}</td>`;
  return html`<tr><td>${time(timeMs)}</td><td>${wave}</td><td>${tenant} / ${principal}</td><td>${operation}</td>${cell(without)}${cell(guarded)}</tr>`;
}
