import { Cron } from 'croner';
import type { Directory } from './directory.js';
import { badRequest } from './failures.js';
import type { Document } from './model.js';

const LAUNCHED_BY_TIME = new Set(['repeated', 'scheduled', 'one-time']);

/**
 * When a command runs by itself: `schedule` is a crontab of six fields, seconds first, in UTC; `repeated` again and
 * again, `scheduled` and `one-time` once, in `scheduleYear` if there is one.
 * @throws {Failure} 400
 */
export function reschedule(
  directory: Directory,
  what: 'create' | 'update' | 'delete',
  command: Document,
): void {
  const { store, caller, ports } = directory;
  store.removeSchedule(command._id);
  const { launchType } = command;
  if (what === 'delete' || !LAUNCHED_BY_TIME.has(String(launchType))) return;
  const dueAt = nextRun(command, ports.now());
  if (dueAt === undefined) return;
  store.putSchedule({
    ...{
      organization: caller.organization,
      command: command._id,
      dueAt,
      repeated: launchType === 'repeated',
    },
    by: { kind: caller.kind, id: caller.id, email: caller.email },
  });
}

export function nextRun({ schedule, scheduleYear }: Document, after: number): number | undefined {
  const fields = String(schedule ?? '').trim();
  if (fields === '' || fields === 'immediate') return undefined;
  const year = typeof scheduleYear === 'number' ? ` ${scheduleYear}` : '';
  try {
    if (!/^(?:\S+\s+){5}\S+$/.test(fields)) throw new Error('six fields');
    return new Cron(fields + year, { timezone: 'UTC', paused: true }).nextRun(new Date(after))?.getTime();
  } catch {
    throw badRequest('Invalid schedule');
  }
}
