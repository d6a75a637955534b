import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import { parse } from 'yaml';

/** A file, or standard input for `-`. */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** JSON or YAML, which contains JSON. */
export function readDocument(file: string): unknown {
  const text = readText(file);
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** One line from standard input: piped, or typed unseen. Secrets never come by the command line, where `ps` shows them. */
export async function readSecret(prompt: string): Promise<string> {
  if (process.stdin.isTTY !== true) return readText('-').trim();
  process.stderr.write(`${prompt} (not shown): `);
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: muted, terminal: true });
  const line = await new Promise<string>((resolve) => lines.once('line', resolve));
  lines.close();
  process.stderr.write('\n');
  return line.trim();
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const SPAN_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An ISO 8601 time, a span back (`90m`, `12h`, `7d`), `today`, `yesterday` or a weekday: its last midnight. */
export function parseTime(text: string, now = new Date()): string {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  if (span !== null)
    return new Date(now.getTime() - Number(span[1]) * (SPAN_MS[span[2] as string] as number)).toISOString();
  const day = text.toLowerCase();
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const weekday = WEEKDAYS.findIndex((name) => day.length >= 3 && name.startsWith(day));
  if (day === 'today' || day === 'yesterday' || weekday !== -1) {
    const back = day === 'today' ? 0 : day === 'yesterday' ? 1 : (now.getDay() - weekday + 7) % 7;
    midnight.setDate(midnight.getDate() - back);
    return midnight.toISOString();
  }
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Write a time like 2026-11-24T08:00:00Z, 7d, yesterday or monday.');
  return new Date(time).toISOString();
}

/** `30d` to seconds. */
export function parseSpan(text: string): number {
  const span = /^(\d{1,9})([smhd])$/.exec(text);
  if (span === null) throw new InvalidArgumentError('Write a span like 90s, 30m, 12h or 30d.');
  return (Number(span[1]) * (SPAN_MS[span[2] as string] as number)) / 1000;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('Write a port: 0 to 65535.');
  return Number(text);
}

/** Gathers a repeatable option. */
export function gather(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
