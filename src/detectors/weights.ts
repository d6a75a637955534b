import { decodeForest } from './forest.js';
import type { Weights } from './odds.js';

/** Written by `npm run train:detector`; the order is that of FEATURES. */
export const WEIGHTS: Weights = {
  single: [0.19, 0, 1.23, 0.43, 0.3, 1.04, 0.31, 0, 0.35, 0.13, 0.62, 0.37, 0.92, 0.37, 0.55, 0.23, 0.12, 0.1],
  singleMeans: [0.06, -0.04, -0.33, 0.07, 0.22, 0.94, 0.17, -0.53, 0.28, 0.1, 0.38, 0.01, -0.44, 0.88, 0.2, 0, 0.21, 0.19],
  singleBias: -3.08,
  forest: decodeForest('AAAAAAAAAAA='),
};
