import type { Baseline, Histogram } from './baseline.js';
import { Clock, HISTOGRAM_TOTAL, KIND_DISTINCT, KIND_TOTAL, TOTAL } from './baseline.js';
import { countOf } from './count-table.js';
import type { Population } from './population.js';
import { EVERYONE, KINDS } from './scope-totals.js';
import { type Symbols, TALLIED } from './symbols.js';

/** Everything a term looks at: one observation, the key's own past, everybody's. */
export interface Scene {
  readonly symbols: Symbols;
  readonly baseline: Baseline;
  readonly population: Population;
}

/** A kind's place in the totals of a baseline. */
export type KindIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
export const KindIndex = Object.fromEntries(TALLIED.map((kind, i) => [kind, i])) as Record<number, KindIndex>;

export const NATS_MAX = 6;
/** Symbols that nobody has shown yet, in the first estimate of a distribution. */
const UNSEEN = 10;
/** Observations that a histogram borrows from everybody's. */
const BORROWED = 8;
export function bounded(nats: number): number {
  return Math.max(-NATS_MAX, Math.min(NATS_MAX, nats));
}

/** Interpolated estimate with the novelty rate of the source itself (Witten & Bell, IEEE Trans. IT 1991). */
export function wittenBell(count: number, total: number, distinct: number, backoff: number): number {
  const novelty = Math.max(1, distinct);
  return (count + novelty * backoff) / (total + novelty);
}

export function ownCount({ baseline }: Scene, symbol: number): number {
  return countOf(baseline.slots, symbol);
}

/** The key's own distribution of one kind, falling back to `backoff` for what it has not shown. */
export function ownProbability(scene: Scene, kind: KindIndex, count: number, backoff: number): number {
  const { numbers } = scene.baseline;
  return wittenBell(
    count,
    numbers[KIND_TOTAL.start + kind] as number,
    numbers[KIND_DISTINCT.start + kind] as number,
    backoff,
  );
}

/** Counts are logarithmic: what is left of a count of everybody's after the key's own is nothing below this share. */
const COUNT_ERROR = 0.15;

/** What the other keys add to a count. The population does not forget with the key, so its share is larger than it knows. */
export function othersCount({ baseline }: Scene, all: number, own: number): number {
  const share = own * Math.max(1, (baseline.clock[Clock.learned] as number) / Math.max(1, baseline.total));
  const others = all - share;
  return others > COUNT_ERROR * share ? others : 0;
}

/** How often all keys together showed the symbol. */
export function countOfAll({ population }: Scene, symbol: number): number {
  return population.counts.get(EVERYONE, symbol);
}

/** How likely a symbol that all keys showed so often is for the other keys. */
export function othersProbability(scene: Scene, kind: KindIndex, all: number, own: number): number {
  const { population, baseline } = scene;
  const { numbers } = population.scopes;
  const ownTotal = baseline.numbers[KIND_TOTAL.start + kind] as number;
  const n = othersCount(scene, numbers[kind] as number, ownTotal);
  const count = Math.min(n, othersCount(scene, all, own));
  const novelty = (numbers[KINDS + kind] as number) + 1;
  return (count + novelty / (novelty + UNSEEN)) / (n + novelty);
}

/** The same within a scope (tenant, peers), falling back to `backoff`; `backoff` itself where there is none. */
export function scopeProbability(
  scene: Scene,
  scope: number,
  kind: KindIndex,
  symbol: number,
  own: number,
  backoff: number,
): number {
  if (scope === EVERYONE) return backoff;
  const { scopes, counts } = scene.population;
  const at = scopes.at(scope);
  const ownTotal = scene.baseline.numbers[KIND_TOTAL.start + kind] as number;
  return wittenBell(
    othersCount(scene, counts.get(scope, symbol), own),
    othersCount(scene, scopes.numbers[at + kind] as number, ownTotal),
    scopes.numbers[at + KINDS + kind] as number,
    backoff,
  );
}

/** Nats of a class in a small histogram; `smooth` lets circular neighbours speak for it. */
export function histogramNats(scene: Scene, histogram: Histogram, index: number, smooth = false): number {
  const { start, size, order } = histogram;
  const everyone = scene.population.histograms[order] as Float64Array;
  const { numbers } = scene.baseline;
  const n = numbers[HISTOGRAM_TOTAL.start + order] as number;
  const m = scene.population.histogramTotals[order] as number;
  let own = numbers[start + index] as number;
  let others = everyone[index] as number;
  if (smooth) {
    const before = (index + size - 1) % size;
    const after = (index + 1) % size;
    own = own / 2 + ((numbers[start + before] as number) + (numbers[start + after] as number)) / 4;
    others = others / 2 + ((everyone[before] as number) + (everyone[after] as number)) / 4;
  }
  const p = (others + 1) / (m + size);
  return Math.log((p * (n + BORROWED)) / (own + BORROWED * p));
}

/** Chance that this key shows a class at least as high as `index`, shrunk to everybody's. */
export function upperTail(scene: Scene, histogram: Histogram, index: number): number {
  const { start, size, order } = histogram;
  const everyone = scene.population.histograms[order] as Float64Array;
  const n = scene.baseline.numbers[HISTOGRAM_TOTAL.start + order] as number;
  const m = scene.population.histogramTotals[order] as number;
  let own = 0;
  let others = 0;
  for (let i = index; i < size; i++) {
    own += scene.baseline.numbers[start + i] as number;
    others += everyone[i] as number;
  }
  return (own + BORROWED * ((others + 0.5) / (m + 1))) / (n + BORROWED);
}

export function experience({ baseline }: Scene): number {
  return baseline.numbers[TOTAL.start] as number;
}
