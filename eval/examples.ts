import path from 'node:path';
import { AWAY } from '../src/detectors/baseline.js';
import { FEATURE_COUNT, type Sighting } from '../src/detectors/contract.js';
import { Detector, type Judgement } from '../src/detectors/detector.js';
import { follow } from '../src/detectors/learn.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { INPUTS, inputsOf, meansOf, type Weights } from '../src/detectors/odds.js';
import { symbolsOf } from '../src/detectors/symbols.js';
import { openGeo } from '../src/locations/geo.js';
import { Random } from '../world/random.js';
import { DAY_MS } from '../world/traffic.js';
import type { Examples } from './gradient-boosting.js';
import { CATALOGS_LEARNED, commandSet, drawnWorldSet, streamSet, type WorldSet, worldSet } from './sets.js';

/**
 * Examples for the fusion. Thieves are phantoms: another key's last calls, replayed against a copy of a victim's baseline,
 * with or without the victim's client and place, while the victim goes on. In worlds the labelled thefts count as well.
 * Everything else is the owner's.
 */
const KEPT_CALLS = 100;
/** The victim's calls while and after a phantom comes by, and how many of them are examples. */
const MEANWHILE_CALLS = 24;
const MEANWHILE_SHARE = 0.5;
/** Thieves' calls to owners' calls, by weight. */
const THIEVES_SHARE = 0.15;
/** A thief's later calls weigh less: he should have been found by then. */
const THIEF_CALLS = 8;
/** After a theft the owner's calls must not be taken for the thief's. */
const AFTERMATH_MS = 2 * DAY_MS;
/** Share of the command set that is learned from: half of what comes before its first attack. */
const COMMANDS_BEFORE_ATTACKS = 0.4;

/** A stream to learn from, and how densely. */
export interface Course {
  readonly sightings: readonly Sighting[];
  readonly stolen: readonly boolean[];
  /** Part of a legitimate change: always looked at. */
  readonly changing: readonly boolean[];
  /** Phantoms in one observation, and share of the owner's calls that are examples. */
  readonly phantoms: number;
  readonly owners: number;
  readonly length: number;
  /** Of a phantom's calls, every so many is an example. */
  readonly every: number;
  readonly phantomWeight: number;
  /** Share of its examples that are kept: many courses must fit into memory. */
  readonly kept: number;
  /** Of all its examples, next to those of other courses. */
  readonly weight: number;
  /** Places are known, so thieves may come from the victim's own. */
  readonly places: boolean;
  /** Phantom's duration, log-uniform, in ms. */
  readonly lasts: readonly [number, number];
}

/** Rows of inputs as they are gathered. */
export class Rows {
  readonly labels: number[] = [];
  readonly weights: number[] = [];
  readonly #chunks: Float32Array[] = [];

  add(inputs: Float64Array, label: 0 | 1, weight: number): void {
    this.#chunks.push(Float32Array.from(inputs));
    this.labels.push(label);
    this.weights.push(weight);
  }

  /** Keeps a share of the rows from row `from` on. */
  thin(from: number, share: number, random: Random): void {
    let to = from;
    for (let i = from; i < this.labels.length; i++) {
      if (!random.chance(share)) continue;
      this.labels[to] = this.labels[i] as number;
      this.weights[to] = this.weights[i] as number;
      this.#chunks[to] = this.#chunks[i] as Float32Array;
      to += 1;
    }
    for (const column of [this.labels, this.weights, this.#chunks]) column.length = to;
  }

  /** Scales the weights from row `from` on, the thieves' to their share of the owners': odds of all courses are alike. */
  balance(from: number, weight: number): void {
    let thieves = 0;
    let owners = 0;
    for (let i = from; i < this.labels.length; i++) {
      if (this.labels[i] === 1) thieves += this.weights[i] as number;
      else owners += this.weights[i] as number;
    }
    const scale = (THIEVES_SHARE * owners) / Math.max(1, thieves);
    for (let i = from; i < this.labels.length; i++)
      this.weights[i] = (this.weights[i] as number) * weight * (this.labels[i] === 1 ? scale : 1);
  }

  /** @param columns which inputs, and in which order */
  examples(columns: readonly number[]): Examples {
    const size = columns.length;
    const inputs = new Float32Array(this.labels.length * size);
    this.#chunks.forEach((row, i) => {
      for (let column = 0; column < size; column++)
        inputs[i * size + column] = row[columns[column] as number] as number;
    });
    return {
      ...{ inputs, size },
      labels: Uint8Array.from(this.labels),
      weights: Float32Array.from(this.weights),
    };
  }
}

/** Runs the stream as a scan does and gathers examples with the weights as they are: so many thieves to owners, whatever the stream. */
export function gather(course: Course, weights: Weights, rows: Rows): void {
  const from = rows.labels.length;
  const random = new Random(1);
  const detector = new Detector(weights);
  const guard = new LearningGuard(detector, false);
  const recent = new Map<string, Sighting[]>();
  const keys: string[] = [];
  const stolenCalls = new Map<string, number>();
  const lastStolen = new Map<string, number>();
  course.sightings.forEach((sighting, i) => {
    const { key } = sighting.actor;
    const { timeMs } = sighting.observation;
    let own = recent.get(key);
    if (own === undefined) {
      own = [];
      recent.set(key, own);
      keys.push(key);
    }
    const judgement = guard.assess(sighting);
    const ready = judgement.state === 'ready';
    const stolen = course.stolen[i] === true;
    if (stolen) {
      const n = (stolenCalls.get(key) ?? 0) + 1;
      stolenCalls.set(key, n);
      lastStolen.set(key, timeMs);
      if (ready) add(rows, judgement, detector, 1, Math.min(1, THIEF_CALLS / n));
    } else if (ready && random.chance(ownersShare(course, i, judgement, timeMs - (lastStolen.get(key) ?? 0))))
      add(rows, judgement, detector, 0, 1);
    guard.settle(judgement, 'allowed');
    if (stolen) return;
    own.push(sighting);
    if (own.length > KEPT_CALLS) own.shift();
    if (!ready || own.length < course.length || !random.chance(course.phantoms)) return;
    const victim = Array.from({ length: 5 }, () => random.pick(keys)).find(
      (each) => each !== key && !detector.isWarming(each),
    );
    if (victim !== undefined) phantom(course, random, detector, own, victim, recent.get(victim) ?? [], rows);
  });
  rows.thin(from, course.kept, random);
  rows.balance(from, course.weight);
}

/** How many of the owners' calls like this one are examples: those that could be taken for a thief's, more often. */
function ownersShare(course: Course, i: number, judgement: Judgement, sinceTheftMs: number): number {
  if (judgement.track === AWAY) return Math.max(0.5, course.owners);
  if (course.changing[i] === true || sinceTheftMs < AFTERMATH_MS) return Math.max(0.3, course.owners);
  return course.owners;
}

/** One call against the copy of a victim's baseline. */
interface Replayed {
  readonly call: Sighting;
  readonly label: 0 | 1;
  readonly example: boolean;
}

/** Another key's calls against a copy of the victim's baseline, and the victim's own between and after them. */
function phantom(
  course: Course,
  random: Random,
  detector: Detector,
  thief: readonly Sighting[],
  victim: string,
  past: readonly Sighting[],
  rows: Rows,
): void {
  const copy = detector.baselineOf(victim).clone();
  const { actor, observation } = past.at(-1) as Sighting;
  const startMs = observation.timeMs + random.between(0, DAY_MS);
  const replayed = [
    ...visit(course, random, thief.slice(-course.length), past, startMs),
    ...meanwhile(random, past, startMs),
  ];
  replayed.sort((a, b) => a.call.observation.timeMs - b.call.observation.timeMs);
  for (const { call, label, example } of replayed) {
    const symbols = symbolsOf(actor, call.observation, call.outcome);
    const judgement = detector.judge(copy, symbols);
    follow(copy, symbols, judgement.track);
    if (example) add(rows, judgement, detector, label, label === 1 ? course.phantomWeight : 1);
  }
}

/** The thief's calls, moved to the victim's time, from one place and with one tool. */
function visit(
  course: Course,
  random: Random,
  calls: readonly Sighting[],
  past: readonly Sighting[],
  startMs: number,
): Replayed[] {
  const first = (calls[0] as Sighting).observation.timeMs;
  const took = Math.max(1, (calls.at(-1) as Sighting).observation.timeMs - first);
  const lasts = Math.min(took, random.logBetween(...course.lasts));
  const copiesClient = random.chance(0.5);
  const ownPlace = course.places && random.chance(copiesClient ? 0.5 : 0.25);
  const model = random.pick(past.slice(-10)).observation;
  return calls.map((call, n) => ({
    call: {
      ...call,
      observation: {
        ...call.observation,
        timeMs: startMs + ((call.observation.timeMs - first) / took) * lasts,
        userAgent: copiesClient ? model.userAgent : call.observation.userAgent,
        ...(ownPlace ? { address: model.address, place: model.place } : {}),
      },
    },
    label: 1,
    example: n % course.every === course.every - 1,
  }));
}

/** The victim goes on as on the day before; from the thief's first call on it must not be taken for him. */
function meanwhile(random: Random, past: readonly Sighting[], startMs: number): Replayed[] {
  const lastMs = (past.at(-1) as Sighting).observation.timeMs;
  return past.slice(-MEANWHILE_CALLS).flatMap((call) => {
    const timeMs = call.observation.timeMs + DAY_MS;
    if (timeMs <= lastMs) return [];
    const example = timeMs > startMs && random.chance(MEANWHILE_SHARE);
    return [{ call: { ...call, observation: { ...call.observation, timeMs } }, label: 0, example }];
  });
}

const inputs = new Float64Array(INPUTS);
const means = new Float64Array(FEATURE_COUNT);

function add(rows: Rows, judgement: Judgement, detector: Detector, label: 0 | 1, weight: number): void {
  const { baseline, track, features } = judgement;
  meansOf(baseline, detector.population, means);
  rows.add(inputsOf(baseline, track, features, means, inputs), label, weight);
}

/** Worlds of these seeds, written and drawn, so many streams and, where `data` names the folder of real data, commands before any attack; one at a time. */
export async function* courses(
  written: readonly number[],
  drawn: readonly number[],
  streams: number,
  data: string | undefined,
): AsyncGenerator<Course> {
  const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
  for (const seed of written) yield worldCourse(worldSet(seed, geo));
  for (const seed of drawn) yield worldCourse(drawnWorldSet(seed, CATALOGS_LEARNED, geo));
  for (let seed = 0; seed < streams; seed++) yield streamCourse(seed);
  if (data !== undefined) yield commandCourse(path.join(data, 'unix-commands'));
}

function worldCourse({ sightings, stolen, episodes }: WorldSet): Course {
  const changing = sightings.map(() => false);
  for (const { kind, lines } of episodes)
    if (kind === 'legitimate') for (const line of lines) changing[line] = true;
  return {
    ...{ sightings, stolen, changing, phantoms: 0.002, owners: 0.02, length: 16 },
    ...{ every: 4, phantomWeight: 0.5, kept: 1, weight: 1, places: true, lasts: [60_000, 1.2e8] },
  };
}

const PLAIN = {
  ...{ stolen: [], changing: [], phantomWeight: 1, places: false },
  lasts: [3.6e6, 3.5e8],
} as const;

/** Many small parts of what is learned: no single stream counts for much. */
function streamCourse(seed: number): Course {
  const length = Math.round(new Random(seed).logBetween(8, 80));
  return {
    ...PLAIN,
    sightings: streamSet(seed),
    ...{ phantoms: Math.min(0.08, 1.2 / length), owners: 0.5, length, kept: 1 / 3, weight: 0.3 },
    every: Math.max(2, Math.round(length / 8)),
  };
}

function commandCourse(folder: string): Course {
  const { sightings } = commandSet(folder);
  return {
    ...PLAIN,
    sightings: sightings.slice(0, Math.floor(sightings.length * COMMANDS_BEFORE_ATTACKS)),
    ...{ phantoms: 0.015, owners: 0.2, length: 100, every: 9, kept: 1, weight: 1 },
  };
}
