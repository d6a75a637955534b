import type { KeyRecord, KeyUsage } from '../core/key.js';
import type { Changes, Confirmation, Geo, KeyEvents, KeyStore, RevocationReceipt } from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import { changed } from './changed.js';
import type { KeyDirectory } from './directory.js';
import type { Fingerprints, ImportedHash } from './fingerprint.js';
import { mintKey, newKeyId } from './format.js';
import type { ChangeInput, ImportInput, IssueInput, RegisterInput } from './inputs.js';
import { changesOf } from './key-changes.js';
import { guardAgainstLockOut } from './lock-out.js';
import { keyPieces, PIECE } from './pieces.js';
import type { Revocations } from './revocation.js';
import { checkLocations } from './tenants.js';

interface Parts {
  readonly store: KeyStore;
  readonly directory: KeyDirectory;
  readonly acts: Acts;
  readonly changes: Changes;
  readonly revocations: Revocations;
  readonly fingerprints: Fingerprints;
  readonly geo: Geo;
  readonly events: KeyEvents;
  readonly upstreams: () => readonly string[];
}

export interface Issued {
  readonly key: KeyRecord;
  /** The only time it is shown. */
  readonly credential: string;
}

/** A key that is not issued yet. */
export interface Minted {
  readonly id: string;
  readonly credential: string;
}

const HEX_DIGITS: Record<ImportedHash, number> = { sha256: 64, sha512: 128 };

/** An act that is done, and the gateways that are being told of it. */
interface Done<T> {
  readonly result: T;
  readonly told: Promise<readonly Confirmation[]>;
}

/**
 * The life of keys: every change is in the journal, on disk, before it takes effect, and every gateway knows of it
 * (or has lost its lease) when the call returns.
 */
export class KeyService {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  issue(actor: string, input: IssueInput): Promise<Issued> {
    const { fingerprints } = this.#parts;
    return this.#act(async () => {
      const id = newKeyId();
      const credential = mintKey(input.env, id);
      const key = {
        ...this.#record(actor, input, id, 'issued', fingerprints.issued(credential)),
        env: input.env,
      };
      const { told } = await this.#save(actor, 'key.issue', key);
      return { result: { key, credential }, told };
    });
  }

  /** Takes over a key another system issued, known only by its hash: it goes on working. */
  import(actor: string, input: ImportInput): Promise<KeyRecord> {
    return this.#act(async () => {
      const digits = HEX_DIGITS[input.algorithm];
      if (input.hash.length !== digits) {
        throw new ActFault(
          'invalid',
          `hash: a ${input.algorithm} digest has ${digits} hex digits, this has ${input.hash.length}.`,
        );
      }
      const fingerprint = this.#parts.fingerprints.imported(input.algorithm, input.hash);
      return this.#admit(
        actor,
        'key.import',
        this.#record(actor, input, newKeyId(), 'imported', fingerprint),
      );
    });
  }

  /** Makes a key of the upstream's own known, so that it can be limited, suspended and revoked here. */
  register(actor: string, input: RegisterInput): Promise<KeyRecord> {
    return this.#act(async () => {
      const { upstream, credential, ...rest } = input;
      const fingerprint = this.#parts.fingerprints.foreign(upstream, credential);
      const key = this.#record(actor, { ...rest, upstreams: [upstream] }, newKeyId(), 'foreign', fingerprint);
      return this.#admit(actor, 'key.register', key);
    });
  }

  /** In the order of ids; reads in pieces, so that a page costs no more than what it skips. */
  list(options: { after?: string; limit?: number; where?: (key: KeyRecord) => boolean } = {}): KeyRecord[] {
    const { limit = Number.POSITIVE_INFINITY, where = () => true } = options;
    const found: KeyRecord[] = [];
    let { after } = options;
    for (;;) {
      const piece = this.#parts.store.keys({ after, limit: PIECE });
      for (const key of piece) {
        if (!where(key)) continue;
        found.push(key);
        if (found.length >= limit) return found;
      }
      if (piece.length < PIECE) return found;
      after = piece.at(-1)?.id;
    }
  }

  /** All keys, some at a time: for whatever would hold up requests. */
  pieces(): AsyncGenerator<KeyRecord[]> {
    return keyPieces(this.#parts.store);
  }

  /** @throws ActFault not_found */
  show(keyId: string): KeyRecord {
    const key = this.#parts.store.key(keyId);
    if (key === undefined) throw new ActFault('not_found', `There is no key ${keyId}.`);
    return key;
  }

  find(keyId: string): KeyRecord | undefined {
    return this.#parts.store.key(keyId);
  }

  usage(keyId: string): KeyUsage | undefined {
    return this.#parts.directory.usage(keyId);
  }

  /** @param force set location rules even if they refuse the place where the key was last used */
  change(actor: string, keyId: string, change: ChangeInput, force = false): Promise<KeyRecord> {
    return this.#act(async () => {
      const key = changed(this.#living(keyId), change);
      this.#checkReferences(key);
      checkLocations(change.limits?.locations);
      if (!force) {
        const { geo, acts } = this.#parts;
        guardAgainstLockOut(change.limits?.locations, key, this.usage(keyId), geo, acts.now());
      }
      return this.#save(actor, 'key.change', key, { change });
    });
  }

  suspend(actor: string, keyId: string, why: string): Promise<KeyRecord> {
    const { acts } = this.#parts;
    return this.#act(async () => {
      const key = { ...this.#living(keyId), suspended: { atMs: acts.now(), by: actor, why } };
      return this.#save(actor, 'key.suspend', key, { why }, true);
    });
  }

  resume(actor: string, keyId: string): Promise<KeyRecord> {
    return this.#act(async () => {
      const { suspended, ...key } = this.#living(keyId);
      if (suspended === undefined) throw new ActFault('conflict', `Key ${keyId} is not suspended.`);
      return this.#save(actor, 'key.resume', key);
    });
  }

  /** Cuts the key back to `limits`, on top of its own. Freezing again replaces the earlier freeze. */
  freeze(
    actor: string,
    keyId: string,
    limits: NonNullable<KeyRecord['frozen']>['limits'],
    why: string,
  ): Promise<KeyRecord> {
    const { acts } = this.#parts;
    return this.#act(() => {
      checkLocations(limits.locations);
      const key = { ...this.#living(keyId), frozen: { atMs: acts.now(), by: actor, why, limits } };
      return this.#save(actor, 'key.freeze', key, { why, limits });
    });
  }

  thaw(actor: string, keyId: string): Promise<KeyRecord> {
    return this.#act(() => {
      const { frozen, ...key } = this.#living(keyId);
      if (frozen === undefined) throw new ActFault('conflict', `Key ${keyId} is not frozen.`);
      return this.#save(actor, 'key.thaw', key);
    });
  }

  /** Leaves a tombstone. Revoking again changes nothing, is no error, and gives the first receipt again. */
  async revoke(
    actor: string,
    keyId: string,
    why: string,
  ): Promise<{ key: KeyRecord; receipt: RevocationReceipt }> {
    const [receipt] = await this.revokeMany(actor, [keyId], why);
    return { key: this.show(keyId), receipt: receipt as RevocationReceipt };
  }

  /** All or none. @returns the receipts that cover the keys */
  revokeMany(actor: string, keyIds: readonly string[], why: string): Promise<RevocationReceipt[]> {
    return this.#parts.revocations.revoke(actor, keyIds, why);
  }

  /** Id and text of the key that a rotation is going to make: whoever must not lose it keeps it first. */
  mint(keyId: string): Minted {
    const id = newKeyId();
    return { id, credential: mintKey(this.show(keyId).env ?? 'live', id) };
  }

  /** Replaces an issued key by a new one with the same limits; the old one works for `overlapSeconds` more. */
  rotate(actor: string, keyId: string, overlapSeconds: number, minted?: Minted): Promise<Issued> {
    const { acts, fingerprints, store, changes, events } = this.#parts;
    return this.#act(async () => {
      const old = this.#living(keyId);
      if (old.kind !== 'issued')
        throw new ActFault(
          'conflict',
          `Key ${keyId} is ${old.kind}: only an issued key can be rotated here.`,
        );
      if (old.replaced !== undefined)
        throw new ActFault('conflict', `Key ${keyId} was already replaced by ${old.replaced.by}.`);
      const atMs = acts.now();
      const { id, credential } = minted ?? this.mint(keyId);
      const { suspended: _, frozen: __, ...lasting } = old;
      const key: KeyRecord = {
        ...lasting,
        id,
        fingerprint: fingerprints.issued(credential),
        createdMs: atMs,
        createdBy: actor,
        replaces: keyId,
      };
      const replaced = { by: id, atMs, overlapUntilMs: atMs + overlapSeconds * 1000 };
      await acts.record(actor, 'key.rotate', keyId, { by: id, overlapSeconds });
      const replacedKey = { ...old, replaced };
      const deliveries = events.deliveriesOf(changesOf(replacedKey, old));
      await store.write({ keys: [key, replacedKey], deliveries });
      events.wake();
      const told = changes.announce({ keys: [keyId, id], ends: overlapSeconds === 0 });
      return { result: { key, credential }, told };
    });
  }

  /** Takes a rotation back while both keys work: the successor is revoked, the old key stays. */
  unrotate(actor: string, keyId: string): Promise<KeyRecord> {
    const { acts, store, changes, events } = this.#parts;
    return this.#act(async () => {
      const { replaced, ...old } = this.#living(keyId);
      if (replaced === undefined) throw new ActFault('conflict', `Key ${keyId} was not replaced.`);
      if (acts.now() >= replaced.overlapUntilMs)
        throw new ActFault('conflict', `The overlap of key ${keyId} has ended; it stays replaced.`);
      const revoked = { atMs: acts.now(), by: actor, why: `rotation of ${keyId} was taken back` };
      await acts.record(actor, 'key.unrotate', keyId, { by: replaced.by });
      const successor = this.show(replaced.by);
      const gone = { ...successor, revoked };
      await store.write({ keys: [old, gone], deliveries: events.deliveriesOf(changesOf(gone, successor)) });
      events.wake();
      return { result: old, told: changes.announce({ keys: [keyId, replaced.by], ends: true }) };
    });
  }

  #record(
    actor: string,
    input: Omit<IssueInput, 'env'>,
    id: string,
    kind: KeyRecord['kind'],
    fingerprint: string,
  ): KeyRecord {
    checkLocations(input.limits.locations);
    const key: KeyRecord = {
      id,
      kind,
      name: input.name,
      tenant: input.tenant,
      principal: input.principal,
      upstreams: input.upstreams,
      fingerprint,
      createdMs: this.#parts.acts.now(),
      createdBy: actor,
      limits: input.limits,
      ...(input.issuedWith === undefined ? {} : { issuedWith: input.issuedWith }),
      ...(input.sealed === undefined ? {} : { sealed: input.sealed }),
      ...(input.expires === undefined ? {} : { expiresMs: Date.parse(input.expires) }),
      ...(input.idleSeconds === undefined ? {} : { idleMs: input.idleSeconds * 1000 }),
    };
    this.#checkReferences(key);
    return key;
  }

  #checkReferences(key: KeyRecord): void {
    if (key.issuedWith !== undefined && this.#parts.store.key(key.issuedWith) === undefined)
      throw new ActFault('invalid', `issuedWith: there is no key ${key.issuedWith}.`);
    const unknown = key.upstreams.filter((name) => !this.#parts.upstreams().includes(name));
    if (unknown.length > 0)
      throw new ActFault('invalid', `upstreams: there is no upstream ${unknown.join(', ')}.`);
    if (key.sealed === undefined) return;
    const sealed = this.#parts.store.sealed(key.sealed);
    if (sealed === undefined)
      throw new ActFault('invalid', `sealed: there is no sealed credential ${key.sealed}.`);
    if (key.upstreams.length !== 1 || key.upstreams[0] !== sealed.upstream) {
      throw new ActFault(
        'invalid',
        `sealed: ${key.sealed} is for ${sealed.upstream}; set upstreams to ${sealed.upstream} alone.`,
      );
    }
  }

  #living(keyId: string): KeyRecord {
    const key = this.show(keyId);
    if (key.revoked !== undefined)
      throw new ActFault('conflict', `Key ${keyId} is revoked; that cannot be undone.`);
    return key;
  }

  async #admit(actor: string, action: string, key: KeyRecord): Promise<Done<KeyRecord>> {
    const known = this.#parts.store.keyByFingerprint(key.fingerprint);
    if (known !== undefined) throw new ActFault('conflict', `This key is known already, as ${known.id}.`);
    return this.#save(actor, action, key);
  }

  async #save(
    actor: string,
    action: string,
    key: KeyRecord,
    detail: Record<string, unknown> = {},
    ends = false,
  ): Promise<Done<KeyRecord>> {
    const { acts, store, changes, events } = this.#parts;
    const before = store.key(key.id);
    await acts.record(actor, action, key.id, { name: key.name, tenant: key.tenant, ...detail });
    await store.write({ keys: [key], deliveries: events.deliveriesOf(changesOf(key, before)) });
    events.wake();
    return { result: key, told: changes.announce({ keys: [key.id], ends }) };
  }

  /** Acts come one after the other; waiting for the gateways holds up no other act. */
  async #act<T>(task: () => Promise<Done<T>>): Promise<T> {
    const { result, told } = await this.#parts.acts.run(task);
    await told;
    return result;
  }
}
