import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DAY_MS } from '../../world/traffic.js';
import type { EffectsCheck, JournalCounts } from './outcome.js';
import { BEGIN_MS, type Script } from './script.js';
import type { Side } from './side.js';

const OUTPUT_BYTES_MAX = 1 << 30;

/** What the directory's own log tells of devices, against the guard's journal: `keyward journal effects`. */
export async function checkEffects(side: Side, bin: string): Promise<EffectsCheck> {
  const file = path.join(side.dir, 'device-events.ndjson');
  const events: unknown[] = [];
  for (const { adminKey } of side.organisations) {
    const query = { service: ['all'], start_time: new Date(BEGIN_MS).toISOString(), limit: 10_000 };
    const { body } = await side.ask('POST', '/insights/directory/v1/events', adminKey, query);
    const own = body as { event_type: string }[];
    events.push(...own.filter((each) => each.event_type === 'command_result'));
  }
  writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
  return JSON.parse(
    await cli(bin, 'journal', 'effects', file, '-d', side.guardData, '--json'),
  ) as EffectsCheck;
}

/** Counts in the guard's journal; the thief's calls are told by key, address and tool. */
export async function countJournal(
  side: Side,
  bin: string,
  script: Script,
  revokedMs: ReadonlyMap<string, number>,
): Promise<JournalCounts> {
  const thieves = new Set(script.plan.calls.map(({ key, ip, userAgent }) => `${key} ${ip} ${userAgent}`));
  const text = await cli(bin, 'journal', 'export', '-d', side.guardData);
  const decisions = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine)
    .filter(({ kind, key }) => kind === 'decision' && key !== undefined);
  const ofThief = ({ key = '', address, userAgent }: JournalLine) =>
    thieves.has(`${side.keyIds.get(key)} ${address} ${userAgent}`);
  const theft = decisions.filter(ofThief);
  const first = theft.findIndex(({ finding }) => finding !== undefined);
  const dayOf = ({ key, time }: JournalLine) => `${key} ${Math.floor(time / DAY_MS)}`;
  const falses = decisions.filter((entry) => entry.finding !== undefined && !ofThief(entry));
  const late = decisions.filter(
    ({ key = '', time }) => time > (revokedMs.get(key) ?? Number.POSITIVE_INFINITY),
  );
  return {
    decisions: decisions.length,
    detectedAfterMs: first === -1 ? undefined : (theft[first]?.time ?? 0) - (theft[0]?.time ?? 0),
    callsBefore: first === -1 ? theft.length : first,
    keysFound: new Set(theft.flatMap(({ key, finding }) => (finding === undefined ? [] : key))).size,
    falseFindings: falses.length,
    falseKeyDays: new Set(falses.map(dayOf)).size,
    falseHeld: falses.filter(({ decision }) => decision === 'hold').length,
    keyDays: new Set(decisions.map(dayOf)).size,
    afterRevocation: late.length,
    acceptedAfterRevocation: late.filter(({ decision }) => decision !== 'deny').length,
  };
}

interface JournalLine {
  readonly kind: string;
  readonly time: number;
  readonly key?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly decision?: string;
  readonly finding?: unknown;
}

/** A command of the guard, on its files. One that found something ends with 3. */
function cli(bin: string, ...args: string[]): Promise<string> {
  return promisify(execFile)(process.execPath, [bin, ...args], { maxBuffer: OUTPUT_BYTES_MAX }).then(
    ({ stdout }) => stdout,
    (error: { code?: number; stdout?: string }) => {
      if (error.code !== 3 || error.stdout === undefined || error.stdout === '') throw error;
      return error.stdout;
    },
  );
}
