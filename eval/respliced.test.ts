import { describe, expect, it } from 'vitest';
import type { Sighting } from '../src/detectors/contract.js';
import { respliced } from './respliced.js';
import type { LabelledSet } from './sets.js';

const HOUR_MS = 3_600_000;

/** Twenty authors in turns, each with a client of his own; one call of an attack that must not be spliced again. */
function original(): LabelledSet {
  const sightings = Array.from({ length: 4_000 }, (_, n) => sighting(`author-${n % 20}`, n));
  return { name: 'twenty', sightings, attacks: sightings.map((_, n) => (n === 700 ? 'old' : undefined)) };
}

function sighting(key: string, n: number): Sighting {
  const operation = { name: `write.part-${n % 7}`, template: '', privilege: 2 } as const;
  return {
    actor: { key },
    observation: {
      ...{ timeMs: n * 5 * HOUR_MS, upstream: '', method: '', path: '', operation, address: '' },
      ...{ place: { kind: 'unknown' }, userAgent: `client of ${key}`, objects: [], bodyBytes: undefined },
    },
  };
}

describe('a set spliced anew', () => {
  const set = respliced(original(), 1);
  const attacks = new Map<string, Sighting[]>();
  set.attacks.forEach((attack, i) => {
    if (attack !== undefined)
      attacks.set(attack, [...(attacks.get(attack) ?? []), set.sightings[i] as Sighting]);
  });

  it('keeps what the owners did, in order of time', () => {
    const times = set.sightings.map(({ observation }) => observation.timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const owners = set.sightings.filter((_, i) => set.attacks[i] === undefined);
    expect(owners).toEqual(original().sightings.filter((_, n) => n !== 700));
  });

  it('has take-overs of twenty calls within two days, by another author', () => {
    expect(attacks.size).toBeGreaterThan(8);
    for (const [id, calls] of attacks) {
      const victim = id.replace(/-(?:plain|same_place)-1$/, '');
      const times = calls.map(({ observation }) => observation.timeMs);
      expect(calls).toHaveLength(20);
      expect((times.at(-1) as number) - (times[0] as number)).toBeLessThanOrEqual(48 * HOUR_MS);
      expect(new Set(calls.map(({ actor }) => actor.key))).toEqual(new Set([victim]));
      const clients = new Set(calls.map(({ observation }) => observation.userAgent));
      expect(clients.size).toBe(1);
      expect(clients.has(`client of ${victim}`)).toBe(id.includes('-same_place-'));
    }
  });

  it('is the same for the same seed, another for another', () => {
    expect(respliced(original(), 1)).toEqual(set);
    expect(respliced(original(), 2)).not.toEqual(set);
  });
});
