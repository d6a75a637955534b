import { describe, expect, it } from 'vitest';
import { readCatalog } from '../src/catalogs/load.js';
import { parseIp } from '../src/wire/ip-address.js';
import { genericRecord } from '../src/wire/logs/generic.js';
import { drawnProvider } from './drawn-provider.js';
import { JUMPCLOUD } from './jumpcloud.js';
import { HAND_CLIENTS } from './places.js';
import { clientAt, newHome } from './principals.js';
import type { Provider } from './provider.js';
import { Random } from './random.js';
import { newWorld } from './world.js';

const small = { seed: 3, days: 10, keys: 40, thefts: 6, changes: 11 };
const drawn = (catalog: string) => ({
  name: `drawn from ${catalog}`,
  provider: () => drawnProvider(new Random(3), catalog),
});

describe.each([
  { name: 'as written', provider: () => JUMPCLOUD },
  ...['jumpcloud', 'okta', 'github', 'keycloak'].map(drawn),
])('a world of a provider $name', ({ provider }) => {
  const options = { ...small, provider: provider() };
  const world = newWorld(options);

  it('is the same for the same seed, and another for another', () => {
    expect(newWorld({ ...small, provider: provider() })).toEqual(world);
    expect(newWorld(options)).toEqual(world);
    expect(newWorld({ ...options, seed: 4 }).calls[0]).not.toEqual(world.calls[0]);
  });

  it('is in order of time and valid to the last field', () => {
    let last = 0;
    for (const { timeMs, episode: _, ...call } of world.calls) {
      expect(timeMs).toBeGreaterThanOrEqual(last);
      last = timeMs;
      expect(typeof genericRecord({ ...call, time: timeMs })).toBe('object');
      expect(parseIp(call.ip)).toBeDefined();
      expect(call.path).not.toMatch(/[{}]/);
      expect(call.bytesOut).toBeGreaterThan(0);
    }
  });

  it('labels every theft and change, by keys that are there', () => {
    const keys = new Set(world.calls.map(({ key }) => key));
    const labelled = new Set(world.calls.map(({ episode }) => episode));
    expect(world.episodes.filter(({ kind }) => kind === 'theft')).toHaveLength(7);
    for (const { id, kind, keys: concerned } of world.episodes) {
      if (kind === 'theft') expect(labelled).toContain(id);
      expect(concerned.some((key) => keys.has(key))).toBe(true);
    }
  });
});

describe('a world without peace', () => {
  const random = new Random(5);
  const quiet = drawnProvider(random, 'jumpcloud');
  const usual = new Set(
    [...quiet.services.flatMap(({ flows }) => flows), ...quiet.handFlows]
      .flat()
      .map((each) => each.operation),
  );
  const unusual = readCatalog('jumpcloud')
    .operations.map(({ name }) => name)
    .filter((name) => !usual.has(name) && !quiet.harvest.some(({ operation }) => operation === name));
  const home = newHome(random);
  const provider: Provider = {
    ...quiet,
    serviceShare: 0.7,
    services: quiet.services.map((service) => ({ ...service, vendor: { ...home, client: 'okhttp/4.11.0' } })),
    unrest: {
      ...{ wandering: 0.3, networks: 3, updateDays: 2, updated: 1, debugging: 0.2, agents: 0.1 },
      anything: (each) => [{ operation: each.pick(unusual) }],
    },
  };
  const restless = { ...small, seed: 5, days: 14, thefts: 0, changes: 0 };
  const { calls, episodes } = newWorld({ ...restless, provider });
  const clientsOf = (principal: RegExp) => {
    const clients = new Map<string, Set<string>>();
    for (const { key, principal: who, userAgent } of calls) {
      if (!principal.test(who)) continue;
      clients.set(key, (clients.get(key) ?? new Set()).add(userAgent));
    }
    return [...clients.values()];
  };

  it('lets people wander, and owners try something by hand with the keys of their services', () => {
    const strange = calls.filter(({ operation }) => unusual.includes(operation));
    const share = (who: RegExp) =>
      strange.filter(({ principal }) => who.test(principal)).length /
      calls.filter(({ principal }) => who.test(principal)).length;
    expect([share(/^admin/) > 0.05, share(/^service/) < share(/^admin/)]).toEqual([true, true]);
    const hands = clientsOf(/^service/).filter((clients) =>
      [...clients].some((each) => HAND_CLIENTS.some((hand) => hand === each)),
    );
    expect(hands.length).toBeGreaterThan(3);
  });

  it('brings new versions of clients, never old ones', () => {
    const versions = clientsOf(/^admin/).map((clients) =>
      [...clients].map((each) => Number(/\d+\.(\d+)/.exec(each)?.[1] ?? 0)),
    );
    expect(versions.some((each) => each.length > 1)).toBe(true);
    expect(clientAt({ client: 'curl/8.1.2', unrest: undefined } as never, 9)).toBe('curl/8.1.2');
    const updates = { everyDays: 3, phase: 0 };
    const at = (day: number) => clientAt({ client: 'curl/8.1.2', unrest: { updates } } as never, day);
    expect([at(0), at(3), at(9)]).toEqual(['curl/8.1.2', 'curl/8.2.2', 'curl/8.4.2']);
  });

  it('has language models that do all kinds of things', () => {
    const agents = calls.filter(({ principal }) => principal.startsWith('agent'));
    expect(new Set(agents.map(({ operation }) => operation)).size).toBeGreaterThan(20);
  });

  it('moves a vendor with all its keys', () => {
    const moves = episodes.filter(({ what }) => what === 'vendor-move');
    expect(moves.length).toBeGreaterThan(1);
    expect(new Set(moves.map(({ startMs }) => startMs)).size).toBe(1);
    const after = calls.filter(({ episode }) => episode?.startsWith('vendor-move'));
    const before = calls.filter(
      ({ key, timeMs }) =>
        moves.some(({ keys }) => keys.includes(key)) && timeMs < (moves[0]?.startMs as number),
    );
    const networks = (some: typeof calls) => new Set(some.map(({ ip }) => ip.split('.', 2).join('.')));
    const shared = [...networks(after)].filter((each) => networks(before).has(each));
    expect([after.length > 0, shared.length < networks(after).size]).toEqual([true, true]);
  });
});
