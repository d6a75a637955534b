import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { KeyRecord, KeyUsage, Tenant } from '../core/key.js';
import type {
  BaselineStore,
  GatewayRecord,
  IncidentStore,
  KeyStore,
  Learned,
  Operator,
  RevocationReceipt,
  SealedCredential,
  WriteSet,
} from '../engine/ports.js';
import { commit } from './commit.js';
import { NoticeTables } from './notices.js';
import { assertWhole } from './whole-file.js';

const EVERYONE = 'everyone';
const BUDGET = 'budget';
/** Under this name, beside the incidents: how far the journal had been looked at. */
const THROUGH = '~through';
const MAP_BYTES_MAX = 64 * 1024 ** 3;
/** Older receipts are removed; whoever needs them longer keeps them elsewhere. */
export const RECEIPTS_MAX = 100_000;
/** Older ones are removed: a gateway that was away for more keeps what it knew of those keys. */
const RESETS_MAX = 100_000;

/**
 * The embedded store: one LMDB environment in the data directory. Reads are from the memory map, writes are
 * transactions that resolve once synced to disk. Safe over kill -9, and readable by other processes.
 */
export class EmbeddedStore implements KeyStore, BaselineStore, IncidentStore {
  readonly notices: NoticeTables;
  readonly #root: RootDatabase;
  readonly #keys: Database<KeyRecord, string>;
  readonly #fingerprints: Database<string, string>;
  readonly #tenants: Database<Tenant, string>;
  readonly #sealed: Database<SealedCredential, string>;
  readonly #operators: Database<Operator, string>;
  readonly #usage: Database<KeyUsage, string>;
  readonly #baselines: Database<Buffer, string>;
  readonly #population: Database<Buffer, string>;
  readonly #latestKeys: Database<string, number>;
  readonly #paths: Database<Buffer, string>;
  readonly #resets: Database<string, number>;
  readonly #incidents: Database<Buffer, string>;
  readonly #plans: Database<Buffer, string>;
  readonly #receipts: Database<RevocationReceipt, string>;
  readonly #receiptOf: Database<string, string>;
  readonly #gateways: Database<GatewayRecord, string>;

  private constructor(root: RootDatabase) {
    this.#root = root;
    this.notices = new NoticeTables(root);
    this.#keys = root.openDB({ name: 'keys' });
    this.#fingerprints = root.openDB({ name: 'fingerprints' });
    this.#tenants = root.openDB({ name: 'tenants' });
    this.#sealed = root.openDB({ name: 'sealed' });
    this.#operators = root.openDB({ name: 'operators' });
    this.#usage = root.openDB({ name: 'usage' });
    this.#baselines = root.openDB({ name: 'baselines', encoding: 'binary' });
    this.#incidents = root.openDB({ name: 'incidents', encoding: 'binary' });
    this.#plans = root.openDB({ name: 'plans', encoding: 'binary' });
    this.#population = root.openDB({ name: 'population', encoding: 'binary' });
    this.#latestKeys = root.openDB({ name: 'latest-keys' });
    this.#paths = root.openDB({ name: 'paths', encoding: 'binary' });
    this.#resets = root.openDB({ name: 'resets' });
    this.#receipts = root.openDB({ name: 'receipts' });
    this.#receiptOf = root.openDB({ name: 'receipt-of' });
    this.#gateways = root.openDB({ name: 'gateways' });
  }

  /**
   * @param readOnly for a process beside the one that writes; the store must be there
   * @throws {Error} where its file is damaged
   */
  static open(directory: string, { readOnly = false } = {}): EmbeddedStore {
    if (!readOnly) mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = path.join(directory, 'keyward.lmdb');
    assertWhole(file, readOnly);
    return new EmbeddedStore(
      open({
        path: file,
        mapSize: MAP_BYTES_MAX,
        maxDbs: 32,
        overlappingSync: false,
        // Else each turn has a promise of LMDB's own, which ends the process when the disk is full.
        eventTurnBatching: false,
        noSubdir: true,
        readOnly,
      }),
    );
  }

  key(id: string): KeyRecord | undefined {
    return this.#keys.get(id);
  }

  keyByFingerprint(fingerprint: string): KeyRecord | undefined {
    const id = this.#fingerprints.get(fingerprint);
    return id === undefined ? undefined : this.#keys.get(id);
  }

  keys(options: { after?: string; limit?: number } = {}): KeyRecord[] {
    const { after, limit } = options;
    const range = after === undefined ? { limit } : { start: after, exclusiveStart: true, limit };
    return [...this.#keys.getRange(range)].map(({ value }) => value);
  }

  tenant(id: string): Tenant | undefined {
    return this.#tenants.get(id);
  }

  tenants(): Tenant[] {
    return [...this.#tenants.getRange({})].map(({ value }) => value);
  }

  sealed(name: string): SealedCredential | undefined {
    return this.#sealed.get(name);
  }

  sealedAll(): SealedCredential[] {
    return [...this.#sealed.getRange({})].map(({ value }) => value);
  }

  operators(): Operator[] {
    return [...this.#operators.getRange({})].map(({ value }) => value);
  }

  usage(keyId: string): KeyUsage | undefined {
    return this.#usage.get(keyId);
  }

  receipt(id: string): RevocationReceipt | undefined {
    return this.#receipts.get(id);
  }

  receiptOf(keyId: string): RevocationReceipt | undefined {
    const id = this.#receiptOf.get(keyId);
    return id === undefined ? undefined : this.#receipts.get(id);
  }

  receipts(options: { before?: string; limit?: number } = {}): RevocationReceipt[] {
    const { before, limit } = options;
    const range = before === undefined ? { limit } : { start: before, exclusiveStart: true, limit };
    return [...this.#receipts.getRange({ ...range, reverse: true })].map(({ value }) => value);
  }

  gateways(): GatewayRecord[] {
    return [...this.#gateways.getRange({})].map(({ value }) => value);
  }

  refreshSnapshot(): void {
    this.#root.resetReadTxn();
  }

  /** Frees what readers held that were killed: their snapshots keep old pages from being used again. */
  forgetDeadReaders(): void {
    this.#root.readerCheck();
  }

  async write(set: WriteSet): Promise<void> {
    await commit(this.#root, () => {
      for (const key of set.keys ?? []) {
        this.#keys.putSync(key.id, key);
        this.#fingerprints.putSync(key.fingerprint, key.id);
      }
      for (const tenant of set.tenants ?? []) this.#tenants.putSync(tenant.id, tenant);
      for (const sealed of set.sealed ?? []) this.#sealed.putSync(sealed.name, sealed);
      for (const operator of set.operators ?? []) this.#operators.putSync(operator.id, operator);
      for (const receipt of set.receipts ?? []) this.#putReceipt(receipt);
      for (const gateway of set.gateways ?? []) this.#gateways.putSync(gateway.instance, gateway);
      for (const instance of set.removeGateways ?? []) this.#gateways.removeSync(instance);
      for (const id of set.removeTenants ?? []) this.#tenants.removeSync(id);
      for (const name of set.removeSealed ?? []) this.#sealed.removeSync(name);
      this.notices.apply(set);
    });
  }

  #putReceipt(receipt: RevocationReceipt): void {
    this.#receipts.putSync(receipt.id, receipt);
    for (const key of receipt.keys) this.#receiptOf.putSync(key, receipt.id);
    const { entryCount } = this.#receipts.getStats() as { entryCount: number };
    if (entryCount <= RECEIPTS_MAX) return;
    for (const { key: id, value } of [...this.#receipts.getRange({ limit: 1 })]) {
      this.#receipts.removeSync(id);
      for (const key of value.keys) this.#receiptOf.removeSync(key);
    }
  }

  async writeUsage(usage: ReadonlyMap<string, KeyUsage>): Promise<readonly string[]> {
    if (usage.size === 0) return [];
    await commit(this.#root, () => {
      for (const [id, value] of usage) this.#usage.putSync(id, value);
    });
    return [];
  }

  baseline(key: string): Uint8Array | undefined {
    return this.#baselines.get(key);
  }

  latestKey(owner: number): string | undefined {
    return this.#latestKeys.get(owner);
  }

  alarmBudget(): Learned['budget'] {
    const bytes = this.#population.get(BUDGET);
    return bytes === undefined ? undefined : (deserialize(bytes) as Learned['budget']);
  }

  population(): Learned['population'] {
    const bytes = this.#population.get(EVERYONE);
    return bytes === undefined ? undefined : (deserialize(bytes) as Learned['population']);
  }

  paths(upstream: string): ReturnType<BaselineStore['paths']> {
    const bytes = this.#paths.get(upstream);
    return bytes === undefined ? undefined : deserialize(bytes);
  }

  owns(key: string): boolean {
    return this.#baselines.doesExist(key);
  }

  *resets(after: number): Iterable<readonly [number, string]> {
    for (const { key: n, value } of this.#resets.getRange({ start: after, exclusiveStart: true }))
      yield [n, value];
  }

  lastReset(): number {
    return [...this.#resets.getKeys({ reverse: true, limit: 1 })][0] ?? 0;
  }

  async writeLearned(learned: Learned): Promise<void> {
    const { baselines, latestKeys, budget, population, paths, resets } = learned;
    await commit(this.#root, () => {
      for (const [key, bytes] of baselines) this.#baselines.putSync(key, Buffer.from(bytes));
      for (const [owner, key] of latestKeys ?? []) this.#latestKeys.putSync(owner, key);
      if (budget !== undefined) this.#population.putSync(BUDGET, serialize(budget));
      if (population !== undefined) this.#population.putSync(EVERYONE, serialize(population));
      for (const [upstream, kept] of paths ?? []) this.#paths.putSync(upstream, serialize(kept));
      for (const [n, key] of resets ?? []) {
        this.#resets.putSync(n, key);
        this.#resets.removeSync(n - RESETS_MAX);
      }
    });
  }

  incidents(): { incidents: unknown[]; through: unknown } {
    const kept = [...this.#incidents.getRange({})];
    const through = kept.find(({ key }) => key === THROUGH);
    return {
      incidents: kept.filter(({ key }) => key !== THROUGH).map(({ value }) => deserialize(value)),
      through: through === undefined ? undefined : deserialize(through.value),
    };
  }

  async writeIncidents(
    incidents: ReadonlyMap<string, unknown>,
    through: unknown,
    until: Promise<unknown>,
  ): Promise<void> {
    const rows = [...incidents].map(([id, incident]) => [id, serialize(incident)] as const);
    const last = serialize(through);
    await until;
    await commit(this.#root, () => {
      for (const [id, incident] of rows) this.#incidents.putSync(id, incident);
      this.#incidents.putSync(THROUGH, last);
    });
  }

  plans(): { plan: unknown; pieces: unknown[] }[] {
    const found = new Map<string, { plan: unknown; pieces: unknown[] }>();
    // A plan's own row comes before those of its pieces.
    for (const { key, value } of this.#plans.getRange({})) {
      const [id = '', piece] = key.split('/');
      if (piece === undefined) found.set(id, { plan: deserialize(value), pieces: [] });
      else found.get(id)?.pieces.push(deserialize(value));
    }
    return [...found.values()];
  }

  async writePlan(id: string, plan: unknown, pieces: ReadonlyMap<number, unknown>): Promise<void> {
    await commit(this.#root, () => {
      if (plan !== undefined) this.#plans.putSync(id, serialize(plan));
      for (const [piece, steps] of pieces)
        this.#plans.putSync(`${id}/${String(piece).padStart(8, '0')}`, serialize(steps));
    });
  }

  /** As of one moment, whoever writes meanwhile. */
  async copyTo(file: string): Promise<void> {
    await this.#root.backup(file, false);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}
