import { type Baseline, Clock } from './baseline.js';
import type { Actor, Sighting } from './contract.js';
import type { Detector, Judgement } from './detector.js';
import { type Symbols, symbolsOf } from './symbols.js';

/** Evidence from which a call waits before it is learned. */
const CAUTION = 1.8;
/**
 * How long it waits: until the key has gone on for so long, or for so many calls, without an alarm; the odder the call,
 * the longer.
 */
const PROBATION_MS = 24 * 3_600_000;
const PROBATION_CALLS = 10;
/** Nats of evidence that double the wait. */
const DOUBLES_WAIT = 4;
/** Calls that wait, of one key and in all keys; beyond, the oldest leave. */
const CALLS_PER_KEY_MAX = 128;
const KEYS_MAX = 65_536;

/** What became of a call: `usual` and, after a wait, `odd` ones are learned; `alarm` waits for the operator's word. */
export type Learning =
  | { readonly policy: 'learn'; readonly reason: 'usual' }
  | { readonly policy: 'quarantine'; readonly reason: 'odd' | 'alarm' }
  | { readonly policy: 'discard'; readonly reason: 'refused' };

/** How the call was decided: allowed, past the threshold, or refused for good. */
export type Decided = 'allowed' | 'alarm' | 'refused';

const USUAL: Learning = { policy: 'learn', reason: 'usual' };
const ODD: Learning = { policy: 'quarantine', reason: 'odd' };
const ALARM: Learning = { policy: 'quarantine', reason: 'alarm' };
const REFUSED: Learning = { policy: 'discard', reason: 'refused' };

export interface Waiting {
  readonly judgement: Judgement;
  /** Calls of the key when it was judged. */
  readonly at: number;
  /** By how much the wait is longer than that of the least odd: a share. */
  readonly trust: number;
  /** Nobody but the operator releases it. */
  readonly alarm: boolean;
}

/**
 * Learning in proportion to trust. What is as usual is learned at once. What is a little odd waits: should it
 * grow into an alarm, the thief has taught the baseline nothing meanwhile. What was an alarm waits in quarantine
 * for the operator's word, or, where there is nobody to ask, as long as the rest.
 */
export class LearningGuard {
  readonly #detector: Detector;
  readonly #askOperator: boolean;
  readonly #waiting = new Map<string, Waiting[]>();

  /** @param askOperator whether alarms wait for {@link release} or {@link discard} */
  constructor(detector: Detector, askOperator: boolean) {
    this.#detector = detector;
    this.#askOperator = askOperator;
  }

  /** Learns what has waited long enough, and then judges. */
  assess({ actor, observation, outcome }: Sighting): Judgement {
    return this.assessSymbols(actor, symbolsOf(actor, observation, outcome));
  }

  /** The same where the observation is reduced already: a scan does that in another thread. */
  assessSymbols(actor: Actor, symbols: Symbols): Judgement {
    const baseline = this.#detector.baselineOfActor(actor);
    if (baseline.waits) this.#admit(baseline, symbols.timeMs);
    return this.#detector.assess(baseline, symbols);
  }

  #admit(baseline: Baseline, timeMs: number): void {
    const { key } = baseline;
    const waiting = this.#waiting.get(key) ?? [];
    const calls = baseline.clock[Clock.seen] as number;
    let taken = 0;
    for (const { judgement, at, trust, alarm } of waiting) {
      if (this.#isForOperator(alarm)) break;
      const waitedMs = (timeMs - judgement.symbols.timeMs) * trust;
      if (waitedMs <= PROBATION_MS && (calls - at) * trust <= PROBATION_CALLS) break;
      this.#detector.absorb(judgement);
      taken += 1;
    }
    const next = waiting[taken];
    baseline.waits = next !== undefined && !this.#isForOperator(next.alarm);
    this.#drop(key, waiting, taken);
  }

  /** Ends a call: learns it now, later or never. */
  settle(judgement: Judgement, decided: Decided): Learning {
    const learning = policyOf(judgement.evidence, decided);
    const alarm = decided !== 'allowed';
    // Who is held and tries again must not wear the calibration down.
    this.#detector.settle(judgement, learning === USUAL, !this.#isForOperator(alarm));
    if (learning.policy === 'quarantine') this.#wait(judgement, alarm);
    return learning;
  }

  #wait(judgement: Judgement, alarm: boolean): void {
    const { baseline } = judgement;
    const { key } = baseline;
    const at = baseline.clock[Clock.seen] as number;
    const waiting = this.#waiting.get(key) ?? [];
    if (waiting.length === 0) this.#makeRoom();
    const trust = 2 ** ((CAUTION - judgement.evidence) / DOUBLES_WAIT);
    waiting.push({ judgement, at, trust, alarm });
    baseline.waits = true;
    this.#waiting.set(key, waiting);
    if (waiting.length > CALLS_PER_KEY_MAX) this.#overflow(key, waiting);
  }

  /** Calls of the key that wait for the operator. */
  quarantined(key: string): number {
    return this.#waiting.get(key)?.filter(({ alarm }) => alarm).length ?? 0;
  }

  /**
   * It was the owner: what waits is learned, all of it or what came from one `source` (network and client), and the key is
   * calm again.
   * @returns these calls
   */
  release(key: string, source?: number): readonly Waiting[] {
    const waiting = this.#waiting.get(key) ?? [];
    const theirs = ({ judgement }: Waiting) => source === undefined || judgement.symbols.source === source;
    const released = waiting.filter(theirs);
    const left = waiting.filter((each) => !theirs(each));
    for (const { judgement } of released) this.#detector.absorb(judgement);
    this.#keep(key, left);
    this.#detector.calm(key, !left.some(({ alarm }) => alarm));
    return released;
  }

  /** The operator let these calls pass without a word of whose they are: they are neither learned nor wait any longer. */
  forget(key: string, which: (judgement: Judgement) => boolean): void {
    const left = (this.#waiting.get(key) ?? []).filter(({ judgement }) => !which(judgement));
    this.#keep(key, left);
  }

  #keep(key: string, left: Waiting[]): void {
    if (left.length > 0) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
    // What waited behind an alarm may be first now, and time alone may teach it.
    for (const { judgement } of left.slice(0, 1)) judgement.baseline.waits = true;
  }

  /** It was not: everything that waits is forgotten. */
  discard(key: string): number {
    const waiting = this.#waiting.get(key)?.length ?? 0;
    this.#waiting.delete(key);
    return waiting;
  }

  /** The oldest makes room: learned where nobody is asked, forgotten where the operator did not come. */
  #overflow(key: string, waiting: Waiting[]): void {
    const oldest = waiting[0] as Waiting;
    if (!this.#isForOperator(oldest.alarm)) this.#detector.absorb(oldest.judgement);
    this.#drop(key, waiting, 1);
  }

  /** Nothing but a person's word teaches it. */
  #isForOperator(alarm: boolean): boolean {
    return alarm && this.#askOperator;
  }

  #drop(key: string, waiting: Waiting[], count: number): void {
    if (count === waiting.length) this.#waiting.delete(key);
    else if (count > 0) waiting.splice(0, count);
  }

  /** The keys that have waited longest, many at once: one by one, the map would walk past all it has forgotten. */
  #makeRoom(): void {
    if (this.#waiting.size < KEYS_MAX) return;
    let left = KEYS_MAX / 8;
    for (const key of this.#waiting.keys()) {
      this.#waiting.delete(key);
      if (--left === 0) return;
    }
  }
}

function policyOf(evidence: number, decided: Decided): Learning {
  switch (decided) {
    case 'refused':
      return REFUSED;
    case 'alarm':
      return ALARM;
    case 'allowed':
      return evidence < CAUTION ? USUAL : ODD;
  }
}
