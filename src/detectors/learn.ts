import {
  AVERAGES,
  AWAY,
  type Baseline,
  Clock,
  HISTOGRAM,
  HISTOGRAM_TOTAL,
  type Histogram,
  KIND_DISTINCT,
  KIND_TOTAL,
  MEAN,
  MEMORIES,
  RECENT,
  THIS_HOUR,
  TOTAL,
} from './baseline.js';
import { fadeBeginnings, learnBeginning } from './beginnings.js';
import { AT, FEATURE_COUNT } from './contract.js';
import { addCount } from './count-table.js';
import { bytesPerHourClass, lastOf, paceSince, perHourClass } from './habits.js';
import { combine } from './hash.js';
import { KindIndex } from './likelihood.js';
import { followers, following, previousOf } from './operation.js';
import type { Population } from './population.js';
import { EVERYONE, KINDS } from './scope-totals.js';
import { Kind, type Symbols } from './symbols.js';

const DAY_MS = 86_400_000;
/** Half-life of what was learned, in days on which the key was at work. */
const HALF_LIFE_DAYS = 120;
const DECAY_EVERY_DAYS = 10;
/** The slowest that means move. */
const MEAN_RATE_MIN = 0.01;
const POPULATION_RATE_MIN = 0.0005;

/** Moves the state of the moment: what happened counts as evidence whether it is learned or not. */
export function advance(
  baseline: Baseline,
  symbols: Symbols,
  features: readonly number[],
  track: number,
): void {
  const { clock, numbers } = baseline;
  const start = averagesOf(track);
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    const keep = MEMORIES[memory] as number;
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      const at = start + memory * FEATURE_COUNT + feature;
      numbers[at] = keep * (numbers[at] as number) + (1 - keep) * (features[feature] as number);
    }
  }
  if (clock[Clock.hourIndex] !== symbols.hourIndex)
    numbers.fill(0, THIS_HOUR.start, THIS_HOUR.start + THIS_HOUR.size);
  const calls = THIS_HOUR.start + 2 * track;
  numbers[calls] = (numbers[calls] as number) + 1;
  numbers[calls + 1] = (numbers[calls + 1] as number) + Math.max(0, symbols.bytesOut);
}

/** Where the moving averages of a track begin. */
export function averagesOf(track: number): number {
  return AVERAGES.start + track * MEMORIES.length * FEATURE_COUNT;
}

/** Remembers the observation as the one before the next. */
export function follow(baseline: Baseline, symbols: Symbols, track: number): void {
  const { clock } = baseline;
  const last = clock[Clock.last] as number;
  if (last === 0) clock[Clock.first] = symbols.timeMs;
  else
    clock[Clock.active] =
      (clock[Clock.active] as number) + Math.min(DAY_MS, Math.max(0, symbols.timeMs - last));
  clock[Clock.last] = Math.max(last, symbols.timeMs);
  clock[Clock.hourIndex] = symbols.hourIndex;
  baseline.recent[(clock[Clock.seen] as number) % RECENT] = symbols.operation;
  clock[Clock.seen] = (clock[Clock.seen] as number) + 1;
  if (track === AWAY) {
    clock[Clock.awayLast] = symbols.timeMs;
    clock[Clock.awaySource] = symbols.source;
    clock[Clock.awayOperation] = symbols.operation;
    return;
  }
  clock[Clock.homeLast] = symbols.timeMs;
  clock[Clock.homeSource] = symbols.source;
  clock[Clock.previousOperation] = symbols.operation;
  if (symbols.prefix !== 0) clock[Clock.previousPrefix] = symbols.prefix;
  if (symbols.client !== 0) clock[Clock.previousClient] = symbols.client;
}

/** What an observation followed, as long as it is known: it may be learned much later. */
export interface Context {
  /** Hash of the operation before; 0 for none. */
  readonly previous: number;
  readonly pace: number;
  readonly perHour: number;
  /** Class of the bytes of this hour, this call's included. */
  readonly bytesPerHour: number;
  /** Another network, another client than that of the call before. */
  readonly newPrefix: boolean;
  readonly newClient: boolean;
}

/** Call after {@link advance} and before {@link follow}. */
export function contextOf({ clock, numbers }: Baseline, symbols: Symbols, track: number): Context {
  return {
    previous: previousOf(clock, symbols),
    pace: paceSince(lastOf(clock, symbols), symbols.timeMs),
    perHour: perHourClass(numbers[THIS_HOUR.start + 2 * track] as number),
    bytesPerHour: bytesPerHourClass(numbers[THIS_HOUR.start + 2 * track + 1] as number),
    newPrefix: clock[Clock.previousPrefix] !== symbols.prefix,
    newClient: clock[Clock.previousClient] !== symbols.client,
  };
}

/** Teaches the baseline and the population one observation, at once or later. */
export function absorb(
  baseline: Baseline,
  population: Population,
  symbols: Symbols,
  features: readonly number[],
  context: Context,
): void {
  forget(baseline);
  means(baseline, population, features);
  const draw = combine(baseline.clock[Clock.seen] as number, symbols.operation);
  const learner = { baseline, population, symbols, draw };
  // Later calls of an hour say nothing new of when and from where the owner works.
  const { clock } = baseline;
  const newHour = symbols.hourIndex > (clock[Clock.hourLearned] as number);
  if (newHour) {
    clock[Clock.hourLearned] = symbols.hourIndex;
    countClass(baseline, population, HISTOGRAM.hour, symbols.hour);
  }
  if (symbols.dayIndex > (clock[Clock.dayLearned] as number)) {
    clock[Clock.dayLearned] = symbols.dayIndex;
    fadeBeginnings(baseline);
    countClass(baseline, population, HISTOGRAM.weekday, symbols.weekday);
  }
  if (newHour || context.newClient || context.newPrefix) clock[Clock.readySource] = 0;
  if (newHour || context.newClient) {
    tally(learner, Kind.client, symbols.client);
    tally(learner, Kind.family, symbols.family);
  }
  if (newHour || context.newPrefix) {
    tally(learner, Kind.prefix, symbols.prefix);
    tally(learner, Kind.asn, symbols.asn);
    tally(learner, Kind.country, symbols.country);
    countClass(baseline, population, HISTOGRAM.networkKind, symbols.networkKind);
  }
  learnBeginning(baseline, symbols);
  if (context.previous !== 0) transition(learner, context.previous);
  tally(learner, Kind.operation, symbols.operation);
  tally(learner, Kind.component, symbols.component);
  for (const object of symbols.objects) tally(learner, Kind.object, object);
  histograms(baseline, population, symbols, context);
  baseline.numbers[TOTAL.start] = baseline.total + 1;
  clock[Clock.learned] = (clock[Clock.learned] as number) + 1;
  population.observations++;
}

interface Learner {
  readonly baseline: Baseline;
  readonly population: Population;
  readonly symbols: Symbols;
  readonly draw: number;
}

function tally({ baseline, population, symbols, draw }: Learner, kind: number, symbol: number): void {
  if (symbol === 0) return;
  const index = KindIndex[kind] as number;
  const { numbers } = baseline;
  numbers[KIND_TOTAL.start + index] = (numbers[KIND_TOTAL.start + index] as number) + 1;
  if (put(baseline, symbol, draw))
    numbers[KIND_DISTINCT.start + index] = (numbers[KIND_DISTINCT.start + index] as number) + 1;
  scopeTally(population, EVERYONE, index, symbol);
  const scope = scopeOf(kind, symbols);
  if (scope !== EVERYONE) scopeTally(population, scope, index, symbol);
}

/** What is done is compared with the key's peers, where it comes from and with what with its tenant's other keys. */
function scopeOf(kind: number, { tenant, peers }: Symbols): number {
  if (kind === Kind.operation || kind === Kind.component) return peers;
  return kind === Kind.object || kind === Kind.family ? 0 : tenant;
}

function scopeTally({ scopes, counts }: Population, scope: number, index: number, symbol: number): void {
  const at = scopes.at(scope) + index;
  const { numbers } = scopes;
  numbers[at] = (numbers[at] as number) + 1;
  if (counts.add(scope, symbol) === 0) numbers[at + KINDS] = (numbers[at + KINDS] as number) + 1;
}

function transition({ baseline, population, symbols, draw }: Learner, previous: number): void {
  const pair = following(previous, symbols.operation);
  const branching = followers(previous);
  if (put(baseline, pair, draw)) put(baseline, branching, draw);
  if (population.counts.add(0, pair) === 0) population.counts.add(0, branching);
}

/** True when the symbol was not there. */
function put(baseline: Baseline, symbol: number, draw: number): boolean {
  let added = addCount(baseline.slots, symbol, draw);
  if (added === 'evicted' && baseline.grow()) added = 'new';
  return added !== 'known';
}

/** Adds the outcome's features to averages that were moved without them. */
export function advanceOutcome(
  { numbers }: Baseline,
  { bytesOut }: Symbols,
  features: readonly number[],
  track: number,
): void {
  const start = averagesOf(track);
  const bytes = THIS_HOUR.start + 2 * track + 1;
  numbers[bytes] = (numbers[bytes] as number) + Math.max(0, bytesOut);
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    for (const feature of OUTCOME_FEATURES) {
      const at = start + memory * FEATURE_COUNT + feature;
      numbers[at] =
        (numbers[at] as number) + (1 - (MEMORIES[memory] as number)) * (features[feature] as number);
    }
  }
}

/** Teaches what came back, of a call that was absorbed without it. */
export function absorbOutcome(
  baseline: Baseline,
  population: Population,
  symbols: Symbols,
  features: readonly number[],
  track: number,
): void {
  countClass(baseline, population, HISTOGRAM.status, symbols.status);
  if (symbols.bytesOut >= 0)
    countClass(
      baseline,
      population,
      HISTOGRAM.bytesPerHour,
      bytesPerHourClass(baseline.numbers[THIS_HOUR.start + 2 * track + 1] as number),
    );
  const { own, shared } = meanRates(baseline, population);
  for (const feature of OUTCOME_FEATURES) {
    const value = features[feature] as number;
    const at = MEAN.start + feature;
    // The mean has moved towards nothing already, by the same rate.
    baseline.numbers[at] = (baseline.numbers[at] as number) + own * value;
    population.mean[feature] = (population.mean[feature] as number) + shared * value;
  }
}

const OUTCOME_FEATURES = [AT.status, AT.outflow];

function countClass(baseline: Baseline, population: Population, histogram: Histogram, index: number): void {
  if (index < 0) return;
  const { numbers } = baseline;
  const { start, order } = histogram;
  numbers[start + index] = (numbers[start + index] as number) + 1;
  const total = HISTOGRAM_TOTAL.start + order;
  numbers[total] = (numbers[total] as number) + 1;
  const everyone = population.histograms[order] as Float64Array;
  everyone[index] = (everyone[index] as number) + 1;
  population.histogramTotals[order] = (population.histogramTotals[order] as number) + 1;
}

function histograms(baseline: Baseline, population: Population, symbols: Symbols, context: Context): void {
  const count = (histogram: Histogram, index: number) => countClass(baseline, population, histogram, index);
  count(HISTOGRAM.pace, context.pace);
  if (symbols.bytesOut >= 0) count(HISTOGRAM.bytesPerHour, context.bytesPerHour);
  if (symbols.objects.length > 0) count(HISTOGRAM.breadth, symbols.breadth);
  count(HISTOGRAM.status, symbols.status);
  count(HISTOGRAM.perHour, context.perHour);
}

function meanRates(baseline: Baseline, population: Population) {
  return {
    own: Math.max(1 / (baseline.total + 1), MEAN_RATE_MIN),
    shared: Math.max(1 / (population.observations + 1), POPULATION_RATE_MIN),
  };
}

function means(baseline: Baseline, population: Population, features: readonly number[]): void {
  const { numbers } = baseline;
  const { own: rate, shared } = meanRates(baseline, population);
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const value = features[i] as number;
    const d = value - (numbers[MEAN.start + i] as number);
    numbers[MEAN.start + i] = (numbers[MEAN.start + i] as number) + rate * d;
    const e = value - (population.mean[i] as number);
    population.mean[i] = (population.mean[i] as number) + shared * e;
  }
}

function forget(baseline: Baseline): void {
  const { clock } = baseline;
  const days = ((clock[Clock.active] as number) - (clock[Clock.decayed] as number)) / DAY_MS;
  if (days < DECAY_EVERY_DAYS) return;
  clock[Clock.decayed] = clock[Clock.active] as number;
  baseline.decay(2 ** (-days / HALF_LIFE_DAYS));
}
