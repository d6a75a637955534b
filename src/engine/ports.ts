import type { KeptPosition } from '../catalogs/learn.js';
import type { KeyRecord, KeyUsage, Tenant } from '../core/key.js';
import type { Place } from '../core/observation.js';
import type { BudgetSnapshot } from '../detectors/budget.js';
import type { PopulationSnapshot } from '../detectors/population.js';
import type { JournalEntry, Outcome } from '../journal/entry.js';
import type { Delivery, Notice, ResetCode, SecurityEvent } from '../notices/records.js';

/** A credential of the upstream, sealed: the database holds only ciphertext. */
export interface SealedCredential {
  readonly name: string;
  readonly upstream: string;
  /** Header to set, and its value with `{secret}` where the secret goes. */
  readonly header: string;
  readonly template: string;
  readonly createdMs: number;
  readonly masterKeyId: string;
  /** base64: nonce, ciphertext and tag of the secret under the data key, and of the data key under the master key. */
  readonly secret: string;
  readonly dataKey: string;
}

/** Who may use the admin API. */
export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly role: 'admin' | 'viewer';
  readonly fingerprint: string;
  readonly createdMs: number;
  readonly revokedMs?: number;
}

/** Several writes that take effect together or not at all. */
export interface WriteSet {
  readonly keys?: KeyRecord[];
  readonly tenants?: Tenant[];
  readonly sealed?: SealedCredential[];
  readonly operators?: Operator[];
  readonly receipts?: RevocationReceipt[];
  readonly gateways?: GatewayRecord[];
  readonly removeTenants?: string[];
  readonly removeSealed?: string[];
  readonly notices?: Notice[];
  /** New ones only: one that is there already stays as it is. */
  readonly deliveries?: Delivery[];
  readonly codes?: ResetCode[];
  /** Instances. */
  readonly removeGateways?: string[];
}

/** A gateway process that may hold a lease: known over a restart of the control process. */
export interface GatewayRecord {
  readonly instance: string;
  readonly name: string;
  readonly pid: number;
  readonly policy: LeasePolicy;
  readonly leaseMs: number;
}

/** What a gateway does whose lease has run out: accept nothing, or go on and say so. */
export type LeasePolicy = 'stop' | 'continue';

/** What one process has to say of a revocation. Times in ISO 8601, by the clock of the control process. */
export interface GatewayReceipt {
  readonly name: string;
  readonly pid: number;
  /** Exactly one of these two: it knows, or it may accept nothing since then. */
  readonly acknowledgedAt?: string;
  readonly leaseExpiredAt?: string;
  /** Set where the operator lets gateways go on without a lease: then nothing is promised for this one. */
  readonly acceptsWithoutLease?: true;
  /** From the announcement to the acknowledgement or the end of the lease. */
  readonly milliseconds: number;
  /** By key: the last request it let through; null: none since it started. Absent: it did not say. */
  readonly lastAcceptance: Readonly<
    Record<string, { readonly request: string; readonly time: string } | null>
  >;
}

/** Shows that no gateway accepts these keys any more. Signed with the key of the journal. */
export interface RevocationReceipt {
  readonly format: 'keyward-revocation-receipt-v1';
  readonly id: string;
  readonly keys: readonly string[];
  readonly by: string;
  readonly why: string;
  readonly requestedAt: string;
  readonly completedAt: string;
  /** False where a gateway goes on without its lease: it may still accept these keys. */
  readonly exact: boolean;
  readonly gateways: readonly GatewayReceipt[];
  /** Exchanges that had been forwarded when the gateways learned of it. */
  readonly inFlight: {
    readonly policy: 'finish' | 'abort';
    readonly leftRunning: number;
    readonly aborted: number;
  };
  /** base64url SPKI, Ed25519. */
  readonly publicKey: string;
  /** base64url, over the canonical JSON (RFC 8785) of everything else. */
  readonly signature: string;
}

/** Something that every process must know of before an act counts as done. */
export interface Change {
  readonly keys?: readonly string[];
  readonly tenants?: readonly string[];
  /** These keys end: their exchanges in flight are cut where the operator chose so. */
  readonly ends?: boolean;
}

/** Called when a change is in the store. Takes effect in this process at once, before it returns. */
export interface Changes {
  /** Resolves when every gateway knows or has lost its lease; never rejects. */
  announce(change: Change): Promise<readonly Confirmation[]>;
  readonly inFlight: 'finish' | 'abort';
}

/** One process's part in a change. */
export interface Confirmation {
  readonly name: string;
  readonly pid: number;
  readonly policy: LeasePolicy;
  readonly kind: 'acknowledged' | 'expired';
  readonly atMs: number;
  readonly milliseconds: number;
  readonly keys: readonly KeyStanding[];
}

/** How a key stood in one process when it learned of a change. */
export interface KeyStanding {
  readonly key: string;
  readonly last: { readonly request: string; readonly timeMs: number } | null;
  readonly running: number;
  readonly aborted: number;
}

/** Whether this process may let requests through at this moment. */
export interface Standing {
  mayAccept(): boolean;
}

/** Keys and everything else an operator administers. Reads are synchronous: they are on the request path. */
export interface KeyStore {
  key(id: string): KeyRecord | undefined;
  keyByFingerprint(fingerprint: string): KeyRecord | undefined;
  keys(options?: { after?: string; limit?: number }): KeyRecord[];
  tenant(id: string): Tenant | undefined;
  tenants(): Tenant[];
  sealed(name: string): SealedCredential | undefined;
  sealedAll(): SealedCredential[];
  operators(): Operator[];
  usage(keyId: string): KeyUsage | undefined;
  receipt(id: string): RevocationReceipt | undefined;
  receiptOf(keyId: string): RevocationReceipt | undefined;
  /** Newest first. */
  receipts(options?: { before?: string; limit?: number }): RevocationReceipt[];
  gateways(): GatewayRecord[];
  /** Reads to come see what other processes have written. */
  refreshSnapshot(): void;
  /** Atomic; resolves when on disk. */
  write(set: WriteSet): Promise<void>;
  /** Coarse and unordered: a crash may lose the last second. Resolves to the keys that could not be written by now. */
  writeUsage(usage: ReadonlyMap<string, KeyUsage>): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Notices, deliveries and reset codes; written with everything else, through a `WriteSet`. */
export interface NoticeStore {
  notice(id: string): Notice | undefined;
  notices(): Notice[];
  delivery(id: string): Delivery | undefined;
  /** Of one notice or event: their ids begin with its id and `_`. */
  deliveriesOf(message: string): Delivery[];
  deliveries(options?: { after?: string }): Iterable<Delivery>;
  /** To be sent by then, the longest waiting first; those being sent are among them. */
  due(nowMs: number, after?: Delivery): Iterable<Delivery>;
  nextDueMs(afterMs: number): number | undefined;
  /** What a stream that polls has not acknowledged, oldest first. */
  waiting(stream: string): Iterable<Delivery>;
  code(id: string): ResetCode | undefined;
  /** Removes deliveries for good. */
  forget(ids: readonly string[]): Promise<void>;
  /** Atomic; resolves when on disk. `undefined` from `change` leaves the delivery as it is. */
  changeDelivery(id: string, change: (now: Delivery) => Delivery | undefined): Promise<Delivery | undefined>;
}

/** Who is told of changes to keys. */
export interface KeyEvents {
  /** What has to be written together with the change, so that neither is lost without the other. */
  deliveriesOf(events: readonly SecurityEvent[]): Delivery[];
  /** There is something new to send. */
  wake(): void;
}

/** What the detector has learned since it was last written. */
export interface Learned {
  readonly baselines: ReadonlyMap<string, Uint8Array>;
  /** The key that each owner (a hash) began last. */
  readonly latestKeys?: ReadonlyMap<number, string>;
  readonly budget?: BudgetSnapshot;
  readonly population?: PopulationSnapshot;
  /** Of paths that no catalog knows, by upstream. */
  readonly paths?: ReadonlyMap<string, KeptPosition>;
  /** Keys whose baselines an operator had forgotten, by number: the numbers go on without a gap. */
  readonly resets?: ReadonlyMap<number, string>;
}

/** Where it outlives the process. Reads are synchronous: the first call of a key waits for its baseline. */
export interface BaselineStore {
  baseline(key: string): Uint8Array | undefined;
  latestKey(owner: number): string | undefined;
  alarmBudget(): BudgetSnapshot | undefined;
  population(): PopulationSnapshot | undefined;
  paths(upstream: string): KeptPosition | undefined;
  /** Whether there is a baseline of the key that this process has written itself. */
  owns(key: string): boolean;
  /** What operators had forgotten since reset number `after`, in order. */
  resets(after: number): Iterable<readonly [n: number, key: string]>;
  /** The last one that is in what this process has written; 0: none. */
  lastReset(): number;
  /** Atomic; resolves when on disk. */
  writeLearned(learned: Learned): Promise<void>;
}

/** Where incidents and containment plans outlive the process. */
export interface IncidentStore {
  /** As they were kept, with how far the journals had been looked at: undefined where they never were. */
  incidents(): { readonly incidents: unknown[]; readonly through: unknown };
  /** Takes them as they are now, and writes them after `until`. Atomic; resolves when on disk. */
  writeIncidents(
    incidents: ReadonlyMap<string, unknown>,
    through: unknown,
    until: Promise<unknown>,
  ): Promise<void>;
  /** Each plan with its pieces, in their order. */
  plans(): { readonly plan: unknown; readonly pieces: unknown[] }[];
  /** Atomic; what is not given stays as it is. Pieces of no plan are never read. */
  writePlan(id: string, plan: unknown, pieces: ReadonlyMap<number, unknown>): Promise<void>;
}

/** A journal entry that was handed over; its outcome can still be added until it is sealed. */
export interface JournalTicket {
  /** Resolves when the entry is on disk; rejects with a JournalFault when it could not be written. */
  durable(): Promise<void>;
  /** Adds the outcome of a decision, in place if the batch is still open, else as an entry of its own. */
  complete(outcome: Outcome, timeMs: number): void;
}

export interface JournalHealth {
  readonly ok: boolean;
  /** Why it refuses, when not ok. */
  readonly problem?: string;
  readonly entries: number;
  readonly batches: number;
  /** Entries handed over and not yet on disk, and the age of the oldest. */
  readonly lagEntries: number;
  readonly lagMs: number;
  /** Entries dropped while the journal could not be written (fail-open upstreams only). */
  readonly lost: number;
}

/** The append-only record of decisions and acts. */
export interface Journal {
  /** Never blocks. While `health().ok` is false the entry is counted as lost and `durable()` rejects. */
  append(entry: JournalEntry): JournalTicket;
  health(): JournalHealth;
  close(): Promise<void>;
}

/** Where an address is. Synchronous, from offline databases. */
export interface Geo {
  lookup(address: string): Place;
}
