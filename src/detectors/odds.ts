import { type Baseline, MEAN, MEMORIES } from './baseline.js';
import { AT, FEATURE_COUNT, FEATURES, type Term } from './contract.js';
import { type ForestWeights, INPUT_MAX } from './forest.js';
import { averagesOf } from './learn.js';
import type { Population } from './population.js';

/** Observations after which a key's own mean counts as much as everybody's. */
const BORROWED = 5;
/** Features of the place come first, then those of the tool, then those of the conduct. */
const TOOL_FROM = AT.client;
const CONDUCT_FROM = AT.operationInContext;
/** Log-odds that a new network alone, or a new client alone, can bring to a score. */
const ONE_SIDED_MAX = 2;

/** What `npm run train:detector` learned. */
export interface Weights {
  /** Of one observation's distances from the key's means, and of these: its score. */
  readonly single: readonly number[];
  readonly singleMeans: readonly number[];
  readonly singleBias: number;
  /** Log-odds of an impostor from {@link inputsOf}. */
  readonly forest: ForestWeights;
  /**
   * Nats that a privileged call needs less than others to be an alarm: the logarithm of how much more it costs to miss one
   * (Elkan, The foundations of cost-sensitive learning, 2001). Chosen, not learned.
   */
  readonly privileged: number;
  /**
   * What a nat of privileged operations newly begun is worth beside the trees, which see each call's newness too. Chosen, not
   * learned.
   */
  readonly beginnings: number;
}

/** Distances from the key's means come first: this call's, then those of the moving averages. */
export const DISTANCES = FEATURE_COUNT * (1 + MEMORIES.length);
/** After them the means themselves, then what is known of the key: calls (log), the track, and days at work (log). */
export const INPUTS = DISTANCES + FEATURE_COUNT + 3;

/**
 * Mean of each feature on the key's own past, shrunk to the population's.
 * @returns `into`, of length {@link FEATURE_COUNT}
 */
export function meansOf(baseline: Baseline, population: Population, into: Float64Array): Float64Array {
  const n = baseline.total;
  const share = n / (n + BORROWED);
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const everyone = population.mean[i] as number;
    into[i] = everyone + share * ((baseline.numbers[MEAN.start + i] as number) - everyone);
  }
  return into;
}

/**
 * What the forest looks at.
 * @returns `into`, of length {@link INPUTS}
 */
export function inputsOf(
  baseline: Baseline,
  track: number,
  features: readonly number[],
  means: Float64Array,
  into: Float64Array,
): Float64Array {
  const { numbers } = baseline;
  const start = averagesOf(track);
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const mean = means[i] as number;
    into[i] = (features[i] as number) - mean;
    for (let memory = 0; memory < MEMORIES.length; memory++)
      into[(memory + 1) * FEATURE_COUNT + i] = (numbers[start + memory * FEATURE_COUNT + i] as number) - mean;
    into[DISTANCES + i] = mean;
  }
  into[INPUTS - 3] = Math.min(INPUT_MAX - 1, Math.log1p(baseline.total));
  into[INPUTS - 2] = track;
  into[INPUTS - 1] = Math.log1p(baseline.daysAtWork);
  return into;
}

/** The inputs as if one term were as usual. */
export function usualIn(term: Term, inputs: Float64Array): Float64Array {
  return inputs.map((value, i) =>
    i < DISTANCES && FEATURES[i % FEATURE_COUNT]?.term === term ? Math.min(0, value) : value,
  );
}

/**
 * Log-odds of an impostor from one observation alone, without the bias: a weighted sum (weights of the distances, then
 * of the means), except that place and tool
 * count only as far as the other sides bear them out. A new network or a new client is what life looks like; both, or
 * either with foreign conduct, is what a thief looks like.
 */
export function singleScore(features: readonly number[], means: Float64Array, weights: Float64Array): number {
  let known = 0;
  let place = 0;
  let tool = 0;
  let conduct = 0;
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const mean = means[i] as number;
    const nats = (weights[i] as number) * ((features[i] as number) - mean);
    known += (weights[FEATURE_COUNT + i] as number) * mean;
    if (i < TOOL_FROM) place += nats;
    else if (i < CONDUCT_FROM) tool += nats;
    else conduct += nats;
  }
  return (
    known +
    conduct +
    Math.min(place, ONE_SIDED_MAX + Math.max(0, tool) + Math.max(0, conduct)) +
    Math.min(tool, ONE_SIDED_MAX + Math.max(0, place) + Math.max(0, conduct))
  );
}
