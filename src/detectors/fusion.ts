import { AVERAGES, type Baseline, MEAN, MEMORIES } from './baseline.js';
import { FEATURE_COUNT } from './contract.js';
import type { Population } from './population.js';

/** Observations after which a key's own mean counts as much as everybody's. */
const BORROWED = 5;
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
export function fusionInputs(baseline: Baseline, means: Float64Array, into: Float64Array): Float64Array {
  const { numbers } = baseline;
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    const mean = means[feature] as number;
    for (let memory = 0; memory < MEMORIES.length; memory++) {
      const at = memory * FEATURE_COUNT + feature;
      into[at] = (numbers[AVERAGES.start + at] as number) - mean;
    }
    into[MEMORIES.length * FEATURE_COUNT + feature] = mean;
  }
  return into;
}

/** The weights in one row, for the inner loop. */
export function flatten(weights: FusionWeights): Float64Array {
  return Float64Array.from([...weights.averages.flat(), ...weights.means]);
}

/** Log-odds of an impostor. Linear, so that each term's part can be told. */
export function fuse(baseline: Baseline, means: Float64Array, weights: Float64Array, bias: number): number {
  const { numbers } = baseline;
  let sum = bias;
  let at = 0;
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    for (let feature = 0; feature < FEATURE_COUNT; feature++, at++)
      sum +=
        (weights[at] as number) * ((numbers[AVERAGES.start + at] as number) - (means[feature] as number));
  }
  for (let feature = 0; feature < FEATURE_COUNT; feature++, at++)
    sum += (weights[at] as number) * (means[feature] as number);
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
