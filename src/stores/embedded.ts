import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { KeyRecord, KeyUsage, Tenant } from '../core/key.js';
import type {
  BaselineStore,
  KeptPopulation,
  KeyStore,
  Operator,
  SealedCredential,
  WriteSet,
} from '../engine/ports.js';
import { NoticeTables } from './notices.js';

const EVERYONE = 'everyone';
const MAP_BYTES_MAX = 64 * 1024 ** 3;

/**
 * The embedded store: one LMDB environment in the data directory. Reads are from the memory map, writes are
 * transactions that resolve once synced to disk. Safe over kill -9, and readable by other processes.
 */
export class EmbeddedStore implements KeyStore, BaselineStore {
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
    this.#population = root.openDB({ name: 'population', encoding: 'binary' });
  }

  static open(directory: string): EmbeddedStore {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return new EmbeddedStore(
      open({
        path: path.join(directory, 'keyward.lmdb'),
        mapSize: MAP_BYTES_MAX,
        maxDbs: 32,
        overlappingSync: false,
        noSubdir: true,
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

  async write(set: WriteSet): Promise<void> {
    await this.#root.transaction(() => {
      for (const key of set.keys ?? []) {
        this.#keys.putSync(key.id, key);
        this.#fingerprints.putSync(key.fingerprint, key.id);
      }
      for (const tenant of set.tenants ?? []) this.#tenants.putSync(tenant.id, tenant);
      for (const sealed of set.sealed ?? []) this.#sealed.putSync(sealed.name, sealed);
      for (const operator of set.operators ?? []) this.#operators.putSync(operator.id, operator);
      for (const id of set.removeTenants ?? []) this.#tenants.removeSync(id);
      for (const name of set.removeSealed ?? []) this.#sealed.removeSync(name);
      this.notices.apply(set);
    });
  }

  async writeUsage(usage: ReadonlyMap<string, KeyUsage>): Promise<void> {
    if (usage.size === 0) return;
    await this.#root.transaction(() => {
      for (const [id, value] of usage) this.#usage.putSync(id, value);
    });
  }

  baseline(key: string): Uint8Array | undefined {
    return this.#baselines.get(key);
  }

  population(): KeptPopulation | undefined {
    const bytes = this.#population.get(EVERYONE);
    return bytes === undefined ? undefined : (deserialize(bytes) as KeptPopulation);
  }

  async writeBaselines(
    baselines: ReadonlyMap<string, Uint8Array>,
    population: KeptPopulation | undefined,
  ): Promise<void> {
    if (baselines.size === 0 && population === undefined) return;
    await this.#root.transaction(() => {
      for (const [key, bytes] of baselines) this.#baselines.putSync(key, Buffer.from(bytes));
      if (population !== undefined) this.#population.putSync(EVERYONE, serialize(population));
    });
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}
