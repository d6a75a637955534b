import type { Privilege } from './observation.js';

/**
 * What may be done about a call whose evidence has passed the threshold, mildest first. `freeze` holds it, and leaves its key
 * nothing but what that has always done.
 */
export const ACTIONS = ['allow', 'flag', 'hold', 'freeze', 'deny'] as const;
export type Action = (typeof ACTIONS)[number];

/** The action for each privilege, 0 to 4. */
export type ResponsePlan = readonly [Action, Action, Action, Action, Action];

/** Reading and everyday writing goes on under observation; what changes access waits for a person. */
export const RESPONSE_PLAN: ResponsePlan = ['flag', 'flag', 'flag', 'hold', 'hold'];

/** The action that evidence calls for. */
export function respond(
  evidence: number,
  threshold: number,
  privilege: Privilege,
  plan: ResponsePlan = RESPONSE_PLAN,
): Action {
  return evidence < threshold ? 'allow' : plan[privilege];
}

/** Whether the call waits for a person. */
export function isHeld(action: Action): action is 'hold' | 'freeze' {
  return action === 'hold' || action === 'freeze';
}
