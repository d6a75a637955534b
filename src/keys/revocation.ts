import { type KeyObject, randomBytes } from 'node:crypto';
import type { KeyRecord } from '../core/key.js';
import type {
  Changes,
  Confirmation,
  GatewayReceipt,
  Journal,
  KeyStore,
  RevocationReceipt,
} from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import { signReceipt, type UnsignedReceipt } from './receipt.js';

interface Parts {
  readonly store: KeyStore;
  readonly acts: Acts;
  readonly changes: Changes;
  readonly journal: Journal;
  readonly privateKey: KeyObject;
  /** Told of every revocation that is complete. */
  readonly revoked: (seconds: number) => void;
}

/** Keys in one revocation. */
export const REVOKED_AT_ONCE_MAX = 1_000;

/** Ends keys for good, and shows that no gateway accepts them any more. */
export class Revocations {
  readonly #parts: Parts;
  /** By key: the receipt that is not complete yet. */
  readonly #underWay = new Map<string, Promise<RevocationReceipt>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns when no gateway accepts any of the keys. A key that is revoked already keeps its first receipt.
   * @returns the receipts that cover the keys: one, where none was revoked before
   * @throws ActFault not_found, and then nothing was revoked
   */
  async revoke(actor: string, keyIds: readonly string[], why: string): Promise<RevocationReceipt[]> {
    const { acts, store, changes } = this.#parts;
    const ids = [...new Set(keyIds)];
    if (ids.length === 0 || ids.length > REVOKED_AT_ONCE_MAX)
      throw new ActFault('invalid', `keys: name 1 to ${REVOKED_AT_ONCE_MAX}.`);
    const receipts = await acts.run(async () => {
      const keys = ids.map((id) => this.#show(id));
      const living = keys.filter((key) => key.revoked === undefined);
      const requestedMs = acts.now();
      const revoked = { atMs: requestedMs, by: actor, why };
      await Promise.all(
        living.map(({ id, name, tenant }) => acts.record(actor, 'key.revoke', id, { name, tenant, why })),
      );
      if (living.length > 0) await store.write({ keys: living.map((key) => ({ ...key, revoked })) });
      // Revoked by a manifest, or just before a crash: revoked they are, but nobody has shown it yet.
      const due = ids.filter((id) => !this.#underWay.has(id) && store.receiptOf(id) === undefined);
      if (due.length > 0) {
        const told = changes.announce({ keys: due, ends: true });
        const unsigned = { keys: due, by: actor, why, requestedAt: iso(requestedMs) };
        this.#remember(due, this.#complete(unsigned, told));
      }
      return ids.map((id) => this.#underWay.get(id) ?? (store.receiptOf(id) as RevocationReceipt));
    });
    return [...new Set(await Promise.all(receipts))];
  }

  show(id: string): RevocationReceipt {
    const receipt = this.#parts.store.receipt(id);
    if (receipt === undefined) throw new ActFault('not_found', `There is no receipt ${id}.`);
    return receipt;
  }

  list(options: { before?: string; limit: number; key?: string }): RevocationReceipt[] {
    if (options.key === undefined) return this.#parts.store.receipts(options);
    const receipt = this.#parts.store.receiptOf(options.key);
    return receipt === undefined ? [] : [receipt];
  }

  #show(id: string): KeyRecord {
    const key = this.#parts.store.key(id);
    if (key === undefined) throw new ActFault('not_found', `There is no key ${id}.`);
    return key;
  }

  #remember(ids: readonly string[], receipt: Promise<RevocationReceipt>): void {
    for (const id of ids) this.#underWay.set(id, receipt);
    const forget = () => {
      for (const id of ids) this.#underWay.delete(id);
    };
    receipt.then(forget, forget);
  }

  async #complete(
    begun: Pick<UnsignedReceipt, 'keys' | 'by' | 'why' | 'requestedAt'>,
    told: Promise<readonly Confirmation[]>,
  ): Promise<RevocationReceipt> {
    const { acts, store, changes, journal, privateKey, revoked } = this.#parts;
    const startedMs = performance.now();
    const confirmations = await told;
    const standings = confirmations.flatMap(({ keys }) => keys);
    const sum = (field: 'running' | 'aborted') => standings.reduce((total, each) => total + each[field], 0);
    const completedMs = acts.now();
    const receipt = signReceipt(
      {
        id: `r_${completedMs.toString(36).padStart(9, '0')}${randomBytes(6).toString('hex')}`,
        ...begun,
        completedAt: iso(completedMs),
        exact: confirmations.every(({ kind, policy }) => kind === 'acknowledged' || policy === 'stop'),
        gateways: confirmations.map(gatewayReceipt),
        inFlight: { policy: changes.inFlight, leftRunning: sum('running'), aborted: sum('aborted') },
      },
      privateKey,
    );
    await store.write({ receipts: [receipt] });
    const { id, keys, exact } = receipt;
    const detail = { receipt: id, keys: keys.length, exact };
    journal.append({ kind: 'system', time: completedMs, event: 'revocation.confirmed', detail });
    revoked((performance.now() - startedMs) / 1000);
    return receipt;
  }
}

function gatewayReceipt({ name, pid, policy, kind, atMs, milliseconds, keys }: Confirmation): GatewayReceipt {
  const lost = kind === 'expired';
  return {
    name,
    pid,
    ...(lost ? { leaseExpiredAt: iso(atMs) } : { acknowledgedAt: iso(atMs) }),
    ...(lost && policy === 'continue' ? { acceptsWithoutLease: true as const } : {}),
    milliseconds: Math.round(milliseconds * 1000) / 1000,
    lastAcceptance: Object.fromEntries(
      keys.map(({ key, last }) => [key, last && { request: last.request, time: iso(last.timeMs) }]),
    ),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
