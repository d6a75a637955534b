import type { KeyRecord } from '../../core/key.js';
import type { Changes, KeyEvents, KeyStore, NoticeStore } from '../../engine/ports.js';
import type { Acts } from '../../keys/acts.js';
import { type Fingerprints, sameFingerprint } from '../../keys/fingerprint.js';
import { mintKey, newKeyId } from '../../keys/format.js';
import type { ResetCode } from '../records.js';
import { readCode } from './code.js';

interface Parts {
  readonly store: KeyStore;
  readonly notices: NoticeStore;
  readonly acts: Acts;
  /** Every gateway learns of the new key and of those that end before it is handed over. */
  readonly changes: Changes;
  readonly fingerprints: Fingerprints;
  readonly events: KeyEvents;
}

/** Resolves when every gateway knows. */
type Told = ReturnType<Changes['announce']>;

export type PickedUp =
  | { readonly kind: 'key'; readonly code: string; readonly credential: string; readonly key: KeyRecord }
  /** The code was right and was used. */
  | { readonly kind: 'used'; readonly atMs: number }
  /** Wrong, expired, withdrawn, locked or never given out: nobody learns which. */
  | { readonly kind: 'refused' };

/** Wrong second parts after which a code is dead: it is not guessed, so somebody plays with it. */
const WRONG_MAX = 10;
const REFUSED: PickedUp = { kind: 'refused' };

/**
 * Picks up replacement keys, one for each code. The key is made at the pick-up; the code is used once the answer
 * has left (`handedOver`). Whoever comes again before that gets another key, and the one before is revoked: of one
 * code there is never more than one key that works.
 */
export class PickUp {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async pickUp(typed: string): Promise<PickedUp> {
    const { acts, notices } = this.#parts;
    const read = readCode(typed);
    // Strangers wait in no queue with operators: what cannot be a code is refused at the door.
    if (read === undefined || notices.code(read.id) === undefined) return REFUSED;
    const { result, told } = await acts.run(async (): Promise<{ result: PickedUp; told?: Told }> => {
      const code = await this.#authentic(read);
      if (code === undefined) return { result: REFUSED };
      if (code.used !== undefined) return { result: { kind: 'used', atMs: code.used.atMs } };
      if (code.cancelled !== undefined || acts.now() >= code.expiresMs) return { result: REFUSED };
      return this.#mint(code);
    });
    // Operators do not wait for gateways on behalf of strangers.
    await told;
    return result;
  }

  /** The answer has left: from now on the code is used. */
  handedOver(codeId: string, keyId: string): Promise<void> {
    const { acts, notices, store } = this.#parts;
    return acts.run(async () => {
      const code = notices.code(codeId);
      // Somebody else came in between and this key is revoked already.
      if (code?.minted?.key !== keyId || code.used !== undefined) return;
      const atMs = acts.now();
      await acts.record(`reset:${code.tenant}`, 'reset.handed-over', code.key, { code: codeId, by: keyId });
      await store.write({ codes: [{ ...code, used: { atMs } }] });
    });
  }

  async #authentic({ id, whole }: { id: string; whole: string }): Promise<ResetCode | undefined> {
    const { notices, fingerprints, store } = this.#parts;
    const code = notices.code(id);
    if (code === undefined || code.wrong >= WRONG_MAX) return undefined;
    if (sameFingerprint(code.fingerprint, fingerprints.resetCode(whole))) return code;
    await store.write({ codes: [{ ...code, wrong: code.wrong + 1 }] });
    return undefined;
  }

  async #mint(code: ResetCode): Promise<{ result: PickedUp; told?: Told }> {
    const { acts, store, changes, fingerprints, events } = this.#parts;
    const old = store.key(code.key);
    if (old === undefined) return { result: REFUSED };
    const atMs = acts.now();
    const actor = `reset:${code.tenant}`;
    const id = newKeyId();
    const env = old.env ?? 'live';
    const credential = mintKey(env, id);
    const { suspended: _, revoked: __, replaced: ___, frozen: ____, ...lasting } = old;
    const key: KeyRecord = {
      ...lasting,
      ...{ id, kind: 'issued', env, fingerprint: fingerprints.issued(credential) },
      ...{ createdMs: atMs, createdBy: actor, replaces: old.id },
    };
    // An earlier replacement: its answer went astray, or it was made when the key was rotated.
    const earlier = store.key(old.replaced?.by ?? '');
    const gone: KeyRecord[] =
      earlier === undefined || earlier.revoked !== undefined
        ? []
        : [{ ...earlier, revoked: { atMs, by: actor, why: `replaced by ${id} at a pick-up` } }];
    await acts.record(actor, 'reset.pick-up', old.id, {
      ...{ code: code.id, notice: code.notice, by: id, revoked: gone.map((each) => each.id) },
    });
    await store.write({
      keys: [
        key,
        ...gone,
        { ...old, replaced: { by: id, atMs, overlapUntilMs: old.replaced?.overlapUntilMs ?? atMs } },
      ],
      codes: [{ ...code, minted: { key: id, atMs } }],
      deliveries: events.deliveriesOf([
        ...gone.map(
          (each) =>
            ({
              type: 'credential-change',
              key: each.id,
              tenant: each.tenant,
              atMs,
              change: 'revoke',
            }) as const,
        ),
        { type: 'credential-change', key: id, tenant: key.tenant, atMs, change: 'create' },
      ]),
    });
    const told = changes.announce({ keys: [old, ...gone].map((each) => each.id), ends: true });
    events.wake();
    return { result: { kind: 'key', code: code.id, credential, key }, told };
  }
}
