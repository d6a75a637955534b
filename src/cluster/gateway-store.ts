import type { KeyRecord, KeyUsage } from '../core/key.js';
import type { BaselineStore, KeyStore, Learned, WriteSet } from '../engine/ports.js';
import { type Enrolment, TEXT_CHARS_MAX, USAGE_ROWS_MAX, type UsageRow } from './protocol.js';

interface Parts {
  /** The store of the control process, opened for reading. */
  readonly shared: KeyStore & BaselineStore;
  /** This gateway's own, for what it learns. */
  readonly own: BaselineStore & { close(): Promise<void> };
  /** Resolves when the control process has written them or is gone; undefined where it cannot be told. */
  readonly report: (rows: readonly UsageRow[]) => Promise<void> | undefined;
  readonly enrol: (key: Enrolment) => Promise<boolean>;
}

const NONE: KeyUsage = { accepted: 0, refused: 0 };
/** Keys whose reported counters are remembered. */
const REPORTED_MAX = 300_000;

/**
 * The store as a gateway has it: it reads what the control process writes, reports what it counts, and keeps
 * baselines of its own, which begin as those of the control process.
 */
export class GatewayStore {
  readonly #parts: Parts;
  /** Counters as they stood when they were read or last reported. */
  readonly #reported = new Map<string, KeyUsage>();
  #reporting = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** As the engine needs it. */
  port(): KeyStore & BaselineStore {
    const { shared, own } = this.#parts;
    return {
      key: (id) => shared.key(id),
      keyByFingerprint: (fingerprint) => shared.keyByFingerprint(fingerprint),
      keys: (options) => shared.keys(options),
      tenant: (id) => shared.tenant(id),
      tenants: () => shared.tenants(),
      sealed: (name) => shared.sealed(name),
      sealedAll: () => shared.sealedAll(),
      operators: () => shared.operators(),
      receipt: (id) => shared.receipt(id),
      receiptOf: (key) => shared.receiptOf(key),
      receipts: (options) => shared.receipts(options),
      gateways: () => shared.gateways(),
      refreshSnapshot: () => shared.refreshSnapshot(),
      usage: (id) => this.#usage(id),
      write: (set) => this.#write(set),
      writeUsage: (usage) => this.#writeUsage(usage),
      baseline: (key) => own.baseline(key) ?? shared.baseline(key),
      latestKey: (owner) => own.latestKey(owner) ?? shared.latestKey(owner),
      alarmBudget: () => own.alarmBudget() ?? unspent(shared.alarmBudget()),
      population: () => own.population() ?? shared.population(),
      paths: (upstream) => own.paths(upstream) ?? shared.paths(upstream),
      owns: (key) => own.owns(key),
      resets: (after) => shared.resets(after),
      lastReset: () => own.lastReset(),
      writeLearned: (learned) => own.writeLearned(learned),
      close: async () => {
        await own.close();
        await shared.close();
      },
    };
  }

  /** What all processes counted of a key, as far as it is in the store, and what this one has not reported yet. */
  total(id: string, own: KeyUsage): KeyUsage {
    // While a report is under way nobody knows whether the store has it.
    if (this.#reporting) return own;
    const written = this.#parts.shared.usage(id);
    if (written === undefined) return own;
    const { accepted, refused, quotaUsed = 0 } = this.#delta(id, own);
    this.#remember(id, written);
    const period = own.quotaPeriod ?? written.quotaPeriod;
    const before = written.quotaPeriod === period ? (written.quotaUsed ?? 0) : 0;
    return {
      ...written,
      ...later(written, own),
      accepted: written.accepted + accepted,
      refused: written.refused + refused,
      ...(period === undefined ? {} : { quotaPeriod: period, quotaUsed: before + quotaUsed }),
    };
  }

  #usage(id: string): KeyUsage | undefined {
    const usage = this.#parts.shared.usage(id);
    this.#remember(id, usage ?? NONE);
    return usage;
  }

  #remember(id: string, usage: KeyUsage): void {
    if (this.#reported.size >= REPORTED_MAX && !this.#reported.has(id)) {
      const [oldest] = this.#reported.keys();
      if (oldest !== undefined) this.#reported.delete(oldest);
    }
    this.#reported.set(id, { ...usage });
  }

  async #write(set: WriteSet): Promise<void> {
    const [key, ...more] = set.keys ?? [];
    if (key === undefined || more.length > 0)
      throw new Error('A gateway writes nothing but an enrolled key.');
    if (!(await this.#parts.enrol(enrolmentOf(key))))
      throw new Error(`The control process did not take key ${key.id}.`);
  }

  async #writeUsage(usage: ReadonlyMap<string, KeyUsage>): Promise<readonly string[]> {
    const all = [...usage];
    this.#reporting = true;
    try {
      for (let at = 0; at < all.length; at += USAGE_ROWS_MAX) {
        const some = all.slice(at, at + USAGE_ROWS_MAX);
        const report = this.#parts.report(some.map(([key, value]) => rowOf(key, this.#delta(key, value))));
        if (report === undefined) return all.slice(at).map(([key]) => key);
        for (const [key, value] of some) this.#remember(key, value);
        await report;
      }
      return [];
    } finally {
      this.#reporting = false;
    }
  }

  #delta(key: string, now: KeyUsage): KeyUsage {
    const before = this.#reported.get(key) ?? this.#parts.shared.usage(key) ?? NONE;
    const more = (a: number | undefined, b: number | undefined) => Math.max(0, (a ?? 0) - (b ?? 0));
    const samePeriod = now.quotaPeriod === before.quotaPeriod;
    return {
      ...now,
      accepted: more(now.accepted, before.accepted),
      refused: more(now.refused, before.refused),
      ...(now.acceptedSinceReplaced === undefined
        ? {}
        : { acceptedSinceReplaced: more(now.acceptedSinceReplaced, before.acceptedSinceReplaced) }),
      ...(now.quotaPeriod === undefined
        ? {}
        : { quotaUsed: samePeriod ? more(now.quotaUsed, before.quotaUsed) : (now.quotaUsed ?? 0) }),
    };
  }
}

/** What the control process knows of the tail, and how far it is overdrawn; nothing spent: both count for themselves. */
function unspent(budget: Learned['budget']): Learned['budget'] {
  const overdrawn = budget?.falseAlarms?.[1] ?? 0;
  return budget && { tail: budget.tail, falseAlarms: [0, overdrawn] };
}

/** With texts that are no longer than a message may hold. */
function rowOf(key: string, usage: KeyUsage): UsageRow {
  const fields = Object.entries(usage).map(([name, value]): [string, unknown] => [
    name,
    typeof value === 'string' ? value.slice(0, TEXT_CHARS_MAX) : value,
  ]);
  return { ...usage, ...Object.fromEntries(fields), key };
}

/** The facts of the latest use. */
function later(a: KeyUsage, b: KeyUsage): Partial<KeyUsage> {
  return (a.lastUsedMs ?? 0) >= (b.lastUsedMs ?? 0)
    ? {}
    : {
        lastUsedMs: b.lastUsedMs as number,
        ...(b.lastAddress === undefined ? {} : { lastAddress: b.lastAddress }),
        ...(b.lastUserAgent === undefined ? {} : { lastUserAgent: b.lastUserAgent }),
        ...(b.lastOperation === undefined ? {} : { lastOperation: b.lastOperation }),
      };
}

function enrolmentOf({ id, name, upstreams, fingerprint, createdMs }: KeyRecord): Enrolment {
  return { id, name, upstream: upstreams[0] as string, fingerprint, createdMs };
}
