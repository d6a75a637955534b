import { styleText } from 'node:util';
import Table from 'cli-table3';
import { printable } from './printable.js';

/** Colour only where a person looks, and not against their wish (no-color.org). */
function coloured(): boolean {
  return process.stdout.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb';
}

export function strong(text: string): string {
  return coloured() ? styleText('bold', text) : text;
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** A table without frames, as `ps` and `kubectl` print them. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): void {
  if (rows.length === 0) {
    console.log(none);
    return;
  }
  const blank = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
  ];
  const lines = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'];
  const table = new Table({
    head: head.map(strong),
    chars: Object.fromEntries([...blank, ...lines].map((name) => [name, ''])),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  for (const row of rows) table.push(row.map(printable));
  console.log(table.toString().replace(/ +$/gm, ''));
}

/** Names and values, one a line; those without a value are left out. */
export function printFacts(facts: readonly (readonly [string, string | undefined])[]): void {
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts)
    if (value !== undefined) console.log(`${strong(name.padEnd(width))}  ${printable(value)}`);
}

/** A secret, and the warning that goes with it, apart from the output that may be piped. */
export function printSecret(what: string, secret: string): void {
  console.error(`${what} It is shown this once; Keyward cannot show it again.`);
  console.log(secret);
}

const UNITS: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
];

/** `3 min ago`; the instant itself is in --json. */
export function ago(iso: string | undefined, nowMs = Date.now()): string {
  if (iso === undefined) return 'never';
  const elapsed = nowMs - Date.parse(iso);
  for (const [unit, ms] of UNITS) if (elapsed >= ms) return `${Math.floor(elapsed / ms)} ${unit} ago`;
  return 'just now';
}
