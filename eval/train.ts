import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FEATURE_COUNT, FEATURES } from '../src/detectors/contract.js';
import { encodeForest } from '../src/detectors/forest.js';
import { DISTANCES, INPUTS, type Weights } from '../src/detectors/odds.js';
import { WEIGHTS } from '../src/detectors/weights.js';
import { courses, gather, Rows } from './examples.js';
import { boost } from './gradient-boosting.js';
import { logisticRegression } from './logistic-regression.js';
import { DRAWN_SEEDS, WRITTEN_SEEDS } from './seeds.js';

/**
 * `npm run train:detector -- --data DIR`: learns the weights of the fusion and writes src/detectors/weights.ts.
 * Worlds come from seeds of their own (eval/seeds.ts), and so do streams. DIR holds unix-commands/, of which the part
 * before any attack is used; the commit sets are for development and evaluation alone.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: WRITTEN_SEEDS.learned.join() },
    drawn: { type: 'string', default: '22' },
    streams: { type: 'string', default: '144' },
    trees: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    /** Learns the trees alone. */
    'keep-score': { type: 'boolean', default: false },
    out: { type: 'string', default: 'src/detectors/weights.ts' },
  },
});

async function examplesWith(weights: Weights): Promise<Rows> {
  const rows = new Rows();
  const written = values.worlds.split(',').map(Number);
  const drawn = DRAWN_SEEDS.learned.slice(0, Number(values.drawn));
  for await (const course of courses(written, drawn, Number(values.streams), values.data))
    gather(course, weights, rows);
  console.error(`${rows.labels.length} examples`);
  return rows;
}

async function learnedScore(): Promise<Pick<Weights, 'single' | 'singleMeans' | 'singleBias'>> {
  const features = FEATURES.map((_, i) => i);
  const rows = await examplesWith(WEIGHTS);
  const one = logisticRegression(
    rows.examples([...features, ...features.map((i) => DISTANCES + i)]),
    FEATURE_COUNT,
  );
  const rounded = one.weights.map((weight) => Number(weight.toFixed(2)));
  return {
    single: rounded.slice(0, FEATURE_COUNT),
    singleMeans: rounded.slice(FEATURE_COUNT),
    singleBias: Number(one.bias.toFixed(2)),
  };
}

// The score decides what counts as odd, so it comes first.
const score = values['keep-score'] ? WEIGHTS : await learnedScore();
const everyInput = Array.from({ length: INPUTS }, (_, i) => i);
const rows = await examplesWith({ ...WEIGHTS, ...score });
const forest = boost(rows.examples(everyInput), {
  ...{ trees: Number(values.trees), seed: Number(values.seed), rising: DISTANCES },
  ...{ rate: 0.2, rowShare: 0.5, inputShare: 0.5 },
});
writeFileSync(
  values.out,
  `import { decodeForest } from './forest.js';
import type { Weights } from './odds.js';

/** Written by \`npm run train:detector\`; the order is that of FEATURES. */
export const WEIGHTS: Weights = {
  single: [${score.single.join(', ')}],
  singleMeans: [${score.singleMeans.join(', ')}],
  singleBias: ${score.singleBias},
  privileged: ${WEIGHTS.privileged},
  beginnings: ${WEIGHTS.beginnings},
  forest: decodeForest(
    '${encodeForest(forest)}',
  ),
};
`,
);
console.error(`loss ${forest.loss.toFixed(4)}; written to ${values.out}; format it with biome`);
