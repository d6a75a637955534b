import { describe, expect, it } from 'vitest';
import { parseIp } from '../src/wire/ip-address.js';
import { genericRecord } from '../src/wire/logs/generic.js';
import { drawnProvider } from './drawn-provider.js';
import { JUMPCLOUD } from './jumpcloud.js';
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
