import { counted } from '../core/counted.js';
import type { KeyRecord } from '../core/key.js';
import { ActFault } from '../keys/acts.js';
import { sameLimits } from '../keys/same-limits.js';
import type { KeyService, Minted } from '../keys/service.js';
import { type Habits, limitsOf } from './habits.js';
import type { Measure, PlanOptions, Step } from './plan.js';

/** What it takes to carry out measures. */
export interface Carriers {
  readonly keys: KeyService;
  readonly by: string;
  readonly habitsOf: (key: string) => Promise<Habits>;
  /** The replacement that was kept for a rotation. */
  readonly minted: (step: Step) => Minted | undefined;
}

/** Why there is nothing left to do with a key; undefined while there is. */
export function alreadySo(measure: Measure, key: KeyRecord, nowMs: number): string | undefined {
  const { revoked, suspended, frozen, replaced } = key;
  if (revoked !== undefined) return 'was revoked already';
  if (measure === 'suspend' && suspended !== undefined) return `was suspended by ${suspended.by} already`;
  if (measure === 'freeze' && frozen !== undefined) return `was frozen by ${frozen.by} already`;
  // While both keys work the stolen one is not contained: that rotation fails, for everybody to see.
  if (measure === 'rotate' && replaced !== undefined && nowMs >= replaced.overlapUntilMs)
    return `was replaced by ${replaced.by} already`;
  return undefined;
}

/** Whether a step that was cut off by a crash had reached the key. */
export function reached(measure: Measure, { before, replacement }: Step, now: KeyRecord): boolean {
  switch (measure) {
    case 'suspend':
      return before?.suspended === undefined && now.suspended !== undefined;
    case 'freeze':
      return before?.frozen === undefined && now.frozen !== undefined;
    case 'narrow':
      return !sameLimits(before?.limits, now.limits);
    case 'rotate':
      return replacement !== undefined && now.replaced?.by === replacement;
    case 'revoke':
      // Revoking again gives the same receipt, and finishes one that was cut off.
      return false;
  }
}

/** Does to one key what the plan says. @returns what is worth noting */
export async function carryOut(
  { keys, by, habitsOf, minted }: Carriers,
  { measure, why, overlapSeconds }: PlanOptions,
  step: Step,
  before: KeyRecord,
): Promise<string | undefined> {
  const { key: id } = step;
  switch (measure) {
    case 'suspend':
      await keys.suspend(by, id, why);
      return undefined;
    case 'revoke':
      return `receipt ${(await keys.revoke(by, id, why)).receipt.id}`;
    case 'freeze': {
      const habits = await habitsOf(id);
      await keys.freeze(by, id, limitsOf(habits, false), why);
      return habitsText(habits);
    }
    case 'narrow': {
      const habits = await habitsOf(id);
      const limits = { ...before.limits, ...limitsOf(habits, true) };
      step.narrowed = (await keys.change(by, id, { limits }, true)).limits;
      return habitsText(habits);
    }
    case 'rotate':
      return (await keys.rotate(by, id, overlapSeconds, minted(step))).key.id;
  }
}

function habitsText({ operations, networks }: Habits): string {
  return `to ${counted(operations.length, 'operation')} from ${counted(networks.length, 'network')}`;
}

/** Takes a measure back; what is not so any more counts as taken back. @throws ActFault where that cannot be */
export async function takeBack(keys: KeyService, actor: string, measure: Measure, step: Step): Promise<void> {
  const now = keys.show(step.key);
  switch (measure) {
    case 'suspend':
      if (now.suspended !== undefined) await keys.resume(actor, step.key);
      return;
    case 'freeze':
      if (now.frozen !== undefined) await keys.thaw(actor, step.key);
      return;
    case 'narrow': {
      const limits = step.before?.limits ?? {};
      if (sameLimits(now.limits, limits)) return;
      if (step.narrowed !== undefined && !sameLimits(now.limits, step.narrowed))
        throw new ActFault('conflict', 'its limits were changed since');
      await keys.change(actor, step.key, { limits }, true);
      return;
    }
    case 'rotate':
      if (now.replaced !== undefined) await keys.unrotate(actor, step.key);
      return;
    case 'revoke':
      throw new ActFault('conflict', 'a revocation stays');
  }
}
