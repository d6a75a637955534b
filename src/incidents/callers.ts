import { counted } from '../core/counted.js';
import type { KeyUsage } from '../core/key.js';
import type { KeyService } from '../keys/service.js';
import type { Plan, Step } from './plan.js';

/** Who still calls with a contained key. */
export interface Caller {
  readonly key: string;
  readonly tenant: string;
  readonly calls: number;
  readonly lastMs: number | undefined;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

type Usages = Pick<KeyService, 'usage'>;

/** The busiest first. */
export function callersOf({ steps }: Plan, keys: Usages): Caller[] {
  const callers: Caller[] = [];
  for (const step of steps) {
    const usage = keys.usage(step.key);
    const calls = callsSince(step, usage);
    if (step.state !== 'done' || calls <= 0) continue;
    const lastUsedMs = usage?.acceptedSinceReplaced === undefined ? 0 : (usage.lastUsedMs ?? 0);
    callers.push({
      ...{ key: step.key, tenant: step.tenant, calls },
      lastMs: Math.max(usage?.lastRefusedMs ?? 0, lastUsedMs),
      address: usage?.lastRefusedAddress ?? usage?.lastAddress,
      userAgent: usage?.lastRefusedUserAgent ?? usage?.lastUserAgent,
    });
  }
  return callers.sort((a, b) => b.calls - a.calls);
}

/** Steps that failed, and refused calls with keys that are contained. */
export function harmOf({ options, steps }: Plan, keys: Usages): { failed: number; refused: number } {
  let failed = 0;
  let refused = 0;
  for (const step of steps) {
    if (step.state === 'failed') failed += 1;
    else if (step.state === 'done' && options.refusedMax !== undefined)
      refused += callsSince(step, keys.usage(step.key));
  }
  return { failed, refused };
}

/** Why a plan has to stop by itself; undefined while it may go on. */
export function limitPassed(plan: Plan, keys: Usages): string | undefined {
  const { errorsMax, refusedMax } = plan.options;
  const { failed: failedBefore, refused: refusedBefore } = plan.accepted ?? { failed: 0, refused: 0 };
  const harm = harmOf(plan, keys);
  const failed = harm.failed - failedBefore;
  if (failed > errorsMax) {
    const last = plan.steps.findLast(({ state }) => state === 'failed');
    return `${counted(failed, 'step')} failed, at most ${errorsMax} may: ${last?.note}`;
  }
  const refused = harm.refused - refusedBefore;
  return refusedMax !== undefined && refused > refusedMax
    ? `${counted(refused, 'call')} with contained keys ${refused === 1 ? 'was' : 'were'} refused, at most ${refusedMax} may be`
    : undefined;
}

function callsSince({ refusedBefore = 0 }: Step, usage: KeyUsage | undefined): number {
  return (usage?.refused ?? 0) - refusedBefore + (usage?.acceptedSinceReplaced ?? 0);
}
