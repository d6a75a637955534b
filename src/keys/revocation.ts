import { type KeyObject, randomBytes } from 'node:crypto';
import type { KeyRecord } from '../core/key.js';
import type {
  Changes,
  Confirmation,
  GatewayReceipt,
  Journal,
  KeyEvents,
  KeyStore,
  RevocationReceipt,
} from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import { changesOf } from './key-changes.js';
import { signReceipt, type UnsignedReceipt } from './receipt.js';

interface Parts {
  readonly store: KeyStore;
  readonly acts: Acts;
  readonly changes: Changes;
  readonly events: KeyEvents;
  readonly journal: Journal;
  readonly privateKey: KeyObject;
  /** Told of every revocation that is complete. */
  readonly revoked: (seconds: number) => void;
}

/** Keys in one revocation. */
export const REVOKED_AT_ONCE_MAX = 1_000;

/** One call, until it is carried out together with those that came at the same time. */
interface Call {
  readonly actor: string;
  readonly ids: readonly string[];
  readonly why: string;
  readonly resolve: (receipts: Promise<RevocationReceipt[]>) => void;
  readonly reject: (error: unknown) => void;
}

/** Ends keys for good, and shows that no gateway accepts them any more. */
export class Revocations {
  readonly #parts: Parts;
  /** Calls that wait for the acts before them: they share one write and one announcement. */
  readonly #calls: Call[] = [];
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
  revoke(actor: string, keyIds: readonly string[], why: string): Promise<RevocationReceipt[]> {
    const ids = [...new Set(keyIds)];
    if (ids.length === 0 || ids.length > REVOKED_AT_ONCE_MAX)
      return Promise.reject(new ActFault('invalid', `keys: name 1 to ${REVOKED_AT_ONCE_MAX}.`));
    return new Promise((resolve, reject) => {
      this.#calls.push({ actor, ids, why, resolve, reject });
      if (this.#calls.length === 1) void this.#parts.acts.run(() => this.#together(this.#calls.splice(0)));
    });
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

  async #together(calls: readonly Call[]): Promise<void> {
    let good = calls;
    try {
      good = calls.filter((call) => this.#allThere(call));
      const requestedMs = this.#parts.acts.now();
      await this.#bury(good, requestedMs);
      this.#announce(good, iso(requestedMs));
      for (const { ids, resolve } of good) resolve(this.#receipts(ids));
    } catch (error) {
      for (const { reject } of good) reject(error);
    }
  }

  #allThere({ ids, reject }: Call): boolean {
    const missing = ids.find((id) => this.#parts.store.key(id) === undefined);
    if (missing !== undefined) reject(new ActFault('not_found', `There is no key ${missing}.`));
    return missing === undefined;
  }

  /** In the journal, on disk, and then in the store. */
  async #bury(calls: readonly Call[], atMs: number): Promise<void> {
    const { acts, store, events } = this.#parts;
    const tombstones = new Map<string, KeyRecord>();
    const records: Promise<void>[] = [];
    for (const { actor, ids, why } of calls) {
      for (const id of ids) {
        const key = store.key(id);
        if (key === undefined || key.revoked !== undefined || tombstones.has(id)) continue;
        tombstones.set(id, { ...key, revoked: { atMs, by: actor, why } });
        const { name, tenant } = key;
        records.push(acts.record(actor, 'key.revoke', id, { name, tenant, why }));
      }
    }
    await Promise.all(records);
    if (tombstones.size === 0) return;
    const keys = [...tombstones.values()];
    const told = keys.flatMap((key) => changesOf(key, store.key(key.id)));
    await store.write({ keys, deliveries: events.deliveriesOf(told) });
    events.wake();
  }

  #announce(calls: readonly Call[], requestedAt: string): void {
    const { store, changes } = this.#parts;
    const taken = new Set<string>();
    const begun = calls.map(({ actor, ids, why }) => {
      // Revoked by a manifest, or just before a crash: revoked they are, but nobody has shown it yet.
      const keys = ids.filter(
        (id) => !taken.has(id) && !this.#underWay.has(id) && store.receiptOf(id) === undefined,
      );
      for (const id of keys) taken.add(id);
      return { keys, by: actor, why, requestedAt };
    });
    if (taken.size === 0) return;
    const told = changes.announce({ keys: [...taken], ends: true });
    for (const each of begun) if (each.keys.length > 0) this.#remember(each.keys, this.#complete(each, told));
  }

  async #receipts(ids: readonly string[]): Promise<RevocationReceipt[]> {
    const { store } = this.#parts;
    const receipts = ids.map((id) => this.#underWay.get(id) ?? (store.receiptOf(id) as RevocationReceipt));
    return [...new Set(await Promise.all(receipts))];
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
    const confirmations = mergedFor(begun.keys, await told);
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

/**
 * What each gateway said of these keys. Many keys are announced in several pieces: a gateway knows them when it knows
 * the last, and has lost its lease when it has for any.
 */
function mergedFor(ids: readonly string[], confirmations: readonly Confirmation[]): Confirmation[] {
  const wanted = new Set(ids);
  const merged = new Map<string, Confirmation>();
  for (const each of confirmations) {
    const keys = each.keys.filter(({ key }) => wanted.has(key));
    const name = `${each.name} ${each.pid}`;
    const before = merged.get(name);
    if (before === undefined) {
      merged.set(name, { ...each, keys });
      continue;
    }
    merged.set(name, {
      ...each,
      kind: before.kind === 'expired' ? before.kind : each.kind,
      atMs: Math.max(before.atMs, each.atMs),
      milliseconds: Math.max(before.milliseconds, each.milliseconds),
      keys: [...before.keys, ...keys],
    });
  }
  return [...merged.values()];
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
