import type { Narrator } from './outcome.js';
import { type Act, type DeviceResult, type Run, resultsOf } from './run.js';
import type { Script } from './script.js';
import type { Side } from './side.js';

/** Ids of devices, by the stolen key in whose tenant they are. */
export type Chosen = ReadonlyMap<string, string>;

/** A device with an agent in each victim's tenant: the one that the thief chooses. */
export async function devicesOf(side: Side, { victims }: Script, nowMs: number): Promise<Chosen> {
  const ids = new Map<string, string>();
  for (const [n, who] of victims.entries()) {
    const organisation = side.organisations.find(({ id }) => id === who.tenant.id);
    if (organisation !== undefined)
      ids.set(who.key, await side.device(organisation, `laptop-${n + 1}`, nowMs));
  }
  return ids;
}

export function choose(run: Run, chosen: Chosen): void {
  for (const [key, device] of chosen) {
    const known = run.referencesOf(key);
    if (known?.has('device')) known.set('device', device);
  }
}

/**
 * Inside the provider, past every key: a command for one device, straight into the queue.
 * @param results gets what devices made of it
 */
export function injectionOf(
  side: Side,
  { injection }: Script,
  chosen: Chosen,
  narrator: Pick<Narrator, 'injected'>,
  results: DeviceResult[],
): Act[] {
  if (injection === undefined) return [];
  const { victim, atMs, command, name } = injection;
  const run = async (nowMs: number) => {
    await side.inject([chosen.get(victim.key) ?? ''], command, name);
    results.push(...(await resultsOf(side, victim.tenant.id, null)));
    narrator.injected(nowMs, results);
  };
  return [{ atMs, run }];
}
