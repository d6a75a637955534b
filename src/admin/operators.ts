import type { KeyStore, Operator } from '../engine/ports.js';
import { ActFault, type Acts } from '../keys/acts.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { mintKey, newKeyId, OPERATOR_ENV, parseKey } from '../keys/format.js';

/** Who may use the admin API. Tokens are shown once and kept as keyed fingerprints, like keys. */
export class Operators {
  readonly #store: KeyStore;
  readonly #acts: Acts;
  readonly #fingerprints: Fingerprints;

  constructor(parts: { store: KeyStore; acts: Acts; fingerprints: Fingerprints }) {
    this.#store = parts.store;
    this.#acts = parts.acts;
    this.#fingerprints = parts.fingerprints;
  }

  /** The token of the first operator, when there is none yet. */
  async bootstrap(): Promise<string | undefined> {
    if (this.list().length > 0) return undefined;
    return (await this.add('keyward', 'bootstrap', 'admin')).token;
  }

  authenticate(token: string): Operator | undefined {
    if (parseKey(token)?.env !== OPERATOR_ENV) return undefined;
    const fingerprint = this.#fingerprints.issued(token);
    return this.list().find((each) => each.fingerprint === fingerprint && each.revokedMs === undefined);
  }

  list(): Operator[] {
    return this.#store.operators();
  }

  /** A name is never used again, so that the journal's acts stay with their author. */
  add(actor: string, name: string, role: Operator['role']): Promise<{ operator: Operator; token: string }> {
    return this.#acts.run(async () => {
      if (this.list().some((each) => each.name === name))
        throw new ActFault('conflict', `There is or was an operator ${name}; choose another name.`);
      const id = newKeyId();
      const token = mintKey(OPERATOR_ENV, id);
      const operator: Operator = {
        id,
        name,
        role,
        fingerprint: this.#fingerprints.issued(token),
        createdMs: this.#acts.now(),
      };
      await this.#acts.record(actor, 'operator.add', id, { name, role });
      await this.#store.write({ operators: [operator] });
      return { operator, token };
    });
  }

  /** The last admin cannot be revoked: nobody could add another. */
  revoke(actor: string, id: string): Promise<Operator> {
    return this.#acts.run(async () => {
      const operator = this.list().find((each) => each.id === id || each.name === id);
      if (operator === undefined) throw new ActFault('not_found', `There is no operator ${id}.`);
      if (operator.revokedMs !== undefined) return operator;
      const otherAdmin = this.list().some(
        (each) => each.id !== operator.id && each.role === 'admin' && each.revokedMs === undefined,
      );
      if (operator.role === 'admin' && !otherAdmin)
        throw new ActFault('conflict', `${operator.name} is the last admin; add another first.`);
      const revoked = { ...operator, revokedMs: this.#acts.now() };
      await this.#acts.record(actor, 'operator.revoke', operator.id, { name: operator.name });
      await this.#store.write({ operators: [revoked] });
      return revoked;
    });
  }
}
