import type { Acts } from '../keys/acts.js';
import { ActFault } from '../keys/acts.js';
import type { Behaviour } from './behaviour.js';
import type { Hold, HoldState, Holds } from './holds.js';
import type { KeyStore } from './ports.js';

/** What an operator says of a key's behaviour; each word is in the journal before it takes effect. */
export class Approvals {
  readonly #acts: Acts;
  readonly #behaviour: Behaviour;
  readonly #holds: Holds;
  readonly #store: KeyStore;

  constructor(parts: { acts: Acts; behaviour: Behaviour; holds: Holds; store: KeyStore }) {
    this.#acts = parts.acts;
    this.#behaviour = parts.behaviour;
    this.#holds = parts.holds;
    this.#store = parts.store;
  }

  list(state?: HoldState): Hold[] {
    return this.#holds.list(this.#acts.now(), state);
  }

  show(id: string): Hold {
    const hold = this.#holds.get(id);
    if (hold === undefined) throw new ActFault('not_found', `There is no hold ${id}.`);
    return hold;
  }

  /** Lets the held request through once. With `learn`, what waits in quarantine is learned, too: "this was us". */
  approve(actor: string, id: string, learn: boolean): Promise<Hold> {
    return this.#acts.run(async () => {
      const hold = this.#pending(id);
      await this.#acts.record(actor, learn ? 'hold.ours' : 'hold.approve', id, { key: hold.key });
      this.#holds.decide(hold, 'approved', actor, this.#acts.now());
      if (learn) this.#behaviour.release(hold.key);
      return hold;
    });
  }

  /** The request stays refused, and what the key did while it was odd is not learned. */
  deny(actor: string, id: string): Promise<Hold> {
    return this.#acts.run(async () => {
      const hold = this.#pending(id);
      await this.#acts.record(actor, 'hold.deny', id, { key: hold.key });
      this.#holds.decide(hold, 'denied', actor, this.#acts.now());
      this.#behaviour.discard(hold.key);
      return hold;
    });
  }

  standing(key: string): ReturnType<Behaviour['standing']> {
    this.#known(key);
    return this.#behaviour.standing(key);
  }

  get budget(): Behaviour['budgetStanding'] {
    return this.#behaviour.budgetStanding;
  }

  /** Learns (`release`) or forgets (`discard`) what waits in quarantine, or forgets all (`reset`). */
  settle(actor: string, key: string, how: 'release' | 'discard' | 'reset'): Promise<{ calls: number }> {
    return this.#acts.run(async () => {
      this.#known(key);
      await this.#acts.record(actor, `baseline.${how}`, key);
      if (how === 'release') return { calls: this.#behaviour.release(key) };
      if (how === 'discard') return { calls: this.#behaviour.discard(key) };
      this.#behaviour.reset(key);
      return { calls: 0 };
    });
  }

  #known(key: string): void {
    if (this.#store.key(key) === undefined) throw new ActFault('not_found', `There is no key ${key}.`);
  }

  #pending(id: string): Hold {
    const hold = this.show(id);
    if (hold.state !== 'pending') throw new ActFault('conflict', `The hold ${id} is ${hold.state} already.`);
    return hold;
  }
}
