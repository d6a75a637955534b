import type { Changes, KeyStore, SealedCredential } from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import { type SealInput, WEBHOOK_SECRET, WEBHOOKS } from './inputs.js';
import { rewrap, seal, unseal } from './seal.js';
import { secretId } from './secrets.js';

interface Parts {
  readonly store: KeyStore;
  readonly acts: Acts;
  readonly changes: Changes;
  readonly masterKey: Buffer;
  /** The master key in use before, while not everything is wrapped under the new one. */
  readonly previousMasterKey: Buffer | undefined;
  readonly upstreams: () => readonly string[];
}

/** Header and value to set on a forwarded request. */
export interface Injected {
  readonly header: string;
  readonly value: string;
}

const OPENED_MAX = 1_024;

/** Upstream credentials that Keyward holds so that callers need not. */
export class SealedService {
  readonly #parts: Parts;
  readonly #opened = new Map<string, Injected>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  list(): SealedCredential[] {
    return this.#parts.store.sealedAll();
  }

  /** Seals a credential; under a name in use it takes the place of the one before, at once. */
  async set(actor: string, input: SealInput): Promise<SealedCredential> {
    const { acts, changes, store, masterKey, upstreams } = this.#parts;
    const { sealed, told } = await acts.run(async () => {
      if (input.upstream === WEBHOOKS) {
        if (!WEBHOOK_SECRET.test(input.secret))
          throw new ActFault('invalid', 'secret: must be whsec_ and 24 to 64 bytes in base64.');
      } else if (!upstreams().includes(input.upstream))
        throw new ActFault('invalid', `upstream: there is no upstream ${input.upstream}.`);
      const { secret, ...rest } = input;
      const sealed = seal(rest, secret, masterKey, acts.now());
      await acts.record(actor, 'sealed.set', input.name, { upstream: input.upstream, header: input.header });
      await store.write({ sealed: [sealed] });
      // No key changes, but every gateway must read the new secret from the store.
      return { sealed, told: changes.announce({}) };
    });
    await told;
    return sealed;
  }

  /** Refused while keys use it: their next request would fail. */
  remove(actor: string, name: string): Promise<void> {
    const { acts, store } = this.#parts;
    return acts.run(async () => {
      if (store.sealed(name) === undefined)
        throw new ActFault('not_found', `There is no sealed credential ${name}.`);
      const user = store.keys().find((key) => key.sealed === name && key.revoked === undefined);
      if (user !== undefined) throw new ActFault('conflict', `Key ${user.id} uses ${name}; revoke it first.`);
      const tenant = store
        .tenants()
        .find(({ contacts }) => contacts?.webhooks.some(({ secrets }) => secrets.includes(name)));
      if (tenant !== undefined)
        throw new ActFault(
          'conflict',
          `A webhook of tenant ${tenant.id} is signed with ${name}; change it first.`,
        );
      await acts.record(actor, 'sealed.remove', name);
      await store.write({ removeSealed: [name] });
    });
  }

  /**
   * Wraps every data key under the master key in use; all or none. The secrets themselves are not touched.
   * @returns how many were wrapped under another one
   */
  rewrap(actor: string): Promise<number> {
    const { acts, store, masterKey, previousMasterKey } = this.#parts;
    return acts.run(async () => {
      const current = secretId(masterKey);
      const stale = this.list().filter((sealed) => sealed.masterKeyId !== current);
      if (stale.length === 0) return 0;
      if (previousMasterKey === undefined) {
        throw new ActFault(
          'conflict',
          `${stale.length} are sealed under another master key; name it in secrets.previousMasterKey and restart.`,
        );
      }
      const wrapped = stale.map((sealed) => rewrap(sealed, previousMasterKey, masterKey));
      await acts.record(actor, 'sealed.rewrap', current, { count: wrapped.length });
      await store.write({ sealed: wrapped });
      return wrapped.length;
    });
  }

  /**
   * Opens a credential once and remembers it by its ciphertext: a new seal is a new secret.
   * @throws SealFault when it cannot be opened, ActFault when it is not there
   */
  open(name: string, upstream: string): Injected {
    const sealed = this.#parts.store.sealed(name);
    if (sealed === undefined || sealed.upstream !== upstream)
      throw new ActFault('not_found', `There is no sealed credential ${name} for ${upstream}.`);
    const known = this.#opened.get(sealed.secret);
    if (known !== undefined) return known;
    const { masterKey, previousMasterKey } = this.#parts;
    const wrappedBefore =
      previousMasterKey !== undefined && sealed.masterKeyId === secretId(previousMasterKey);
    const secret = unseal(sealed, wrappedBefore ? previousMasterKey : masterKey);
    // A function, because a secret may contain what replace() takes for a pattern.
    const injected = { header: sealed.header, value: sealed.template.replace('{secret}', () => secret) };
    if (this.#opened.size >= OPENED_MAX) this.#opened.clear();
    this.#opened.set(sealed.secret, injected);
    return injected;
  }
}
