import { PRIVILEGED_FROM } from '../core/observation.js';
import { AWAY, AWAY_PEAK, Baseline, BEGINNING, Clock, HOME } from './baseline.js';
import { beginningsEvidence } from './beginnings.js';
import { learnTail, tailNats } from './calibration.js';
import {
  type Actor,
  type Assessment,
  AT,
  FEATURE_COUNT,
  FEATURES,
  type Outcome,
  type Term,
  type TermScore,
  WARM_UP,
} from './contract.js';
import { Forest } from './forest.js';
import { outcomeTerm, timeTerm, volumeTerm } from './habits.js';
import { combine, hashText } from './hash.js';
import { KeyTable } from './key-table.js';
import { absorb, absorbOutcome, advance, advanceOutcome, type Context, contextOf, follow } from './learn.js';
import type { Scene } from './likelihood.js';
import { objectsTerm } from './objects.js';
import { INPUTS, inputsOf, meansOf, singleScore, usualIn, type Weights } from './odds.js';
import { operationTerm } from './operation.js';
import { Population } from './population.js';
import { sourceTerms } from './source.js';
import { Strangers } from './strangers.js';
import { type Symbols, withOutcome } from './symbols.js';
import { beyond, depart, NEW_NETWORK, rest, settleIn, trackOf, visitorsEvidence } from './visitor.js';
import { WEIGHTS } from './weights.js';

/** Added to the log-odds of an impostor: evidence begins where one call in some hundred is a thief's. */
const ODDS_SHIFT = 5;
/** Nats of other keys from which the tail of strangers is fitted. */
const STRANGERS_THRESHOLD = 3;
const PLAUSIBLE_AT_THRESHOLD = 3;
const PLAUSIBLE_SLOPE = 2;
const TERMS: readonly Term[] = [...new Set(FEATURES.map(({ term }) => term))];
/** Doubles from the start: an array that begins with whole numbers is laid out anew at the first fraction. */
const NO_FEATURES = [...new Float64Array(FEATURE_COUNT).fill(0.5)].fill(0);
const NO_STRANGERS = { nats: 0, keys: 0 };

/** One observation under judgement: what was made of it, and what it takes to learn it. */
export interface Judgement extends Assessment {
  readonly baseline: Baseline;
  readonly symbols: Symbols;
  readonly features: readonly number[];
  /** Moving averages that the call belongs to. */
  readonly track: number;
  readonly context: Context;
  /** Nats of the evidence that privileged operations new to the key brought. */
  readonly begun: number;
  /** Nats of the evidence that earlier calls of the same visitor left, beyond what this call brings. */
  readonly carried: number;
  /** Other keys that the same source is new to, in the last days, and what they weigh. */
  readonly strangers: { readonly nats: number; readonly keys: number };
}

/**
 * The streaming detector: constant memory per key, constant work per observation, deterministic. Order of use
 * for each observation: {@link assess}, decide, {@link settle}: by way of the learning guard, which says what is
 * learned, and when.
 */
export class Detector {
  readonly population = new Population();
  readonly baselines = new KeyTable();
  touched = 0;
  readonly #strangers = new Strangers();
  /** The key that an owner ({@link ownerOf}) began last: its baseline is what the next one of the same owner starts from. */
  readonly latestKeys = new Map<number, string>();
  readonly #single: Float64Array;
  readonly #singleBias: number;
  readonly #forest: Forest;
  readonly #privileged: number;
  readonly #beginnings: number;
  readonly #means = new Float64Array(FEATURE_COUNT);
  readonly #inputs = new Float64Array(INPUTS);

  constructor(weights: Weights = WEIGHTS) {
    this.#singleBias = weights.singleBias;
    this.#single = Float64Array.from([...weights.single, ...weights.singleMeans]);
    this.#forest = new Forest(weights.forest);
    this.#privileged = weights.privileged;
    this.#beginnings = weights.beginnings;
  }

  /** Scores the observation and moves the key's state of the moment. */
  assess(baseline: Baseline, symbols: Symbols): Judgement {
    this.touched += baseline.touch();
    const alone = this.judge(baseline, symbols);
    const network = (alone.features[AT.network] as number) - (this.#means[AT.network] as number);
    const newness = alone.state === 'ready' && symbols.prefix !== 0 ? network - NEW_NETWORK : 0;
    if (newness <= 0) return alone;
    const ownTool = symbols.client !== 0 && !beyond(alone.features, this.#means, AT.client);
    const { nats, keys } = this.#strangers.visit(
      symbols.prefix,
      hashText(baseline.key),
      symbols.tenant,
      symbols.timeMs,
      newness,
      ownTool,
    );
    if (keys === 0) return alone;
    const excess = nats - STRANGERS_THRESHOLD;
    const improbable = tailNats(this.population.strangersTail, excess);
    return {
      ...alone,
      evidence: Math.max(alone.evidence, Math.min(improbable, plausible(excess))),
      strangers: { nats, keys },
    };
  }

  /**
   * Ends the observation: remembers it as the last one and, where `learn`, teaches it. `calibrate`: how odd it was
   * is learned even so, since a key that is often odd must not raise an alarm each time.
   */
  settle(judgement: Judgement, learn = true, calibrate = true): void {
    const { baseline, strangers } = judgement;
    if (calibrate && judgement.state === 'ready')
      learnTail(this.population.strangersTail, strangers.nats - STRANGERS_THRESHOLD);
    if (learn) this.absorb(judgement);
    follow(baseline, judgement.symbols, judgement.track);
  }

  /** As {@link assess}, against any baseline: what the training of the fusion uses to try impostors. */
  judge(baseline: Baseline, symbols: Symbols): Judgement {
    const { clock } = baseline;
    const features = NO_FEATURES.slice();
    featuresOf({ symbols, baseline, population: this.population }, features);
    const means = meansOf(baseline, this.population, this.#means);
    if (baseline.total < WARM_UP / 2) settleIn(baseline, means, 0, 0);
    const score = singleScore(features, means, this.#single) + this.#singleBias;
    const track = trackOf(baseline, symbols, features, means, score);
    if (track === AWAY) depart(baseline, symbols, means);
    else rest(baseline, symbols, means);
    advance(baseline, symbols, features, track);

    const odds = this.#forest.sum(inputsOf(baseline, track, features, means, this.#inputs));
    const ready = (clock[Clock.seen] as number) >= WARM_UP;
    const begun = this.#beginnings * beginningsEvidence(baseline, symbols);
    const own = Math.max(0, odds + ODDS_SHIFT + begun + this.#stakes(symbols));
    const evidence = ready ? visitorsEvidence(baseline, symbols, track, own) : 0;
    return {
      state: ready ? 'ready' : 'warming',
      score,
      evidence,
      baseline,
      symbols,
      features,
      track,
      context: contextOf(baseline, symbols, track),
      begun: ready ? begun : 0,
      carried: ready ? evidence - own : 0,
      strangers: NO_STRANGERS,
    };
  }

  /** Nats that the call needs less than one of no privilege. */
  #stakes({ privilege }: Symbols): number {
    return privilege >= PRIVILEGED_FROM ? this.#privileged : 0;
  }

  /** Each term's part in the score: how far the observation is from the key's own mean. Before it is settled. */
  terms({ baseline, features, strangers }: Judgement): readonly TermScore[] {
    const means = meansOf(baseline, this.population, this.#means);
    const terms = new Map<Term, number>();
    for (let i = 0; i < FEATURE_COUNT; i++) {
      const beyond = (features[i] as number) - (means[i] as number);
      const { term } = FEATURES[i] as (typeof FEATURES)[number];
      terms.set(term, (terms.get(term) ?? 0) + (this.#single[i] as number) * beyond);
    }
    if (strangers.keys > 0) terms.set('strangers', strangers.nats);
    return against(terms);
  }

  /** Takes a baseline that was kept elsewhere. What the day has brought so far stays. */
  adopt(key: string, baseline: Baseline): void {
    const known = this.baselines.get(key);
    if (known !== undefined) {
      baseline.takeDaysOf(known);
      baseline.waits = known.waits;
    }
    this.baselines.set(key, baseline);
  }

  /**
   * The owner's word that what was odd is usual: lets the moving averages rest at the key's mean; those of the odd calls only
   * where all of them were the owner's.
   */
  calm(key: string, all: boolean): void {
    const baseline = this.baselines.get(key);
    if (baseline === undefined) return;
    const means = meansOf(baseline, this.population, this.#means);
    settleIn(baseline, means, HOME, 0);
    if (!all) return;
    baseline.numbers[BEGINNING.start] = 0;
    settleIn(baseline, means, AWAY, 0);
    baseline.numbers[AWAY_PEAK.start] = 0;
  }

  /** What came back, once it is known: of a live request that is after it was settled. */
  conclude(judgement: Judgement, outcome: Outcome, learn = true): void {
    const { baseline } = judgement;
    const symbols = withOutcome(judgement.symbols, outcome);
    const features = NO_FEATURES.slice();
    outcomeTerm({ symbols, baseline, population: this.population }, features);
    advanceOutcome(baseline, symbols, features, judgement.track);
    if (learn) absorbOutcome(baseline, this.population, symbols, features, judgement.track);
  }

  /** Teaches a call that was settled without being learned. */
  absorb({ baseline, symbols, features, context }: Judgement): void {
    absorb(baseline, this.population, symbols, features, context);
  }

  isWarming(key: string): boolean {
    return this.seen(key) < WARM_UP;
  }

  /** Keys that are not known well enough yet. */
  get warming(): number {
    let keys = 0;
    for (const { clock } of this.baselines.values()) if ((clock[Clock.seen] as number) < WARM_UP) keys += 1;
    return keys;
  }

  /** Evidence of calls that the key never made, one after the other; nothing of it stays. */
  rehearse(key: string, calls: readonly Symbols[]): number[] {
    const copy = this.baselineOf(key).clone();
    return calls.map((symbols) => {
      const judgement = this.judge(copy, symbols);
      follow(copy, symbols, judgement.track);
      return judgement.evidence;
    });
  }

  /** Calls of the key so far. */
  seen(key: string): number {
    return this.baselines.get(key)?.clock[Clock.seen] ?? 0;
  }

  /**
   * Each term's part in the evidence: of this call, or of the key's last calls where that is more; never none. For a key
   * that has been assessed and not settled yet.
   */
  lately(judgement: Judgement): readonly TermScore[] {
    const gathered = new Map(this.terms(judgement).map(({ term, nats }) => [term, nats]));
    const { baseline, track, features } = judgement;
    const means = meansOf(baseline, this.population, this.#means);
    const inputs = inputsOf(baseline, track, features, means, this.#inputs);
    const odds = this.#forest.sum(inputs);
    for (const term of TERMS) {
      const nats = odds - this.#forest.sum(usualIn(term, inputs));
      gathered.set(term, Math.max(nats, gathered.get(term) ?? 0));
    }
    gathered.set('privilege', this.#stakes(judgement.symbols));
    gathered.set('beginnings', judgement.begun);
    gathered.set('visitor', judgement.carried);
    const telling = against(gathered);
    return telling.length > 0 ? telling : [highest(gathered)];
  }

  /** The key's baseline; a new key of a known owner starts from a copy of that of the owner's last new one. */
  baselineOfActor(actor: Actor): Baseline {
    const { key } = actor;
    const known = this.baselines.get(key);
    if (known !== undefined) return known;
    const owner = ownerOf(actor);
    if (owner === undefined) return this.baselineOf(key);
    const latest = this.latestKeys.get(owner);
    this.latestKeys.set(owner, key);
    if (latest === undefined) return this.baselineOf(key);
    const heir = this.baselineOf(latest).clone();
    this.baselines.set(key, heir);
    return heir;
  }

  baselineOf(key: string): Baseline {
    const known = this.baselines.get(key);
    if (known !== undefined) return known;
    const fresh = new Baseline();
    this.baselines.set(key, fresh);
    return fresh;
  }
}

/** Whose key it is, as a hash: undefined where nobody is named. */
export function ownerOf({ tenant, principal }: Actor): number | undefined {
  if (principal === undefined) return undefined;
  return combine(hashText(principal), tenant === undefined ? 0 : hashText(tenant));
}

/**
 * The most evidence that log-odds of an impostor allow: that a clockwork key did something for the first time is
 * no proof that somebody else did it.
 */
function plausible(excess: number): number {
  return Math.max(0, PLAUSIBLE_AT_THRESHOLD + PLAUSIBLE_SLOPE * excess);
}

function featuresOf(scene: Scene, into: number[]): void {
  sourceTerms(scene, into);
  operationTerm(scene, into);
  objectsTerm(scene, into);
  timeTerm(scene, into);
  volumeTerm(scene, into);
  outcomeTerm(scene, into);
}

function highest(terms: Map<Term, number>): TermScore {
  let most: TermScore = { term: 'operation', nats: Number.NEGATIVE_INFINITY };
  for (const [term, nats] of terms) if (nats > most.nats) most = { term, nats };
  return most;
}

function against(terms: Map<Term, number>): TermScore[] {
  return [...terms]
    .filter(([, nats]) => nats > 0.5)
    .map(([term, nats]) => ({ term, nats }))
    .sort((a, b) => b.nats - a.nats);
}
