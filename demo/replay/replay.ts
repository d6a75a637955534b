import path from 'node:path';
import { Api } from '../../world/api.js';
import { JUMPCLOUD } from '../../world/jumpcloud.js';
import { HOUR_MS } from '../../world/traffic.js';
import { choose, devicesOf, injectionOf } from './devices.js';
import { GuardedPlay } from './guarded.js';
import type { Narrator, Outcome, Replayed } from './outcome.js';
import { type DeviceResult, Run } from './run.js';
import { BEGIN_MS, type Script, type ScriptOptions, scriptOf } from './script.js';
import { Side } from './side.js';

export interface ReplayOptions extends ScriptOptions {
  readonly dir: string;
  /** The command line of the guard. */
  readonly bin: string;
  readonly tenants: number;
}

/** Plays the campaign twice: with the guard away, and with it in front. */
export async function replay(options: ReplayOptions, narrator: Narrator): Promise<Replayed> {
  const { dir, seed, tenants } = options;
  const guarded = await Side.open(path.join(dir, 'guarded'), seed, tenants, BEGIN_MS);
  const sides = [guarded];
  const api = new Api(JUMPCLOUD.catalog);
  try {
    const script = scriptOf(guarded.organisations, options);
    const names = new Map(guarded.organisations.map(({ id, name }) => [id, name]));
    narrator.named(names);
    narrator.cast(script);
    const open = await Side.open(path.join(dir, 'open'), seed, tenants, script.theftMs - HOUR_MS);
    sides.push(open);
    narrator.side(false);
    const off = await playOpen(open, script, narrator, seed);
    narrator.side(true);
    const on = await new GuardedPlay(guarded, script, narrator, options).play();
    return {
      script,
      names,
      keyNames: keyNamesOf(guarded, script, names),
      privilegeOf: (operation) => api.privilegeOf(operation),
      off,
      on,
    };
  } finally {
    for (const side of sides) await side.close();
  }
}

function keyNamesOf(
  side: Side,
  { principals }: Script,
  names: ReadonlyMap<string, string>,
): Map<string, string> {
  const owners = new Map(principals.map((who) => [who.key, `${who.id} of ${names.get(who.tenant.id)}`]));
  return new Map([...side.keyIds].map(([id, key]) => [id, owners.get(key) ?? id]));
}

async function playOpen(side: Side, script: Script, narrator: Narrator, seed: number): Promise<Outcome> {
  for (const who of script.victims) await side.enrol(who);
  const chosen = await devicesOf(side, script, script.theftMs - HOUR_MS);
  const run = new Run(side, script, { attempted: narrator.attempt, day: () => undefined }, seed);
  choose(run, chosen);
  const injected: DeviceResult[] = [];
  await run.play(script.plan.calls, injectionOf(side, script, chosen, narrator, injected));
  return { attempts: run.attempts, injected };
}
