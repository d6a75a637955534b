import type { Sighting } from '../src/detectors/contract.js';
import { Random } from '../world/random.js';
import type { LabelledSet } from './sets.js';

const CALLS = 20;
const SPAN_MAX_MS = 48 * 3_600_000;
const VICTIM_CALLS_MIN = 150;
const THIEF_CALLS_MIN = 40;
/** Share of the victims with a take-over of each kind. */
const TAKEN = 0.4;

interface Item {
  readonly sighting: Sighting;
  readonly attack: string | undefined;
}

/**
 * A commit set with other take-overs, made as its own are: another author's twenty commits in a row, in the second half of a
 * victim's, in their pace but within 48 hours. Many such sets tell designs apart where the few attacks of one cannot.
 */
export function respliced(set: LabelledSet, seed: number): LabelledSet {
  const random = new Random(seed);
  const owners = set.sightings.filter((_, i) => set.attacks[i] === undefined);
  const items: Item[] = owners.map((sighting) => ({ sighting, attack: undefined }));
  const byKey = new Map<string, Sighting[]>();
  for (const sighting of owners) {
    const calls = byKey.get(sighting.actor.key);
    if (calls === undefined) byKey.set(sighting.actor.key, [sighting]);
    else calls.push(sighting);
  }
  const thieves = [...byKey].filter(([, calls]) => calls.length >= THIEF_CALLS_MIN);
  for (const [victim, own] of byKey) {
    if (own.length < VICTIM_CALLS_MIN) continue;
    for (const kind of ['plain', 'same_place'] as const) {
      if (!random.chance(TAKEN)) continue;
      const at = own[random.int(own.length >> 1, own.length - 1)] as Sighting;
      const [, theirs] = random.pick(thieves.filter(([key]) => key !== victim));
      const from = random.int(0, theirs.length - CALLS);
      for (const sighting of takeOver(at, theirs.slice(from, from + CALLS), kind))
        items.push({ sighting, attack: `${victim}-${kind}-${seed}` });
    }
  }
  items.sort((a, b) => a.sighting.observation.timeMs - b.sighting.observation.timeMs);
  return {
    name: `${set.name}, spliced anew`,
    sightings: items.map(({ sighting }) => sighting),
    attacks: items.map(({ attack }) => attack),
  };
}

function takeOver(at: Sighting, calls: readonly Sighting[], kind: 'plain' | 'same_place'): Sighting[] {
  const times = calls.map(({ observation }) => observation.timeMs);
  const first = times[0] as number;
  const scale = Math.min(1, SPAN_MAX_MS / Math.max(1, (times.at(-1) as number) - first));
  return calls.map(({ observation, ...call }, n) => ({
    ...call,
    actor: at.actor,
    observation: {
      ...observation,
      timeMs: Math.round(at.observation.timeMs + 1000 + ((times[n] as number) - first) * scale),
      userAgent: kind === 'plain' ? observation.userAgent : at.observation.userAgent,
    },
  }));
}
