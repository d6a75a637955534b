import { AVERAGES, Baseline, Clock, MEMORIES, ODDITY, TAIL } from './baseline.js';
import { learnSharedTail, learnTail, tailNats } from './calibration.js';
import { clientTerm } from './client.js';
import {
  type Actor,
  type Assessment,
  AT,
  FEATURE_COUNT,
  FEATURES,
  type Outcome,
  type Sighting,
  type Term,
  type TermScore,
} from './contract.js';
import {
  FUSION_INPUTS,
  type FusionWeights,
  flatten,
  fuse,
  fusedPart,
  fusionInputs,
  meansOf,
  singleScore,
} from './fusion.js';
import { FUSION } from './fusion-weights.js';
import { outcomeTerm, timeTerm, volumeTerm } from './habits.js';
import { combine, hashText } from './hash.js';
import { absorb, absorbOutcome, advance, advanceOutcome, type Context, contextOf, follow } from './learn.js';
import type { Scene } from './likelihood.js';
import { networkTerm } from './network.js';
import { objectsTerm } from './objects.js';
import { operationTerm } from './operation.js';
import { Population } from './population.js';
import { Strangers } from './strangers.js';
import { type Symbols, symbolsOf, withOutcome } from './symbols.js';

/** Observations before a key's evidence means anything. */
export const WARM_UP = 20;
/** Log-odds of an impostor from which the tail of the fusion is fitted. */
const FUSION_THRESHOLD = -3;
/** Nats of a single score, and of gathered oddities, from which theirs are. */
const SCORE_THRESHOLD = 1;
const ODDITY_THRESHOLD = 1;
/** Oddities fade by half in this time, however busy the owner is meanwhile. */
const ODDITY_HALF_LIFE_MS = 6 * 3_600_000;
/** Nats of an observation that the owner's own noise explains. */
const ODDITY_DRIFT = 3;
/** Nats above its own mean from which a network is new to a key. */
const NEW_NETWORK = 1;
/** Nats of other keys from which the tail of strangers is fitted. */
const STRANGERS_THRESHOLD = 3;
const PLAUSIBLE_AT_THRESHOLD = 3;
const PLAUSIBLE_SLOPE = 2;
const IMPROBABLE_SHARE = 0.6;
const SCORE_SHARE = 0.4;
const FUSION_SHARE = 0.1;
const FUSION_MAX = 20;
/** What is left of the evidence for a call that is quite the key's own manner. */
const OWN_MANNER = 0.5;
const NO_TAIL = new Float64Array(3);
const NO_STRANGERS = { nats: 0, keys: 0 };
/** What gathered oddities weigh beside the fusion: the same calls feed both. */
const ODDITY_SHARE = 0.5;

/** One observation under judgement: what was made of it, and what it takes to learn it. */
export interface Judgement extends Assessment {
  readonly baseline: Baseline;
  readonly symbols: Symbols;
  readonly features: Float64Array;
  readonly context: Context;
  /** Raw statistics, each above the threshold of its tail. */
  readonly tails: {
    readonly score: number;
    readonly oddity: number;
    readonly fusion: number;
    readonly strangers: number;
  };
  /** Other keys that the same source is new to, in the last days. */
  readonly strangers: { readonly nats: number; readonly keys: number };
}

/**
 * The streaming detector: constant memory per key, constant work per observation, deterministic. Order of use
 * for each observation: {@link assess}, decide, {@link settle}.
 */
export class Detector {
  readonly population = new Population();
  readonly baselines = new Map<string, Baseline>();
  readonly #strangers = new Strangers();
  /** The key that a principal began last: its baseline is what the next one of the same owner starts from. */
  readonly #latestKey = new Map<number, string>();
  readonly #weights: FusionWeights;
  readonly #flat: Float64Array;
  readonly #single: Float64Array;
  readonly #means = new Float64Array(FEATURE_COUNT);

  constructor(weights: FusionWeights = FUSION) {
    this.#weights = weights;
    this.#flat = flatten(weights);
    this.#single = Float64Array.from(weights.single);
  }

  /** Scores the observation and moves the key's state of the moment. */
  assess({ actor, observation, outcome }: Sighting): Judgement {
    return this.assessSymbols(actor, symbolsOf(actor, observation, outcome));
  }

  /** The same where the observation is reduced already: a scan does that in another thread. */
  assessSymbols(actor: Actor, symbols: Symbols): Judgement {
    const baseline = this.#baselineOfActor(actor);
    const alone = this.judge(baseline, symbols);
    const network = (alone.features[AT.network] as number) - (this.#means[AT.network] as number);
    const newness = alone.state === 'ready' && symbols.prefix !== 0 ? network - NEW_NETWORK : 0;
    if (newness <= 0) return alone;
    const { nats, keys } = this.#strangers.visit(
      symbols.prefix,
      hashText(actor.key),
      symbols.tenant,
      symbols.timeMs,
      newness,
    );
    if (keys === 0) return alone;
    const strangers = nats - STRANGERS_THRESHOLD;
    return {
      ...alone,
      evidence: Math.max(
        alone.evidence,
        Math.min(tailNats(NO_TAIL, 0, this.population.tail, 9, strangers), plausible(strangers)),
      ),
      tails: { ...alone.tails, strangers },
      strangers: { nats, keys },
    };
  }

  /**
   * Ends the observation: remembers it as the last one and, where `learn`, teaches it. `calibrate`: how odd it was
   * is learned even so, since a key that is often odd must not raise an alarm each time.
   */
  settle(judgement: Judgement, learn = true, calibrate = true): void {
    const { baseline, tails } = judgement;
    const { tail } = this.population;
    if (calibrate && (baseline.clock[Clock.seen] as number) >= WARM_UP / 2) {
      learnTail(baseline.numbers, TAIL.start, tail, 0, tails.score);
      learnTail(baseline.numbers, TAIL.start + 3, tail, 3, tails.oddity);
      learnTail(baseline.numbers, TAIL.start + 6, tail, 6, tails.fusion);
      learnSharedTail(tail, 9, tails.strangers);
    }
    if (learn) this.absorb(judgement);
    follow(baseline, judgement.symbols);
  }

  /** As {@link assess}, against any baseline: what the training of the fusion uses to try impostors. */
  judge(baseline: Baseline, symbols: Symbols): Judgement {
    const { numbers, clock } = baseline;
    const { tail } = this.population;
    const features = new Float64Array(FEATURE_COUNT);
    featuresOf({ symbols, baseline, population: this.population }, features);
    const means = meansOf(baseline, this.population, this.#means);
    if (baseline.total < WARM_UP / 2) settleIn(baseline, means);
    advance(baseline, symbols, features);

    const score = singleScore(features, means, this.#single) + this.#weights.singleBias;
    const beyond = score - SCORE_THRESHOLD;
    const surprise = Math.min(tailNats(numbers, TAIL.start, tail, 0, beyond), plausible(beyond));
    const last = clock[Clock.last] as number;
    const fade = last === 0 ? 0 : 2 ** (-Math.max(0, symbols.timeMs - last) / ODDITY_HALF_LIFE_MS);
    const gathered = (numbers[ODDITY.start] as number) * fade + Math.max(0, surprise - ODDITY_DRIFT);
    numbers[ODDITY.start] = gathered;
    const oddity = gathered - ODDITY_THRESHOLD;
    const fusion = fuse(baseline, means, this.#flat, this.#weights.bias) - FUSION_THRESHOLD;
    const ready = (clock[Clock.seen] as number) >= WARM_UP;
    const improbable = Math.max(
      tailNats(numbers, TAIL.start + 3, tail, 3, oddity) * ODDITY_SHARE,
      Math.min(tailNats(numbers, TAIL.start + 6, tail, 6, fusion), plausible(fusion)),
    );
    const evidence = ready ? weigh(improbable, score, fusion) : 0;
    return {
      state: ready ? 'ready' : 'warming',
      score,
      evidence,
      baseline,
      symbols,
      features,
      context: contextOf(baseline, symbols.timeMs),
      tails: { score: beyond, oddity, fusion, strangers: -STRANGERS_THRESHOLD },
      strangers: NO_STRANGERS,
    };
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

  /** Takes a baseline that was kept elsewhere. */
  adopt(key: string, baseline: Baseline): void {
    this.baselines.set(key, baseline);
  }

  /** The owner's word that what was odd is usual: lets the moving averages rest at the key's mean. */
  calm(key: string): void {
    const baseline = this.baselineOf(key);
    settleIn(baseline, meansOf(baseline, this.population, this.#means));
    baseline.numbers[ODDITY.start] = 0;
  }

  /** What came back, once it is known: of a live request that is after it was settled. */
  conclude(judgement: Judgement, outcome: Outcome, learn = true): void {
    const { baseline } = judgement;
    const symbols = withOutcome(judgement.symbols, outcome);
    const features = new Float64Array(FEATURE_COUNT);
    outcomeTerm({ symbols, baseline, population: this.population }, features);
    advanceOutcome(baseline, features);
    if (learn) absorbOutcome(baseline, this.population, symbols, features);
  }

  /** Teaches a call that was settled without being learned. */
  absorb({ baseline, symbols, features, context }: Judgement): void {
    absorb(baseline, this.population, symbols, features, context);
  }

  isWarming(key: string): boolean {
    return this.seen(key) < WARM_UP;
  }

  /** Evidence of calls that the key never made, one after the other; nothing of it stays. */
  rehearse(key: string, calls: readonly Symbols[]): number[] {
    const copy = this.baselineOf(key).clone();
    return calls.map((symbols) => {
      const judgement = this.judge(copy, symbols);
      follow(copy, symbols);
      return judgement.evidence;
    });
  }

  /** Calls of the key so far. */
  seen(key: string): number {
    return this.baselineOf(key).clock[Clock.seen] as number;
  }

  /**
   * Each term's part in the evidence: of this call, or of the key's last calls where that is more. For a key
   * that has been assessed and not settled yet.
   */
  lately(judgement: Judgement): readonly TermScore[] {
    const { baseline } = judgement;
    const gathered = new Map(this.terms(judgement).map(({ term, nats }) => [term, nats]));
    const means = meansOf(baseline, this.population, this.#means);
    const inputs = fusionInputs(baseline, means, new Float64Array(FUSION_INPUTS));
    const recent = new Map<Term, number>();
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      const { term } = FEATURES[feature] as (typeof FEATURES)[number];
      recent.set(term, (recent.get(term) ?? 0) + fusedPart(inputs, feature, this.#weights));
    }
    for (const [term, nats] of recent) gathered.set(term, Math.max(nats, gathered.get(term) ?? 0));
    return against(gathered);
  }

  /** The key's baseline; a new key of a known owner starts from a copy of that of the owner's last new one. */
  #baselineOfActor({ key, tenant, principal }: Actor): Baseline {
    const known = this.baselines.get(key);
    if (known !== undefined) return known;
    if (principal === undefined) return this.baselineOf(key);
    const owner = combine(hashText(principal), tenant === undefined ? 0 : hashText(tenant));
    const latest = this.#latestKey.get(owner);
    this.#latestKey.set(owner, key);
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

/** Moving averages of a key that has just come start at its mean, not at nothing. */
function settleIn({ numbers }: Baseline, means: Float64Array): void {
  for (let memory = 0; memory < MEMORIES.length; memory++)
    numbers.set(means, AVERAGES.start + memory * FEATURE_COUNT);
}

/**
 * The most evidence that log-odds of an impostor allow: that a clockwork key did something for the first time is
 * no proof that somebody else did it.
 */
function plausible(excess: number): number {
  return Math.max(0, PLAUSIBLE_AT_THRESHOLD + PLAUSIBLE_SLOPE * excess);
}

/**
 * Evidence from three sides: how improbable the key's last calls are under its own past, how much this call looks
 * like somebody else's, and how much the last calls do. Each alone is fooled by other keys: the first by
 * clockwork, the others by chaos. A call in the key's own manner speaks for the owner, whatever went before: so
 * the owner's work goes on beside a thief.
 */
function weigh(improbable: number, score: number, fusion: number): number {
  const foreign =
    IMPROBABLE_SHARE * improbable +
    SCORE_SHARE * Math.max(0, score) +
    FUSION_SHARE * Math.max(0, Math.min(FUSION_MAX, fusion));
  return foreign * (OWN_MANNER + (1 - OWN_MANNER) / (1 + Math.exp(-1 - score)));
}

function featuresOf(scene: Scene, into: Float64Array): void {
  networkTerm(scene, into);
  clientTerm(scene, into);
  operationTerm(scene, into);
  objectsTerm(scene, into);
  timeTerm(scene, into);
  volumeTerm(scene, into);
  outcomeTerm(scene, into);
}

function against(terms: Map<Term, number>): TermScore[] {
  return [...terms]
    .filter(([, nats]) => nats > 0.5)
    .map(([term, nats]) => ({ term, nats }))
    .sort((a, b) => b.nats - a.nats);
}
