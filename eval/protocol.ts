import { DAY_MS } from '../world/traffic.js';
import { area, type Interval, median, share, thresholdFor } from './metrics.js';
import type { LabelledSet, WorldSet } from './sets.js';

/** Days of a world that only teach. */
export const WARM_DAYS = 7;
/** Of a commit set: the first part only teaches; one episode of a key in so many observations. */
const WARM_SHARE = 0.2;
const EPISODE_CALLS = 20;
const PRIVILEGED_FROM = 3;

/** What a detector did in one world. */
export interface WorldResult {
  readonly caught: readonly { readonly place: string; readonly hit: boolean }[];
  readonly privilegedDone: number;
  readonly privileged: number;
  readonly callsToAlarm: readonly number[];
  readonly minutesToAlarm: readonly number[];
  readonly changes: readonly { readonly what: string; readonly stopped: boolean }[];
}

/** Highest score of each key and day after the warm-up, thefts left out: what a budget is counted in. */
export function benignDays({ sightings, stolen }: WorldSet, scores: Float64Array): number[] {
  const from = (sightings[0]?.observation.timeMs ?? 0) + WARM_DAYS * DAY_MS;
  const days = new Map<string, number>();
  sightings.forEach(({ actor, observation: { timeMs } }, i) => {
    if (stolen[i] === true || timeMs < from) return;
    const day = `${actor.key}|${Math.floor(timeMs / DAY_MS)}`;
    days.set(day, Math.max(days.get(day) ?? Number.NEGATIVE_INFINITY, scores[i] as number));
  });
  return [...days.values()];
}

/** @param alarmed whether the call of a line was an alarm */
export function worldResult(set: WorldSet, alarmed: (line: number) => boolean): WorldResult {
  const caught: { place: string; hit: boolean }[] = [];
  const callsToAlarm: number[] = [];
  const minutesToAlarm: number[] = [];
  const changes: { what: string; stopped: boolean }[] = [];
  let privilegedDone = 0;
  let privileged = 0;
  for (const { kind, what, place, lines } of set.episodes) {
    const first = lines.findIndex(alarmed);
    if (kind === 'legitimate') {
      if (lines.length > 0) changes.push({ what, stopped: first >= 0 });
      continue;
    }
    caught.push({ place: place ?? '', hit: first >= 0 });
    lines.forEach((line, n) => {
      if ((set.sightings[line]?.observation.operation.privilege ?? 0) < PRIVILEGED_FROM) return;
      privileged += 1;
      if (first < 0 || n < first) privilegedDone += 1;
    });
    if (first < 0) continue;
    const time = (n: number) => set.sightings[lines[n] as number]?.observation.timeMs ?? 0;
    callsToAlarm.push(first + 1);
    minutesToAlarm.push((time(first) - time(0)) / 60_000);
  }
  return { caught, privilegedDone, privileged, callsToAlarm, minutesToAlarm, changes };
}

/** Results of several worlds as one row. */
export function worldRow(results: readonly WorldResult[]) {
  const caught = results.flatMap((each) => each.caught);
  const changes = results.flatMap((each) => each.changes);
  const at = (place: string) => share(caught.filter((each) => each.place === place).map(({ hit }) => hit));
  const sum = (of: (each: WorldResult) => number) => results.reduce((total, each) => total + of(each), 0);
  return {
    abroad: at('abroad'),
    sameCloud: at('same-cloud'),
    ownNetwork: at('own-network'),
    harvest: at('harvest'),
    all: share(caught.map(({ hit }) => hit)),
    exposure:
      sum((each) => each.privilegedDone) /
      Math.max(
        1,
        sum((each) => each.privileged),
      ),
    calls: median(results.flatMap((each) => each.callsToAlarm)),
    minutes: median(results.flatMap((each) => each.minutesToAlarm)),
    changesStopped: share(changes.map(({ stopped }) => stopped)),
  };
}

export interface CommitRow {
  readonly plain: Interval;
  readonly samePlace: Interval;
  readonly area: number;
}

/** Recall of take-overs at so many benign alarm episodes in 10,000 observations. */
export function commitRow(set: LabelledSet, scores: Float64Array, per10k: number): CommitRow {
  const start = Math.floor(set.sightings.length * WARM_SHARE);
  const peaks = new Map<string, number>();
  const byKey = new Map<string, number[]>();
  const benign: number[] = [];
  for (let i = start; i < set.sightings.length; i++) {
    const attack = set.attacks[i];
    const score = scores[i] as number;
    if (attack !== undefined)
      peaks.set(attack, Math.max(peaks.get(attack) ?? Number.NEGATIVE_INFINITY, score));
    else benign.push(score);
    const { key } = (set.sightings[i] as LabelledSet['sightings'][number]).actor;
    const calls = byKey.get(key) ?? [];
    calls.push(attack === undefined ? score : Number.NEGATIVE_INFINITY);
    byKey.set(key, calls);
  }
  const threshold = episodeThreshold([...byKey.values()], (per10k * benign.length) / 10_000);
  const kind = (name: string) =>
    share([...peaks].filter(([id]) => id.includes(`-${name}-`)).map(([, peak]) => peak >= threshold));
  return { plain: kind('plain'), samePlace: kind('same_place'), area: area([...peaks.values()], benign) };
}

/** The lowest threshold with at most `allowed` alarm episodes. */
function episodeThreshold(keys: readonly (readonly number[])[], allowed: number): number {
  const candidates = [...new Set(keys.flat())].filter(Number.isFinite).sort((a, b) => b - a);
  let low = 0;
  let high = candidates.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (episodes(keys, candidates[middle] as number) <= allowed) low = middle;
    else high = middle - 1;
  }
  return candidates[low] ?? Number.POSITIVE_INFINITY;
}

function episodes(keys: readonly (readonly number[])[], threshold: number): number {
  let count = 0;
  for (const scores of keys) {
    let last = Number.NEGATIVE_INFINITY;
    scores.forEach((score, i) => {
      if (score < threshold || i - last < EPISODE_CALLS) return;
      count += 1;
      last = i;
    });
  }
  return count;
}

/** Hits at a false-alarm rate, and the area, over blocks; a block's score is the sum of its observations'. */
export function blockRow({ blocks = [] }: LabelledSet, scores: Float64Array, falseRate: number) {
  const sums = new Map<string, { sum: number; attack: boolean }>();
  blocks.forEach((block, i) => {
    if (block === undefined) return;
    const entry = sums.get(block.id) ?? { sum: 0, attack: false };
    entry.sum += Math.max(-50, scores[i] as number);
    entry.attack ||= block.attack;
    sums.set(block.id, entry);
  });
  const all = [...sums.values()];
  const attacks = all.filter(({ attack }) => attack).map(({ sum }) => sum);
  const benign = all.filter(({ attack }) => !attack).map(({ sum }) => sum);
  const threshold = thresholdFor(benign, benign.length * falseRate);
  return { hits: share(attacks.map((sum) => sum >= threshold)), area: area(attacks, benign) };
}
