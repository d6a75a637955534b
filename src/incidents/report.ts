import { html, raw } from 'hono/html';
import { counted } from '../core/counted.js';
import { seen } from '../core/unseen.js';
import type { KeyRadius, Tally } from './blast-radius.js';
import type { Incident } from './incident.js';
import type { Findings } from './service.js';

const ROWS_MAX = 200;

/** One table of a report: what is shown of a key, in text and in HTML alike. */
interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A report for people: plain text. */
export function textReport(incident: Incident | undefined, found: Findings): string {
  const lines = [...headline(incident, found), ''];
  for (const radius of found.radii) {
    lines.push(keyTitle(radius), ...keyFacts(radius).map((each) => `  ${each}`));
    for (const { title, head, rows } of sections(radius)) {
      if (rows.length === 0) continue;
      lines.push(`  ${title}`, ...aligned([head, ...rows]).map((row) => `    ${row}`));
    }
    lines.push('');
  }
  lines.push(`Contain (${found.set.contain.length}):`);
  for (const { key, tenant, why } of found.set.contain) lines.push(`  ${key} (${tenant}): ${why.join('; ')}`);
  lines.push(
    '',
    `Leave alone (${found.set.leftAlone.length + found.set.notListed}), ${counted(found.set.silent, 'key')} made no request:`,
  );
  for (const { key, tenant, why } of found.set.leftAlone.slice(0, ROWS_MAX))
    lines.push(`  ${key} (${tenant}): ${why}`);
  const more = found.set.leftAlone.length + found.set.notListed - ROWS_MAX;
  if (more > 0) lines.push(`  … and ${more} more, in the JSON`);
  return `${lines.map((line) => seen(line, '?')).join('\n')}\n`;
}

/** The same as a page that needs nothing but itself; everything from the journal is escaped. */
export function htmlReport(incident: Incident | undefined, found: Findings): string {
  const table = ({ title, head, rows }: Section) =>
    rows.length === 0
      ? ''
      : html`<h3>${title}</h3><table><tr>${head.map((each) => html`<th>${each}</th>`)}</tr>
${rows.map((row) => html`<tr>${row.map((each) => html`<td>${each}</td>`)}</tr>`)}</table>`;
  const contain = found.set.contain.map(({ key, tenant, why }) => [key, tenant, why.join('; ')]);
  const left = found.set.leftAlone.slice(0, ROWS_MAX).map(({ key, tenant, why }) => [key, tenant, why]);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keyward blast radius</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${raw(STYLE)}</style></head><body><h1>Blast radius</h1>
${headline(incident, found).map((each) => html`<p>${each}</p>`)}
${found.radii.map(
  (
    radius,
  ) => html`<article><h2>${keyTitle(radius)}</h2><ul>${keyFacts(radius).map((each) => html`<li>${each}</li>`)}</ul>
${sections(radius).map(table)}</article>`,
)}
${table({ title: `Contain (${contain.length})`, head: ['Key', 'Tenant', 'Why'], rows: contain })}
${table({ title: `Leave alone (${found.set.leftAlone.length + found.set.notListed})`, head: ['Key', 'Tenant', 'Why'], rows: left })}
</body></html>
`;
  return String(page);
}

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;font-size:13px}td,th{text-align:left;padding:.15rem .5rem;border-bottom:1px solid #8884;vertical-align:top;overflow-wrap:anywhere}
article{border:1px solid #8884;border-radius:8px;padding:0 1rem 1rem;margin:1rem 0}h2,h3{overflow-wrap:anywhere}`;

function headline(
  incident: Incident | undefined,
  { radii, set, entries, dropped, milliseconds }: Findings,
): string[] {
  const tenants = new Set(radii.flatMap((each) => each.tenants));
  const lines = [
    incident === undefined
      ? `${counted(radii.length, 'key')}, ${counted(tenants.size, 'tenant')}`
      : `Incident ${incident.id} (${incident.state}): ${counted(radii.length, 'key')}, ${counted(tenants.size, 'tenant')}`,
    `Compromised since ${time(set.sinceMs)} at the earliest. ${entries.toLocaleString('en')} journal entries looked at in ${(milliseconds / 1000).toFixed(1)} s.`,
  ];
  if (set.places.length > 0) lines.push(`Places of the incident: ${set.places.join(', ')}`);
  if (dropped > 0)
    lines.push(`${dropped.toLocaleString('en')} of the oldest calls were too many to be looked at.`);
  for (const { act, by, why, atMs } of incident?.history.slice(0, ROWS_MAX) ?? [])
    lines.push(`${time(atMs)} ${act} by ${by}: ${why}`);
  return lines;
}

function keyTitle({ key, tenants }: KeyRadius): string {
  return `Key ${key} of ${tenants.join(', ')}`;
}

function keyFacts(radius: KeyRadius): string[] {
  const { timeMs, fromMs, toMs } = radius.compromised;
  return [
    `compromised ${time(timeMs)}, with 95 % probability between ${time(fromMs)} and ${time(toMs)}`,
    `${counted(radius.calls, 'call')} since then, ${radius.foreign} of them somebody else's${radius.lastForeignMs === undefined ? '' : `, the last ${time(radius.lastForeignMs)}`}`,
    `${bytes(radius.bytesOut)} went out, ${bytes(radius.foreignBytesOut)} of it to somebody else`,
    `before: ${counted(radius.habits.calls, 'call')}, ${counted(radius.habits.operations.length, 'operation')}, ${counted(radius.habits.networks.length, 'network')}`,
  ];
}

function sections(radius: KeyRadius): Section[] {
  const counts = (tally: Tally) => [
    ...[String(tally.foreignSucceeded), String(tally.foreignRefused)],
    ...[tally.foreignFirstMs, tally.foreignLastMs].map((ms) => (ms === undefined ? '' : time(ms))),
    ...[String(tally.succeeded), String(tally.refused)],
  ];
  const head = ["somebody else's: done", 'only tried', 'first', 'last', 'all: done', 'only tried'];
  return [
    {
      title: 'Operations, by privilege',
      head: ['privilege', 'operation', ...head],
      rows: radius.operations.map((each) => [String(each.privilege), each.name, ...counts(each)]),
    },
    {
      title: `Objects${radius.objectsNotListed > 0 ? ` (${radius.objectsNotListed} more calls on objects that are not listed)` : ''}`,
      head: ['effect', 'object', ...head],
      rows: radius.objects
        .filter(({ foreignFirstMs }) => foreignFirstMs !== undefined)
        .slice(0, ROWS_MAX)
        .map((each) => [
          each.operation === undefined ? each.effect : `${each.effect} by ${each.operation}`,
          each.id,
          ...counts(each),
        ]),
    },
    {
      title: 'Networks',
      head: ['network', 'AS', 'country', ...head],
      rows: radius.networks.map((each) => [
        ...[each.network, each.asn === undefined ? '' : `AS${each.asn}`, each.country ?? ''],
        ...counts(each),
      ]),
    },
  ];
}

/** Columns of equal width. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, row) => Math.max(most, (row[column] ?? '').length), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function bytes(count: number): string {
  if (count < 1e4) return `${count} bytes`;
  return count < 1e7 ? `${(count / 1e3).toFixed(0)} KB` : `${(count / 1e6).toFixed(0)} MB`;
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
