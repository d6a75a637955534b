import type { BudgetStanding } from '../detectors/budget.js';
import type { Behaviour } from './behaviour.js';
import type { Hold, HoldFilter, Holds } from './holds.js';

/** A hold as operators see it. */
export interface HoldFacts extends Omit<Hold, 'requestHash' | 'source' | 'finding'> {
  readonly finding?: Hold['finding'];
  /** The process that holds it, where that is a further gateway. */
  readonly gateway?: string;
}

export interface HoldDecision {
  readonly state: 'approved' | 'denied';
  readonly by: string;
  /** "This was us": it is learned, and what else waits from the same network and client. */
  readonly learn: boolean;
}

/** What becomes of the calls that wait in quarantine. */
export type Settlement = 'release' | 'discard';
export type { BudgetStanding };
export type BaselineStanding = Omit<DeskStanding, 'begun'>;
/** Of one process. `begun`: it knows the key, though it may have forgotten all that it did. */
export type DeskStanding = ReturnType<Behaviour['standing']>;

/** What one process holds and has learned, for an operator to have his say. */
export interface Desk {
  /** Newest first. */
  list(filter: HoldFilter): Promise<readonly HoldFacts[]>;
  find(id: string): Promise<HoldFacts | undefined>;
  /** @returns the hold as it is now, and whether this decided it; undefined where there is none */
  decide(id: string, decision: HoldDecision): Promise<{ hold: HoldFacts; decided: boolean } | undefined>;
  /** @returns calls that were learned or forgotten */
  settle(key: string, how: Settlement): Promise<number>;
  standing(key: string): Promise<DeskStanding>;
  budget(): Promise<BudgetStanding>;
}

/** The desk of this process. */
export class OwnDesk implements Desk {
  readonly #behaviour: Behaviour;
  readonly #holds: Holds;
  readonly #now: () => number;

  constructor(behaviour: Behaviour, holds: Holds, now: () => number) {
    this.#behaviour = behaviour;
    this.#holds = holds;
    this.#now = now;
  }

  async list(filter: HoldFilter): Promise<HoldFacts[]> {
    return this.#holds.list(this.#now(), filter).map(factsOf);
  }

  async find(id: string): Promise<HoldFacts | undefined> {
    const hold = this.#holds.get(id, this.#now());
    return hold && factsOf(hold);
  }

  async decide(
    id: string,
    { state, by, learn }: HoldDecision,
  ): Promise<{ hold: HoldFacts; decided: boolean } | undefined> {
    const hold = this.#holds.get(id, this.#now());
    if (hold === undefined) return undefined;
    if (hold.state !== 'pending') return { hold: factsOf(hold), decided: false };
    this.#holds.decide(hold, state, by, this.#now());
    if (state === 'denied') this.#behaviour.discard(hold.key);
    else if (learn) this.#behaviour.release(hold.key, hold.source);
    else this.#behaviour.forget(hold.key, hold.id);
    return { hold: factsOf(hold), decided: true };
  }

  async settle(key: string, how: Settlement): Promise<number> {
    const calls = how === 'release' ? this.#behaviour.release(key) : this.#behaviour.discard(key);
    await this.#behaviour.keep(key);
    return calls;
  }

  /** On disk, with the number by which gateways know that they have to follow. */
  async reset(key: string): Promise<void> {
    this.#behaviour.reset(key);
    await this.#behaviour.keep(key);
  }

  async standing(key: string): Promise<DeskStanding> {
    return this.#behaviour.standing(key);
  }

  async budget(): Promise<BudgetStanding> {
    return this.#behaviour.budget.standing;
  }
}

function factsOf({ requestHash: _, source: __, ...facts }: Hold): HoldFacts {
  return facts;
}
