import { type Baseline, MEAN, MEMORIES } from './baseline.js';
import { AT, FEATURE_COUNT } from './contract.js';
import { averagesOf } from './learn.js';
import type { Population } from './population.js';

/** Observations after which a key's own mean counts as much as everybody's. */
const BORROWED = 5;
/** Features of the place come first, then those of the tool, then those of the conduct. */
const TOOL_FROM = AT.client;
const CONDUCT_FROM = AT.operationInContext;
const INPUTS = FEATURE_COUNT * (MEMORIES.length + 1);

/** Weights of the fusion: for each memory and feature, then for each feature's long-run mean, then the bias. */
export interface FusionWeights {
  /** Of one observation's features: its score. */
  readonly single: readonly number[];
  readonly singleBias: number;
  readonly averages: readonly (readonly number[])[];
  readonly means: readonly number[];
  readonly bias: number;
}

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
 * Inputs of the fusion: how far each moving average is from the key's own mean, and that mean itself.
 * @returns `into`, of length {@link FUSION_INPUTS}
 */
export function fusionInputs(
  { numbers }: Baseline,
  track: number,
  means: Float64Array,
  into: Float64Array,
): Float64Array {
  const start = averagesOf(track);
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    const mean = means[feature] as number;
    for (let memory = 0; memory < MEMORIES.length; memory++) {
      const at = memory * FEATURE_COUNT + feature;
      into[at] = (numbers[start + at] as number) - mean;
    }
    into[MEMORIES.length * FEATURE_COUNT + feature] = mean;
  }
  return into;
}

/** The weights in one row, for the inner loop. */
export function flatten(weights: FusionWeights): Float64Array {
  return Float64Array.from([...weights.averages.flat(), ...weights.means]);
}

/** Log-odds that a new network alone, or a new client alone, can bring. */
const ONE_SIDED_MAX = 2;

/**
 * Log-odds of an impostor: a weighted sum, except that place and tool count only as far as the other sides
 * bear them out. A new network or a new client is what life looks like; both, or either with foreign conduct,
 * is what a thief looks like.
 */
export function fuse(
  { numbers }: Baseline,
  track: number,
  means: Float64Array,
  weights: Float64Array,
  bias: number,
): number {
  const start = averagesOf(track);
  let place = 0;
  let tool = 0;
  let conduct = 0;
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    const row = memory * FEATURE_COUNT;
    const averages = start + row;
    place += sideSum(numbers, averages, means, weights, row, 0, TOOL_FROM);
    tool += sideSum(numbers, averages, means, weights, row, TOOL_FROM, CONDUCT_FROM);
    conduct += sideSum(numbers, averages, means, weights, row, CONDUCT_FROM, FEATURE_COUNT);
  }
  let sum = bias + borneOut(place, tool, conduct);
  const row = MEMORIES.length * FEATURE_COUNT;
  for (let feature = 0; feature < FEATURE_COUNT; feature++)
    sum += (weights[row + feature] as number) * (means[feature] as number);
  return sum;
}

/** The three sides together. */
export function borneOut(place: number, tool: number, conduct: number): number {
  return (
    conduct +
    Math.min(place, ONE_SIDED_MAX + Math.max(0, tool) + Math.max(0, conduct)) +
    Math.min(tool, ONE_SIDED_MAX + Math.max(0, place) + Math.max(0, conduct))
  );
}

/** Log-odds from one observation alone, without the bias. */
export function singleScore(features: Float64Array, means: Float64Array, weights: Float64Array): number {
  let place = 0;
  let tool = 0;
  let conduct = 0;
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const nats = (weights[i] as number) * ((features[i] as number) - (means[i] as number));
    if (i < TOOL_FROM) place += nats;
    else if (i < CONDUCT_FROM) tool += nats;
    else conduct += nats;
  }
  return borneOut(place, tool, conduct);
}

function sideSum(
  numbers: Float32Array,
  averages: number,
  means: Float64Array,
  weights: Float64Array,
  row: number,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let feature = from; feature < to; feature++) {
    const average = numbers[averages + feature] as number;
    sum += (weights[row + feature] as number) * (average - (means[feature] as number));
  }
  return sum;
}

/** One feature's part in the log-odds, the long-run means left out. */
export function fusedPart(inputs: Float64Array, feature: number, weights: FusionWeights): number {
  let sum = 0;
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    const weight = (weights.averages[memory] as readonly number[])[feature] as number;
    sum += weight * (inputs[memory * FEATURE_COUNT + feature] as number);
  }
  return sum;
}

export const FUSION_INPUTS = INPUTS;
