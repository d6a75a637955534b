import type { Sighting, Term } from '../src/detectors/contract.js';
import { FEATURE_COUNT, FEATURES } from '../src/detectors/contract.js';
import { Detector } from '../src/detectors/detector.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { DISTANCES, type Weights } from '../src/detectors/odds.js';
import { WEIGHTS } from '../src/detectors/weights.js';
import { Freeman } from './baselines/freeman.js';
import { HalfSpaceTrees } from './baselines/half-space-trees.js';
import { IsolationForest } from './baselines/isolation-forest.js';
import { Midas } from './baselines/midas.js';
import { NaiveBayes } from './baselines/naive-bayes.js';
import { RobustRandomCutForest } from './baselines/robust-random-cut-forest.js';
import { Rules } from './baselines/rules.js';
import type { EvalObservation, Scorer } from './observation.js';

/**
 * Keyward as `keyward scan` runs it: its evidence, which has added up, or its score, which is of each call alone.
 * @param live as the guard runs it: what came back is known after the call was judged
 */
export function keyward(
  sightings: readonly Sighting[],
  weights: Weights = WEIGHTS,
  { what = 'evidence', live = false }: { what?: 'evidence' | 'score'; live?: boolean } = {},
): Float64Array {
  const detector = new Detector(weights);
  const learning = new LearningGuard(detector, false);
  return Float64Array.from(sightings, (sighting) => {
    const { actor, observation, outcome } = sighting;
    const judgement = learning.assess(live ? { actor, observation } : sighting);
    const { policy } = learning.settle(judgement, 'allowed');
    if (live && outcome !== undefined) detector.conclude(judgement, outcome, policy === 'learn');
    return judgement[what];
  });
}

/** The weights with one term taken out: whatever splits on it finds it as usual. */
export function without(term: Term, weights: Weights = WEIGHTS): Weights {
  if (term === 'privilege') return { ...weights, privileged: 0 };
  if (term === 'beginnings') return { ...weights, beginnings: 0 };
  const { single, forest } = weights;
  const isOf = (input: number) => input < DISTANCES && FEATURES[input % FEATURE_COUNT]?.term === term;
  return {
    ...weights,
    single: single.map((weight, i) => (isOf(i) ? 0 : weight)),
    forest: {
      ...forest,
      thresholds: forest.thresholds.map((threshold, split) =>
        isOf(forest.inputs[split] as number) ? Number.POSITIVE_INFINITY : threshold,
      ),
    },
  };
}

export const TERMS: readonly Term[] = [
  ...new Set<Term>(FEATURES.map(({ term }) => term)),
  'privilege',
  'beginnings',
];

/** The published detectors; `observations` says how many the set has. */
export const BASELINES: Readonly<Record<string, (observations: number) => Scorer>> = {
  'rules only': () => new Rules(),
  'Freeman et al. 2016': () => new Freeman(),
  'naive Bayes n-grams': () => new NaiveBayes(),
  'Half-Space Trees': () => new HalfSpaceTrees(),
  'isolation forest': (observations) => new IsolationForest(Math.floor(observations * 0.2)),
  'robust random cut forest': () => new RobustRandomCutForest(),
  MIDAS: () => new Midas(),
};

/** What an evaluation compares. */
export const DETECTORS: readonly [
  name: string,
  score: (sightings: readonly Sighting[], blocks?: boolean) => Float64Array,
][] = [
  // A block adds up by itself, so it takes the scores of the calls alone.
  [
    'Keyward',
    (sightings, blocks) => keyward(sightings, undefined, { what: blocks === true ? 'score' : 'evidence' }),
  ],
  ...Object.entries(BASELINES).map(([name, make]): (typeof DETECTORS)[number] => [
    name,
    (sightings) => baseline(make(sightings.length), sightings),
  ]),
];

function baseline(scorer: Scorer, sightings: readonly Sighting[]): Float64Array {
  return Float64Array.from(sightings, (sighting) => scorer.score(plain(sighting)));
}

function plain({ actor, observation, outcome }: Sighting): EvalObservation {
  const { address, place } = observation;
  return {
    timeMs: observation.timeMs,
    key: actor.key,
    address,
    prefix: address.slice(0, Math.max(0, address.lastIndexOf('.'))),
    asn: String(place.asn ?? ''),
    country: place.country ?? '',
    userAgent: observation.userAgent,
    operation: observation.operation.name,
    privilege: observation.operation.privilege,
    objects: observation.objects,
    status: outcome?.status,
    bytesOut: outcome?.bytesOut,
  };
}
