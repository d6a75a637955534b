import type { KeyRecord } from '../core/key.js';
import { ActFault } from '../keys/acts.js';
import type { KeyService } from '../keys/service.js';
import { type Habits, limitsOf } from './habits.js';
import type { Measure, PlanOptions, Step } from './plan.js';

/** A successor that a rotation made; its credential is shown this once. */
export interface Successor {
  readonly old: string;
  readonly key: KeyRecord;
  readonly credential: string;
}

/** What it takes to carry out measures. */
export interface Carriers {
  readonly keys: KeyService;
  readonly by: string;
  readonly habitsOf: (key: string) => Promise<Habits>;
  /** A rotation made a successor: keeps its credential until it is picked up. */
  readonly onSuccessor: (successor: Successor) => void;
}

/** Does to one key what the plan says. @returns what is worth noting */
export async function carryOut(
  { keys, by, habitsOf, onSuccessor }: Carriers,
  { measure, why, overlapSeconds }: PlanOptions,
  id: string,
  before: KeyRecord,
): Promise<string | undefined> {
  switch (measure) {
    case 'suspend':
      await keys.suspend(by, id, why);
      return undefined;
    case 'revoke':
      return `receipt ${(await keys.revoke(by, id, why)).receipt.id}`;
    case 'freeze': {
      const habits = await habitsOf(id);
      await keys.freeze(by, id, limitsOf(habits, false), why);
      return `to ${habits.operations.length} operations from ${habits.networks.length} networks`;
    }
    case 'narrow': {
      const habits = await habitsOf(id);
      await keys.change(by, id, { limits: { ...before.limits, ...limitsOf(habits, true) } }, true);
      return `to ${habits.operations.length} operations from ${habits.networks.length} networks`;
    }
    case 'rotate': {
      const { key, credential } = await keys.rotate(by, id, overlapSeconds);
      onSuccessor({ old: id, key, credential });
      return key.id;
    }
  }
}

/** Takes a measure back. @throws ActFault where that cannot be */
export async function takeBack(keys: KeyService, actor: string, measure: Measure, step: Step): Promise<void> {
  switch (measure) {
    case 'suspend':
      await keys.resume(actor, step.key);
      return;
    case 'freeze':
      await keys.thaw(actor, step.key);
      return;
    case 'narrow':
      await keys.change(actor, step.key, { limits: step.before?.limits ?? {} }, true);
      return;
    case 'rotate':
      await keys.unrotate(actor, step.key);
      return;
    case 'revoke':
      throw new ActFault('conflict', 'a revocation stays');
  }
}
