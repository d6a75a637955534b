import { type KeyRecord, type TimeWindow, UNNAMED_PRINCIPAL } from '../core/key.js';
import type { Observation } from '../core/observation.js';
import { type Action, isHeld, type ResponsePlan, respond } from '../core/response.js';
import { checkWindows } from '../core/scope.js';
import { ALLOW, deny, type Verdict } from '../core/verdict.js';
import { Baseline, Clock } from '../detectors/baseline.js';
import { AlarmBudget } from '../detectors/budget.js';
import type { Actor, Outcome, Sighting } from '../detectors/contract.js';
import { Detector, type Judgement, ownerOf } from '../detectors/detector.js';
import { explanations } from '../detectors/explain.js';
import { type Decided, type Learning, LearningGuard } from '../detectors/learning-guard.js';
import { rarityOf } from '../detectors/rarity.js';
import type { Finding } from '../journal/entry.js';
import type { BaselineStore, Learned } from './ports.js';

/** How the operator wants the detector to act. */
export interface BehaviourPolicy {
  /** `learn` scores nothing aloud, `observe` flags and never blocks, `enforce` acts by the plan. */
  readonly mode: 'off' | 'learn' | 'observe' | 'enforce';
  readonly plan: ResponsePlan;
  /** Windows in which `enforce` only observes. */
  readonly maintenance: readonly TimeWindow[];
  /** What becomes of a call that the detector failed on. */
  readonly onError: 'open' | 'closed';
  /** Answer to a held call: 403, 401, or 202 with a place to ask again. */
  readonly holdStatus: 202 | 401 | 403;
}

/** What the detector makes of a live request. */
export interface Judged {
  readonly verdict: Verdict;
  readonly finding: Finding | undefined;
  readonly judgement: Judgement | undefined;
  /** What becomes of the call in the key's baseline; undefined where it was not judged, or is held and not decided yet. */
  readonly learning: Learning | undefined;
}

const HELD = 'This call is unlike what this key has done before and waits for an approval.';
const REFUSED = 'This call is unlike what this key has done before.';
const UNCHECKED = 'The behaviour of the key cannot be checked at the moment.';
/** Baselines written at once, at most. */
const FLUSH_MAX = 10_000;
const POPULATION_EVERY_MS = 30_000;

/** The detector in the path of live requests: load, score, decide, learn, keep. */
export class Behaviour {
  readonly budget: AlarmBudget;
  readonly #detector = new Detector();
  readonly #learning = new LearningGuard(this.#detector, true);
  readonly #store: BaselineStore;
  readonly #failed: (error: unknown) => void;
  /** The hold that each call waits in, for as long as it waits. */
  readonly #holdOf = new WeakMap<Judgement, string>();
  readonly #dirty = new Set<string>();
  /** Owners' latest keys that are not written yet. */
  readonly #begun = new Map<number, string>();
  /** Number of the last reset that is in the baselines in memory, and those that are not written yet. */
  #lastReset: number;
  readonly #resets = new Map<number, string>();
  #populationMs = 0;
  #populationDirty = false;

  constructor(parts: {
    store: BaselineStore;
    alarmsPerKeyDay: number;
    /** Told of every error of the detector. */
    failed: (error: unknown) => void;
  }) {
    this.#store = parts.store;
    this.#failed = parts.failed;
    this.budget = new AlarmBudget(parts.alarmsPerKeyDay);
    this.#restore('What is known of everybody', () => {
      const kept = parts.store.population();
      if (kept !== undefined) this.#detector.population.restore(kept);
    });
    this.#restore('The alarm budget', () => {
      const kept = parts.store.alarmBudget();
      if (kept !== undefined) this.budget.restore(kept);
    });
    this.#lastReset = parts.store.lastReset();
    this.followResets();
  }

  /** What is damaged, or of another version, begins anew: the operator is told. */
  #restore(what: string, restore: () => void): void {
    try {
      restore();
    } catch (error) {
      this.#failed(new Error(`${what} cannot be used from the store, so it is learned anew: ${error}`));
    }
  }

  /** Judges a call that every other check has let pass, and learns it unless it is odd. One that it holds is yet to be settled. */
  judge(key: KeyRecord, observation: Observation, policy: BehaviourPolicy): Judged {
    if (policy.mode === 'off') return UNJUDGED;
    try {
      return this.#judge(key, observation, policy);
    } catch (error) {
      this.#failed(error);
      if (policy.onError === 'open' || !enforces(policy, observation.timeMs)) return UNJUDGED;
      return { ...UNJUDGED, verdict: deny('detector_unavailable', UNCHECKED) };
    }
  }

  /** A held call is decided: `alarm` waits for the operator's word, of `refused` nothing is kept. */
  settle(key: string, judged: Judged, decided: Exclude<Decided, 'allowed'>, hold?: string): Judged {
    if (judged.judgement === undefined) return judged;
    try {
      if (hold !== undefined) this.#holdOf.set(judged.judgement, hold);
      const learning = this.#learning.settle(judged.judgement, decided);
      this.#touch(key);
      return { ...judged, learning };
    } catch (error) {
      this.#failed(error);
      return judged;
    }
  }

  /** The call ended: what came back is learned, too. */
  completed(key: string, judged: Judged, outcome: Outcome): void {
    if (judged.judgement === undefined) return;
    try {
      this.#detector.conclude(judged.judgement, outcome, judged.learning?.policy === 'learn');
      this.#dirty.add(key);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The owner's word, of all that waits in quarantine or of what came from one `source`: it is learned, and the key is calm again. */
  release(key: string, source?: number): number {
    this.#load(key);
    const released = this.#learning.release(key, source);
    const baseline = this.#detector.baselines.get(key);
    for (const { alarm, judgement } of released)
      if (alarm && baseline !== undefined) this.budget.falseAlarm(baseline, judgement.symbols.timeMs);
    if (baseline !== undefined) this.#touch(key);
    return released.length;
  }

  /** Of what was asked under this hold nothing is learned, and nobody is asked about it again. */
  forget(key: string, hold: string): void {
    this.#learning.forget(key, (judgement) => this.#holdOf.get(judgement) === hold);
  }

  /** What waits in quarantine was not the owner's: it is forgotten. */
  discard(key: string): number {
    return this.#learning.discard(key);
  }

  /** Forgets everything that was learned of the key: it warms up anew. Its days and alarms stay counted. */
  reset(key: string): void {
    this.#lastReset += 1;
    this.#resets.set(this.#lastReset, key);
    this.#renew(key);
  }

  /** Forgets what operators had forgotten at the control process: now, or while this gateway was not there. */
  followResets(): void {
    for (const [n, key] of this.#store.resets(this.#lastReset)) {
      this.#lastReset = n;
      this.#resets.set(n, key);
      // What it has not learned itself it has from the control process, where it is forgotten.
      if (this.#detector.baselines.get(key) !== undefined || this.#store.owns(key)) this.#renew(key);
    }
  }

  #renew(key: string): void {
    this.#load(key);
    this.#learning.discard(key);
    this.#detector.adopt(key, new Baseline());
    this.#touch(key);
  }

  /** What is known of one key, in numbers. To look begins nothing: a key without a past may inherit one at its first call. */
  standing(key: string) {
    this.#load(key);
    const clock = this.#detector.baselines.get(key)?.clock;
    const keyDays = clock?.[Clock.keyDays] ?? 0;
    return {
      begun: clock !== undefined,
      calls: this.#detector.seen(key),
      warming: this.#detector.isWarming(key),
      quarantined: this.#learning.quarantined(key),
      keyDays,
      alarmsAllowed: keyDays * this.budget.alarmsPerKeyDay,
      alarmDays: clock?.[Clock.alarmDays] ?? 0,
    };
  }

  /** Writes what changed of one key, before somebody is told that it has. */
  async keep(key: string): Promise<void> {
    if (!this.#dirty.delete(key)) return;
    await this.#write({
      baselines: new Map([[key, this.#detector.baselineOf(key).pack()]]),
      budget: this.budget.snapshot(),
    });
  }

  /** Writes what changed; a crash loses what came after the last flush. */
  async flush(nowMs: number, final = false): Promise<void> {
    const baselines = new Map<string, Uint8Array>();
    for (const key of this.#dirty) {
      if (!final && baselines.size >= FLUSH_MAX) break;
      this.#dirty.delete(key);
      baselines.set(key, this.#detector.baselineOf(key).pack());
    }
    const withPopulation =
      this.#populationDirty && (final || nowMs - this.#populationMs >= POPULATION_EVERY_MS);
    if (withPopulation) {
      this.#populationMs = nowMs;
      this.#populationDirty = false;
    }
    if (baselines.size === 0 && !withPopulation) return;
    const latestKeys = new Map(this.#begun);
    this.#begun.clear();
    await this.#write({
      ...{ baselines, latestKeys, budget: this.budget.snapshot() },
      ...(withPopulation ? { population: this.#detector.population.snapshot() } : {}),
    });
  }

  /** What could not be written is written with the next that changes. */
  async #write({ baselines, ...rest }: Learned): Promise<void> {
    const resets = new Map(this.#resets);
    this.#resets.clear();
    // Both or none: after a crash no baseline from before a reset may pass for one from after it.
    const renewed = [...resets.values()].filter((key) => this.#dirty.delete(key));
    const packed = renewed.map((key) => [key, this.#detector.baselineOf(key).pack()] as const);
    const learned = { ...rest, baselines: new Map([...baselines, ...packed]), resets };
    try {
      await this.#store.writeLearned(learned);
    } catch (error) {
      for (const [n, key] of resets) this.#resets.set(n, key);
      for (const key of learned.baselines.keys()) this.#dirty.add(key);
      for (const [owner, key] of learned.latestKeys ?? [])
        if (!this.#begun.has(owner)) this.#begun.set(owner, key);
      if (learned.population !== undefined) this.#populationDirty = true;
      throw error;
    }
  }

  #judge(key: KeyRecord, observation: Observation, policy: BehaviourPolicy): Judged {
    const actor: Actor = {
      key: key.id,
      ...(key.tenant === '' ? {} : { tenant: key.tenant }),
      ...(key.principal === UNNAMED_PRINCIPAL ? {} : { principal: key.principal }),
    };
    if (this.#detector.baselines.get(key.id) === undefined) this.#begin(actor, key.replaces);
    const sighting: Sighting = { actor, observation };
    const judgement = this.#learning.assess(sighting);
    const { threshold } = this.budget;
    const { evidence } = judgement;
    if (!Number.isFinite(evidence)) throw new RangeError(`The evidence against key ${key.id} is no number.`);
    const action = actionOf(evidence, threshold, observation, policy);
    const odd = evidence >= threshold && policy.mode !== 'learn';
    const finding = odd
      ? {
          ...{ evidence, threshold, reasons: explanations(this.#detector, sighting, judgement, true) },
          rarity: rarityOf(judgement.symbols, this.#detector.population),
        }
      : undefined;
    const decided = action === 'deny' ? 'refused' : odd ? 'alarm' : 'allowed';
    const learning = isHeld(action) ? undefined : this.#learning.settle(judgement, decided);
    this.budget.note(judgement.baseline, observation.timeMs, evidence, policy.mode === 'learn');
    this.#touch(key.id);
    return { verdict: verdictOf(action, policy), finding, judgement, learning };
  }

  /** The first call of a key since the start. */
  #begin(actor: Actor, replaces: string | undefined): void {
    this.#load(actor.key, replaces);
    const owner = ownerOf(actor);
    if (owner === undefined || this.#detector.baselines.get(actor.key) !== undefined) return;
    // A new key of a known owner: the detector starts it from the owner's last one, which may not be in memory.
    const latest = this.#detector.latestKeys.get(owner) ?? this.#store.latestKey(owner);
    if (latest !== undefined) {
      this.#load(latest);
      this.#detector.latestKeys.set(owner, latest);
    }
    this.#begun.set(owner, actor.key);
  }

  /** A key that was not seen since the start: its own baseline, or that of the key it replaces. */
  #load(key: string, replaces?: string): void {
    if (this.#detector.baselines.get(key) !== undefined) return;
    const own = this.#kept(key);
    const inherited = own ?? (replaces === undefined ? undefined : this.#predecessors(replaces));
    if (inherited !== undefined) this.#detector.adopt(key, inherited);
  }

  #predecessors(key: string): Baseline | undefined {
    return (this.#detector.baselines.get(key) ?? this.#kept(key))?.clone();
  }

  /** As it lies in the store. */
  #kept(key: string): Baseline | undefined {
    const bytes = this.#store.baseline(key);
    try {
      return bytes && Baseline.unpack(bytes);
    } catch (error) {
      // Damaged, or of another version: the operator is told.
      this.#failed(new Error(`The baseline of key ${key} cannot be used, so it warms up again: ${error}`));
      return undefined;
    }
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    this.#populationDirty = true;
  }
}

const UNJUDGED: Judged = { verdict: ALLOW, finding: undefined, judgement: undefined, learning: undefined };

function actionOf(
  evidence: number,
  threshold: number,
  observation: Observation,
  policy: BehaviourPolicy,
): Action {
  if (policy.mode === 'learn') return 'allow';
  const action = respond(evidence, threshold, observation.operation.privilege, policy.plan);
  if (action === 'allow' || action === 'flag') return action;
  return enforces(policy, observation.timeMs) ? action : 'flag';
}

function enforces({ mode, maintenance }: BehaviourPolicy, timeMs: number): boolean {
  const inMaintenance = maintenance.length > 0 && checkWindows(maintenance, timeMs) === undefined;
  return mode === 'enforce' && !inMaintenance;
}

export function verdictOf(action: Action, { holdStatus }: BehaviourPolicy): Verdict {
  switch (action) {
    case 'allow':
      return ALLOW;
    case 'flag':
      return { decision: 'flag', reason: { code: 'behaviour_flagged', text: REFUSED } };
    case 'hold':
    case 'freeze':
      return { decision: 'hold', status: holdStatus, reason: { code: 'behaviour_held', text: HELD } };
    case 'deny':
      return deny('behaviour_denied', REFUSED);
  }
}
