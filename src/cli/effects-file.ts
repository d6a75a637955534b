import { z } from 'zod';
import type { Effect } from '../incidents/effects.js';
import { readText } from './input.js';

/** Numbers below are seconds since 1970, as most logs have them; as milliseconds they would be of before 1974. */
const SECONDS_BELOW = 1e11;
const TIME_MAX = Date.UTC(10_000, 0);

const timeFault = 'must be a time like 2026-11-24T08:00:00Z, or seconds or milliseconds since 1970';
const time = z
  .union([z.iso.datetime({ offset: true, error: timeFault }), z.number()], { error: timeFault })
  .transform((value) =>
    typeof value === 'number' && Math.abs(value) < SECONDS_BELOW ? value * 1000 : new Date(value).getTime(),
  )
  .refine((ms) => ms >= 0 && ms < TIME_MAX, 'lies outside of the years 1970 to 9999');
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
    ({ timestamp: timeMs, organization: tenant, id, system, resource, ...event }): Effect => ({
      ...{ timeMs, tenant, text: resource?.name ?? '' },
      device: system?.hostname ?? system?.id ?? event.mdm_device_id ?? '?',
      run: event.correlation?.id ?? event.command_uuid ?? id,
    }),
  );

export interface EffectsFile {
  readonly effects: readonly Effect[];
  /** Events of other kinds, which say nothing of devices. */
  readonly others: number;
}

/**
 * Effects at devices: Directory Insights, or lines of one's own; NDJSON, or one JSON array.
 * @throws {Error} that names the line and the field of a bad entry
 */
export function readEffects(file: string): EffectsFile {
  const effects: Effect[] = [];
  let others = 0;
  for (const { entry, where } of entriesOf(readText(file), file)) {
    const isInsight = typeof entry === 'object' && entry !== null && 'event_type' in entry;
    if (isInsight && !/command_result$/.test(String(entry.event_type))) {
      others += 1;
      continue;
    }
    const read = (isInsight ? insight : plain).safeParse(entry);
    if (!read.success) throw new Error(`${where}: ${firstOf(read.error)}`);
    effects.push(read.data);
  }
  return { effects, others };
}

function entriesOf(content: string, file: string): { entry: unknown; where: string }[] {
  if (content.trimStart().startsWith('['))
    return parsed(content, file).map((entry, i) => ({ entry, where: `${file}, entry ${i + 1}` }));
  return content.split('\n').flatMap((line, i) => {
    const where = `${file}:${i + 1}`;
    return line.trim() === '' ? [] : parsed(`[${line}]`, where).map((entry) => ({ entry, where }));
  });
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
