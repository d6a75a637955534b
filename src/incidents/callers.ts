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

/** Why a plan has to stop by itself; undefined while it may go on. */
export function limitPassed({ options, steps }: Plan, keys: Usages): string | undefined {
  const { errorsMax, refusedMax } = options;
  const failed = steps.filter(({ state }) => state === 'failed');
  if (failed.length > errorsMax)
    return `${failed.length} steps failed, at most ${errorsMax} may: ${failed.at(-1)?.note}`;
  if (refusedMax === undefined) return undefined;
  const refused = steps
    .filter(({ state }) => state === 'done')
    .reduce((sum, step) => sum + callsSince(step, keys.usage(step.key)), 0);
  return refused > refusedMax
    ? `${refused} calls with contained keys were refused, at most ${refusedMax} may be`
    : undefined;
}

function callsSince({ refusedBefore = 0 }: Step, usage: KeyUsage | undefined): number {
  return (usage?.refused ?? 0) - refusedBefore + (usage?.acceptedSinceReplaced ?? 0);
}
