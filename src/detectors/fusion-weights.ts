import { FEATURE_COUNT } from './contract.js';
import type { FusionWeights } from './fusion.js';

const even = (weight: number): number[] => Array.from({ length: FEATURE_COUNT }, () => weight);

/** Learned by `npm run train:detector`. */
export const FUSION: FusionWeights = {
  single: even(0.3),
  singleBias: 0,
  averages: [even(0.1), even(0.3), even(0.5), even(0)],
  means: even(0),
  bias: -3,
};
