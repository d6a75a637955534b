import type { Episode } from './call.js';
import { ABROAD, addressIn, CLOUD_REGIONS, type Network, THIEF_CLIENTS } from './places.js';
import type { Principal } from './principals.js';
import type { Random } from './random.js';
import { DAY_MS, HOUR_MS, runFlow, type Stage } from './traffic.js';

/** How often an attacker changes his address: never, from wave to wave, with every victim. */
const EXITS = ['one', 'wave', 'victim'] as const;

/**
 * One attacker with the keys of several tenants: in one to three waves, hours or days apart, some victims in more than one of
 * them. He has a tool and a network or two of his own; the address may change, and from wave to wave the tool.
 */
export function playCampaign(stage: Stage, victims: readonly Principal[], n: number): Episode {
  const { random, provider } = stage;
  const id = `campaign-${n}`;
  const networks = attackerNetworks(random);
  const clients = [random.pick(THIEF_CLIENTS), ...(random.chance(0.25) ? [random.pick(THIEF_CLIENTS)] : [])];
  const { name, flow } = random.pick(provider.thefts);
  const waves = random.int(1, 3);
  const exits = random.pick(EXITS);
  const startMs = stage.startMs + random.between(stage.days * 0.5, stage.days * 0.75) * DAY_MS;
  const address = addressIn(random, random.pick(networks));
  let waveMs = startMs;
  for (let wave = 0; wave < waves; wave++) {
    const exit = exits === 'wave' && wave > 0 ? addressIn(random, random.pick(networks)) : address;
    const userAgent = clients[wave % clients.length] as string;
    let timeMs = waveMs;
    for (const [i, who] of victims.entries()) {
      // Later waves go on with some, the first one looks at all.
      if (wave > 0 && i % waves !== wave) continue;
      const acts = waves === 1 || wave > 0;
      const ip = exits === 'victim' ? addressIn(random, random.pick(networks)) : exit;
      const guise = { ip, userAgent, episode: id, pause: random.pick([1, 8, 25]), errors: 0.05 };
      const endMs = runFlow(stage, who, provider.reconnaissance, timeMs, guise);
      if (acts) runFlow(stage, who, flow, endMs + random.exponential(HOUR_MS / 4), guise);
      timeMs += random.exponential(HOUR_MS / 2);
    }
    waveMs += random.between(3 * HOUR_MS, 2.5 * DAY_MS);
  }
  const what = `campaign/${name}/${waves} waves`;
  return { id, kind: 'theft', what, place: 'campaign', keys: victims.map(({ key }) => key), startMs };
}

/** Rented abroad, or in a cloud where half of the owners work, too. */
function attackerNetworks(random: Random): readonly Network[] {
  if (random.chance(0.3)) return random.pick(CLOUD_REGIONS);
  const one = random.pick(ABROAD);
  return ABROAD.filter(({ provider }) => provider === one.provider);
}
