import { existsSync } from 'node:fs';
import { counted } from '../core/counted.js';
import { ruleFault } from '../core/scope.js';
import { causesIn } from '../incidents/causes.js';
import { type UnexplainedRun, unexplainedRuns } from '../incidents/effects.js';
import { EffectsFault } from './effects-fault.js';
import { readEffects } from './effects-file.js';
import { noJournal } from './errors.js';
import { printTable } from './output.js';

export interface EffectsOptions {
  readonly operations: string;
  /** Seconds. */
  readonly window: number;
  readonly json?: boolean;
}

/**
 * Compares what happened at devices with what passed the guard.
 * @throws {EffectsFault} when something is unexplained
 * @throws {Error} when it cannot be compared
 */
export async function checkEffects(
  file: string,
  journals: readonly string[],
  options: EffectsOptions,
): Promise<void> {
  const operations = rulesOf(options.operations);
  const { effects, others } = readEffects(file);
  if (effects.length + others === 0)
    throw new Error(`${file} holds no events: nothing was compared. Was it fetched?`);
  const there = journals.filter((dir) => existsSync(dir));
  if (there.length === 0) throw noJournal(journals[0] as string);
  const windowMs = options.window * 1000;
  const firstMs = effects.reduce((first, { timeMs }) => Math.min(first, timeMs), Number.POSITIVE_INFINITY);
  const { causes, coveredFromMs } = await causesIn(there, operations, firstMs - windowMs);
  const compared = effects.filter(({ timeMs }) => timeMs >= (coveredFromMs ?? Number.POSITIVE_INFINITY));
  const before = effects.length - compared.length;
  if (effects.length > 0 && compared.length === 0)
    throw new Error(
      coveredFromMs === undefined
        ? 'The journal holds no entry yet: nothing was compared.'
        : `The journal begins at ${iso(coveredFromMs)}, after all effects: nothing was compared.`,
    );
  const found = unexplainedRuns(compared, causes, windowMs);
  if (options.json) {
    const unexplained = found.map(({ firstMs: first, ...rest }) => ({ first: iso(first), ...rest }));
    const counts = { effects: compared.length, causes: causes.length, beforeJournal: before };
    console.log(JSON.stringify({ ...counts, unexplained }));
  } else {
    const rest = [
      ...(before > 0
        ? [
            `${counted(before, 'effect')} from before the journal begins (${iso(coveredFromMs ?? 0)}) not compared`,
          ]
        : []),
      ...(others > 0 ? [`${counted(others, 'event')} of other kinds passed over`] : []),
    ];
    show(found, compared.length === 0 ? 'There are no effects to compare.' : 'Every run has its request.');
    console.log(
      `${[`${counted(compared.length, 'effect')}, ${counted(causes.length, 'request')} that can have such effects`, ...rest].join('; ')}.`,
    );
  }
  if (found.length > 0)
    throw new EffectsFault(
      `${counted(found.length, 'run has', 'runs have')} no request that explains it: look inside the provider.`,
    );
}

function rulesOf(text: string): string[] {
  const rules = text.split(',').map((each) => each.trim());
  for (const rule of rules) {
    const fault = rule === '' ? 'is empty' : ruleFault(rule);
    if (fault !== undefined) throw new Error(`--operations "${rule}": ${fault}.`);
  }
  return rules;
}

function show(found: readonly UnexplainedRun[], none: string): void {
  const rows = found.map(({ firstMs, tenant, run, devices, text }) => [
    ...[iso(firstMs), tenant, run],
    ...[devices.length > 3 ? `${devices.length} devices` : devices.join(' '), text],
  ]);
  printTable(['first seen', 'tenant', 'run', 'devices', 'what'], rows, none);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
