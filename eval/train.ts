import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MEMORIES } from '../src/detectors/baseline.js';
import { FEATURE_COUNT, type Sighting } from '../src/detectors/contract.js';
import { Detector, type Judgement } from '../src/detectors/detector.js';
import { FUSION_INPUTS, type FusionWeights, fusionInputs, meansOf } from '../src/detectors/fusion.js';
import { FUSION } from '../src/detectors/fusion-weights.js';
import { follow } from '../src/detectors/learn.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { symbolsOf } from '../src/detectors/symbols.js';
import { openGeo } from '../src/locations/geo.js';
import { Random } from '../world/random.js';
import { type Example, logisticRegression } from './logistic-regression.js';
import { commandSet, commitSet, worldSet } from './sets.js';

/**
 * `npm run train:detector -- --data DIR`: learns the weights of the fusion and writes src/detectors/fusion-weights.ts.
 * DIR holds commits/ and unix-commands/ as the evaluation reads them; worlds come from the seeds of development.
 *
 * Thieves are phantoms: another key's last calls, replayed against a copy of a victim's baseline, with or without the
 * victim's client and place. In worlds the labelled thefts count as well. Everything else is the owner's.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: '4,5,6,7,8,9' },
    out: { type: 'string', default: 'src/detectors/fusion-weights.ts' },
  },
});
const CALLS_MIN = 20;
const KEPT_CALLS = 100;

/** A stream to learn from, and how densely. */
interface Course {
  readonly sightings: readonly Sighting[];
  readonly stolen: readonly boolean[];
  /** Part of a legitimate change: always looked at. */
  readonly changing: readonly boolean[];
  /** Phantoms in one observation, and share of the owner's calls that are examples. */
  readonly phantoms: number;
  readonly owners: number;
  readonly weight: number;
  readonly length: number;
  /** Calls of a phantom after which it is an example. */
  readonly at: readonly number[];
  /** Places are known, so thieves may come from the victim's own. */
  readonly places: boolean;
  /** Phantom's duration, log-uniform, in ms. */
  readonly lasts: readonly [number, number];
}

interface Examples {
  readonly single: Example[];
  readonly fused: Example[];
}

function gather(course: Course, weights: FusionWeights, into: Examples): void {
  const random = new Random(1);
  const detector = new Detector(weights);
  const guard = new LearningGuard(detector, false);
  const recent = new Map<string, Sighting[]>();
  const keys: string[] = [];
  const stolenCalls = new Map<string, number>();
  course.sightings.forEach((sighting, i) => {
    const { key } = sighting.actor;
    let own = recent.get(key);
    if (own === undefined) {
      own = [];
      recent.set(key, own);
      keys.push(key);
    }
    guard.admit(key, sighting.observation.timeMs);
    const judgement = detector.assess(sighting);
    const ready = judgement.baseline.total >= CALLS_MIN;
    if (ready && course.stolen[i] === true) {
      const n = (stolenCalls.get(key) ?? 0) + 1;
      stolenCalls.set(key, n);
      if (n <= 30) single(into, judgement, detector, 1, 2);
      if (n > 1 && n <= 30) fused(into, judgement, detector, 1, 2);
    } else if (ready && (course.changing[i] === true || random.chance(course.owners))) {
      single(into, judgement, detector, 0, course.weight);
      fused(into, judgement, detector, 0, course.weight);
    }
    guard.settle(key, judgement, false);
    if (course.stolen[i] === true) return;
    own.push(sighting);
    if (own.length > KEPT_CALLS) own.shift();
    if (!ready || own.length < course.length || !random.chance(course.phantoms)) return;
    const victim = Array.from({ length: 5 }, () => random.pick(keys)).find(
      (each) => each !== key && detector.baselineOf(each).total >= CALLS_MIN,
    );
    if (victim !== undefined) phantom(course, random, detector, own, victim, recent.get(victim) ?? [], into);
  });
}

function phantom(
  course: Course,
  random: Random,
  detector: Detector,
  thief: readonly Sighting[],
  victim: string,
  past: readonly Sighting[],
  into: Examples,
): void {
  const copy = detector.baselineOf(victim).clone();
  const calls = thief.slice(-course.length);
  const first = (calls[0] as Sighting).observation.timeMs;
  const took = Math.max(1, (calls.at(-1) as Sighting).observation.timeMs - first);
  const [least, most] = course.lasts;
  const lasts = Math.min(took, Math.exp(random.between(Math.log(least), Math.log(most))));
  const last = past.at(-1) as Sighting;
  const startMs = last.observation.timeMs + random.between(0, 86_400_000);
  const copiesClient = random.chance(0.5);
  const ownPlace = course.places && random.chance(copiesClient ? 0.5 : 0.25);
  calls.forEach((call, n) => {
    const model = random.pick(past.slice(-10)).observation;
    const symbols = symbolsOf(
      { ...last.actor },
      {
        ...call.observation,
        timeMs: startMs + ((call.observation.timeMs - first) / took) * lasts,
        userAgent: copiesClient ? model.userAgent : call.observation.userAgent,
        ...(ownPlace ? { address: model.address, place: model.place } : {}),
      },
      call.outcome,
    );
    const judgement = detector.judge(copy, symbols);
    follow(copy, symbols, judgement.track);
    if (n % 4 === 1) single(into, judgement, detector, 1, course.weight);
    if (course.at.includes(n)) fused(into, judgement, detector, 1, course.weight);
  });
}

function single(
  into: Examples,
  { features, baseline }: Judgement,
  detector: Detector,
  label: 0 | 1,
  weight: number,
): void {
  const means = meansOf(baseline, detector.population, new Float64Array(FEATURE_COUNT));
  into.single.push({
    x: Float32Array.from(features, (value, i) => value - (means[i] as number)),
    label,
    weight,
  });
}

function fused(
  into: Examples,
  { baseline, track }: Judgement,
  detector: Detector,
  label: 0 | 1,
  weight: number,
): void {
  const means = meansOf(baseline, detector.population, new Float64Array(FEATURE_COUNT));
  const x = Float32Array.from(fusionInputs(baseline, track, means, new Float64Array(FUSION_INPUTS)));
  into.fused.push({ x, label, weight });
}

async function courses(data: string | undefined): Promise<Course[]> {
  const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
  const all: Course[] = values.worlds.split(',').map((seed) => {
    const { sightings, stolen, episodes } = worldSet(Number(seed), geo);
    const changing = sightings.map(() => false);
    for (const { kind, lines } of episodes)
      if (kind === 'legitimate') for (const line of lines) changing[line] = true;
    return {
      ...{ sightings, stolen, changing, phantoms: 0.01, owners: 0.06, weight: 1, length: 20 },
      ...{ at: [3, 7, 13, 19], places: true, lasts: [60_000, 1.2e8] as const },
    };
  });
  if (data === undefined) return all;
  const plain = { changing: [], places: false, lasts: [3.6e6, 3.5e8] as const };
  for (const name of ['dev-puppetlabs', 'dev-rails']) {
    const set = commitSet(path.join(data, 'commits'), name);
    const sightings = set.sightings.filter((_, i) => set.attacks[i] === undefined);
    all.push({
      ...plain,
      sightings,
      stolen: [],
      phantoms: 0.08,
      owners: 0.34,
      weight: 2,
      length: 20,
      at: [7, 13, 19],
    });
  }
  const commands = commandSet(path.join(data, 'unix-commands'));
  // The part before any attack.
  const clean = commands.sightings.filter((_, i) => commands.blocks?.[i]?.attack !== true);
  const sightings = clean.slice(0, Math.floor(commands.sightings.length * 0.4));
  all.push({
    ...plain,
    sightings,
    stolen: [],
    phantoms: 0.01,
    owners: 0.1,
    weight: 1,
    length: 100,
    at: [7, 13, 19, 99],
  });
  return all;
}

const examples: Examples = { single: [], fused: [] };
for (const course of await courses(values.data)) gather(course, FUSION, examples);
console.error(
  `${examples.fused.length} examples of the last calls, ${examples.single.length} of single ones`,
);
const one = logisticRegression(examples.single, FEATURE_COUNT, FEATURE_COUNT);
const many = logisticRegression(examples.fused, FUSION_INPUTS, FEATURE_COUNT * MEMORIES.length);
const row = (weights: readonly number[]) =>
  `[${weights.map((weight) => Number(weight.toFixed(2))).join(', ')}]`;
const averages = MEMORIES.map(
  (_, m) => `    ${row(many.weights.slice(m * FEATURE_COUNT, (m + 1) * FEATURE_COUNT))},`,
);
writeFileSync(
  values.out,
  `import type { FusionWeights } from './fusion.js';

/** Written by \`npm run train:detector\`; the order is that of FEATURES. */
export const FUSION: FusionWeights = {
  single: ${row(one.weights)},
  singleBias: ${Number(one.bias.toFixed(2))},
  averages: [
${averages.join('\n')}
  ],
  means: ${row(many.weights.slice(MEMORIES.length * FEATURE_COUNT))},
  bias: ${Number(many.bias.toFixed(2))},
};
`,
);
console.error(`loss ${many.loss.toFixed(4)}; written to ${values.out}; format it with biome`);
