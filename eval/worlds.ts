import { Baseline } from '../src/detectors/baseline.js';
import { AlarmBudget } from '../src/detectors/budget.js';
import type { Term } from '../src/detectors/contract.js';
import { DAY_MS } from '../world/traffic.js';
import { atAnsweredThresholds } from './answered.js';
import { DETECTORS, keyward, TERMS, without } from './detectors.js';
import { thresholdFor } from './metrics.js';
import { benignDays, WARM_DAYS, type WorldResult, worldResult, worldRow } from './protocol.js';
import type { WorldSet } from './sets.js';

/** A world to be played: of the provider written by hand, or of a drawn one. */
export interface WorldJob {
  readonly seed: number;
  readonly drawn: boolean;
}

/** False alarms in 1,000 key-days. */
export const RATES = [0.5, 1, 2, 5, 10, 20] as const;
export const BUDGET = 2;

/** What every detector did in one world. */
export interface WorldOutcome {
  readonly observations: number;
  /** By detector, at each of the rates. */
  readonly results: ReadonlyMap<string, readonly WorldResult[]>;
  /** Keyward without a term, at the budget; empty where it was not asked for. */
  readonly ablation: ReadonlyMap<Term, WorldResult>;
  readonly own: OwnOutcome;
  /** The same where an operator answers each alarm. */
  readonly answered: OwnOutcome;
}

/** At the thresholds that Keyward set itself from the budget, with its false alarms. */
export interface OwnOutcome {
  readonly alarms: number;
  readonly keyDays: number;
  readonly result: WorldResult;
}

/** Runs every detector through a world. */
export function playWorld(world: WorldSet, { ablation }: { readonly ablation: boolean }): WorldOutcome {
  const { sightings } = world;
  const scores = new Map(DETECTORS.map(([name, score]) => [name, score(sightings)]));
  return {
    observations: sightings.length,
    results: new Map([...scores].map(([name, each]) => [name, atRates(world, each, RATES)])),
    ablation: new Map(
      (ablation ? TERMS : []).map((term) => [
        term,
        atRates(world, keyward(sightings, without(term)), [BUDGET])[0] as WorldResult,
      ]),
    ),
    own: atOwnThresholds(world, scores.get('Keyward') as Float64Array),
    answered: atAnsweredThresholds(world, BUDGET / 1000),
  };
}

/** Results at thresholds that give so many false alarms in 1,000 key-days of this very world. */
export function atRates(
  world: WorldSet,
  scores: Float64Array,
  rates: readonly number[],
): readonly WorldResult[] {
  const days = benignDays(world, scores);
  return rates.map((rate) => {
    const threshold = thresholdFor(days, (rate * days.length) / 1000);
    return worldResult(world, (line) => (scores[line] as number) >= threshold);
  });
}

/** All of them as one. */
export function ownRow(outcomes: readonly OwnOutcome[]) {
  const sum = (of: (each: OwnOutcome) => number) => outcomes.reduce((total, each) => total + of(each), 0);
  const keyDays = sum((each) => each.keyDays);
  return {
    ...{ perThousand: (sum(({ alarms }) => alarms) / keyDays) * 1000, keyDays },
    row: worldRow(outcomes.map(({ result }) => result)),
  };
}

export function atOwnThresholds(world: WorldSet, evidence: Float64Array): OwnOutcome {
  const { sightings, stolen } = world;
  const budget = new AlarmBudget(BUDGET / 1000);
  const from = (sightings[0]?.observation.timeMs ?? 0) + WARM_DAYS * DAY_MS;
  const baselines = new Map<string, Baseline>();
  const alarms = new Uint8Array(sightings.length);
  const alarmed = new Set<string>();
  const days = new Set<string>();
  sightings.forEach(({ actor, observation: { timeMs } }, i) => {
    const day = `${actor.key}|${Math.floor(timeMs / DAY_MS)}`;
    if ((evidence[i] as number) >= budget.threshold) alarms[i] = 1;
    if (timeMs >= from && stolen[i] !== true) {
      days.add(day);
      if (alarms[i] === 1) alarmed.add(day);
    }
    const own = baselines.get(actor.key) ?? new Baseline();
    baselines.set(actor.key, own);
    budget.note(own, timeMs, evidence[i] as number);
  });
  const result = worldResult(world, (line) => alarms[line] === 1);
  return { alarms: alarmed.size, keyDays: days.size, result };
}
