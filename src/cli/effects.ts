import { z } from 'zod';
import { checkOperation, compileOperations } from '../core/scope.js';
import { forwards } from '../core/verdict.js';
import { type Cause, type Effect, unexplainedRuns } from '../incidents/effects.js';
import { readEntries } from '../journal/read.js';
import { readText } from './input.js';
import { printTable } from './output.js';

const time = z
  .union([z.iso.datetime({ offset: true }), z.number()])
  .transform((value) => new Date(value).getTime());
const text = z.string().max(4_096);

/** One line of any upstream: what happened at a device, and for which run. */
const plain = z
  .object({ time, tenant: text, device: text, run: text, text: text.default('') })
  .transform(({ time: timeMs, ...rest }): Effect => ({ timeMs, ...rest }));

/** A device's result in JumpCloud's Directory Insights. */
const insight = z
  .object({
    event_type: z.enum(['command_result', 'mdm_command_result']),
    ...{ timestamp: time, organization: text, id: text },
    system: z.object({ id: text.optional(), hostname: text.optional() }).optional(),
    mdm_device_id: text.optional(),
    command_uuid: text.optional(),
    resource: z.object({ name: text.nullish() }).optional(),
    correlation: z.object({ id: text.optional() }).optional(),
  })
  .transform(
    ({
      timestamp,
      organization,
      id,
      system,
      mdm_device_id,
      command_uuid,
      resource,
      correlation,
    }): Effect => ({
      ...{ timeMs: timestamp, tenant: organization },
      device: system?.hostname ?? system?.id ?? mdm_device_id ?? '?',
      run: correlation?.id ?? command_uuid ?? id,
      text: resource?.name ?? '',
    }),
  );

export interface EffectsOptions {
  readonly operations: string;
  readonly windowSeconds: number;
  readonly json?: boolean;
}

/** Runs at devices that no request explains; the exit code says whether there are any. */
export class EffectsFault extends Error {
  override readonly name = 'EffectsFault';
}

/**
 * Compares what happened at devices with what passed the guard.
 * @throws {EffectsFault} when something is unexplained
 */
export async function checkEffects(file: string, journalDir: string, options: EffectsOptions): Promise<void> {
  const { effects, others } = readEffects(file);
  const causes = await causesIn(journalDir, options, effects);
  const found = unexplainedRuns(effects, causes, options.windowSeconds * 1000);
  if (options.json) {
    const shown = found.map(({ firstMs, ...rest }) => ({ first: new Date(firstMs).toISOString(), ...rest }));
    console.log(JSON.stringify({ effects: effects.length, causes: causes.length, unexplained: shown }));
  } else {
    const rows = found.map(({ firstMs, tenant, run, devices, text: what }) => [
      ...[new Date(firstMs).toISOString(), tenant, run],
      ...[devices.length > 3 ? `${devices.length} devices` : devices.join(' '), what],
    ]);
    printTable(['first seen', 'tenant', 'run', 'devices', 'what'], rows, 'Every run has its request.');
    console.log(
      `${effects.length} effects, ${causes.length} requests that can have such effects${others > 0 ? `, ${others} lines of other kinds passed over` : ''}.`,
    );
  }
  if (found.length > 0)
    throw new EffectsFault(
      `${found.length} ${found.length === 1 ? 'run has' : 'runs have'} no request that explains it: look inside the provider.`,
    );
}

/** @throws {Error} that names the line of a bad entry */
function readEffects(file: string): { effects: Effect[]; others: number } {
  const content = readText(file).trim();
  const effects: Effect[] = [];
  let others = 0;
  const entries = content.startsWith('[')
    ? parsed(content, file).map((entry, i) => ({ entry, where: `${file}, entry ${i + 1}` }))
    : content.split('\n').flatMap((line, i) => {
        const where = `${file}:${i + 1}`;
        return line.trim() === '' ? [] : parsed(`[${line}]`, where).map((entry) => ({ entry, where }));
      });
  for (const { entry, where } of entries) {
    if (typeof entry === 'object' && entry !== null && 'event_type' in entry) {
      const read = insight.safeParse(entry);
      if (read.success) effects.push(read.data);
      else if (/command_result$/.test(String(entry.event_type)))
        throw new Error(`${where}: ${firstOf(read.error)}`);
      else others += 1;
      continue;
    }
    const read = plain.safeParse(entry);
    if (!read.success) throw new Error(`${where}: ${firstOf(read.error)}`);
    effects.push(read.data);
  }
  return { effects, others };
}

function parsed(json: string, where: string): unknown[] {
  try {
    return JSON.parse(json) as unknown[];
  } catch {
    throw new Error(`${where}: is not JSON.`);
  }
}

function firstOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'entry'}: ${issue?.message}`;
}

async function causesIn(
  journalDir: string,
  { operations, windowSeconds }: EffectsOptions,
  effects: readonly Effect[],
): Promise<Cause[]> {
  const wanted = compileOperations({ allow: operations.split(',').map((each) => each.trim()) });
  const sinceMs = effects.reduce((first, { timeMs }) => Math.min(first, timeMs), Number.POSITIVE_INFINITY);
  const causes: Cause[] = [];
  if (effects.length === 0) return causes;
  for await (const entry of readEntries(journalDir, { sinceMs: sinceMs - windowSeconds * 1000 })) {
    if (entry.kind !== 'decision' || !forwards(entry)) continue;
    const { operation: name, method, path, privilege } = entry;
    const operation = { name, template: name, privilege };
    if (wanted !== undefined && checkOperation(wanted, { operation, method, path }) !== undefined) continue;
    causes.push({ timeMs: entry.time, tenant: entry.tenant ?? '', request: entry.request });
  }
  return causes;
}
