import type { KeyRecord, KeyUsage, Tenant } from '../core/key.js';
import type { Place } from '../core/observation.js';
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
  readonly removeTenants?: string[];
  readonly removeSealed?: string[];
  readonly notices?: Notice[];
  /** New ones only: one that is there already stays as it is. */
  readonly deliveries?: Delivery[];
  readonly codes?: ResetCode[];
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
  /** Atomic; resolves when on disk. */
  write(set: WriteSet): Promise<void>;
  /** Coarse and unordered: a crash may lose the last second. */
  writeUsage(usage: ReadonlyMap<string, KeyUsage>): Promise<void>;
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

/** What the detector has learned of everybody, as it is kept. */
export interface KeptPopulation {
  readonly population: PopulationSnapshot;
  readonly budget: readonly number[];
}

/** Where baselines outlive the process. Reads are synchronous: the first call of a key waits for its baseline. */
export interface BaselineStore {
  baseline(key: string): Uint8Array | undefined;
  population(): KeptPopulation | undefined;
  /** Atomic; resolves when on disk. */
  writeBaselines(
    baselines: ReadonlyMap<string, Uint8Array>,
    population: KeptPopulation | undefined,
  ): Promise<void>;
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
