import { AVERAGES, type Baseline, MEAN, MEMORIES } from './baseline.js';
import { FEATURE_COUNT } from './contract.js';
import { FUSION } from './fusion-weights.js';
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

/** Mean of a feature on the key's own past, shrunk to the population's. */
export function meanOf(baseline: Baseline, population: Population, feature: number): number {
  const n = baseline.total;
  const own = baseline.numbers[MEAN.start + feature] as number;
  return (n * own + BORROWED * (population.mean[feature] as number)) / (n + BORROWED);
}

/**
 * Inputs of the fusion: how far each moving average is from the key's own mean, and that mean itself.
 * @returns `into`, of length {@link INPUTS}
 */
export function fusionInputs(baseline: Baseline, population: Population, into: Float64Array): Float64Array {
  const { numbers } = baseline;
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    const mean = meanOf(baseline, population, feature);
    for (let memory = 0; memory < MEMORIES.length; memory++) {
      const at = memory * FEATURE_COUNT + feature;
      into[at] = (numbers[AVERAGES.start + at] as number) - mean;
    }
    into[MEMORIES.length * FEATURE_COUNT + feature] = mean;
  }
  return into;
}

/** Log-odds of an impostor, given the inputs. Linear, so that each term's part can be told. */
export function fuse(inputs: Float64Array, weights: FusionWeights = FUSION): number {
  let sum = weights.bias;
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    const row = weights.averages[memory] as readonly number[];
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      sum += (row[feature] as number) * (inputs[memory * FEATURE_COUNT + feature] as number);
    }
  }
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    sum += (weights.means[feature] as number) * (inputs[MEMORIES.length * FEATURE_COUNT + feature] as number);
  }
  return sum;
}

/** One feature's part in the log-odds, the long-run means left out. */
export function fusedPart(inputs: Float64Array, feature: number, weights: FusionWeights = FUSION): number {
  let sum = 0;
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    const weight = (weights.averages[memory] as readonly number[])[feature] as number;
    sum += weight * (inputs[memory * FEATURE_COUNT + feature] as number);
  }
  return sum;
}

export const FUSION_INPUTS = INPUTS;
