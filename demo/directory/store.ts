import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { sha256 } from './ids.js';
import type {
  AgentRecord,
  DirectoryEvent,
  Document,
  JsonObject,
  Kind,
  Link,
  Organization,
  QueuedRun,
  ScheduleRecord,
} from './model.js';
import { Vault } from './vault.js';

/** What a key opens; kept under the hash of the key, never with the key. */
export interface KeyRecord {
  readonly kind: 'admin' | 'service_account' | 'provider';
  /** Of a provider key: none, `x-org-id` names it. */
  readonly organization: string | null;
  readonly provider: string | null;
  readonly owner: string;
  readonly email: string;
  readonly state: 'active' | 'old';
  readonly expiresAt: number | null;
}

const LAST = '\uffff';
const MAP_BYTES_MAX = 8 * 1024 ** 3;

/** One LMDB environment. A change and its event are one transaction; what was answered is on disk. */
export class DirectoryStore {
  readonly #root: RootDatabase;
  readonly #organizations: Database<Organization, string>;
  readonly #keys: Database<KeyRecord, string>;
  readonly #queue: Database<QueuedRun, string[]>;
  readonly #agents: Database<AgentRecord, string>;
  readonly #schedules: Database<ScheduleRecord, string>;
  readonly #facts: Database<string, string>;
  readonly #tables: Tables;
  /** Rings with the id of the device that has something to do. */
  readonly bell = new EventEmitter().setMaxListeners(0);
  readonly directory: string;
  readonly vault: Vault;
  readonly hidden: HiddenTable;

  private constructor(root: RootDatabase, directory: string) {
    this.#root = root;
    this.directory = directory;
    this.vault = Vault.open(directory);
    this.#organizations = root.openDB({ name: 'organizations' });
    this.#keys = root.openDB({ name: 'keys' });
    this.#queue = root.openDB({ name: 'runs' });
    this.#agents = root.openDB({ name: 'agents' });
    this.#schedules = root.openDB({ name: 'schedules' });
    this.#facts = root.openDB({ name: 'facts' });
    this.hidden = new HiddenTable(root.openDB({ name: 'hidden' }));
    this.#tables = {
      hidden: this.hidden,
      documents: root.openDB({ name: 'documents' }),
      links: root.openDB({ name: 'links' }),
      events: root.openDB({ name: 'events' }),
    };
  }

  static open(directory: string): DirectoryStore {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = path.join(directory, 'directory.lmdb');
    const options = { noSubdir: true, overlappingSync: false, maxDbs: 16, mapSize: MAP_BYTES_MAX };
    return new DirectoryStore(open({ path: file, ...options }), directory);
  }

  /** All or nothing; resolves when it is on disk. */
  change<T>(work: () => T): Promise<T> {
    return this.#root.childTransaction(work) as Promise<T>;
  }

  organization(id: string): Organization | undefined {
    return this.#organizations.get(id);
  }

  organizations(): Organization[] {
    return [...this.#organizations.getRange({})].map(({ value }) => value);
  }

  putOrganization(organization: Organization): void {
    this.#organizations.putSync(organization._id, organization);
  }

  key(hash: string): KeyRecord | undefined {
    return this.#keys.get(hash);
  }

  putKey(hash: string, record: KeyRecord): void {
    this.#keys.putSync(hash, record);
  }

  /** What opened the owner's door opens nothing any more, but is still known. */
  retireKeys(owner: string): void {
    for (const { key, value } of [...this.#keys.getRange({})]) {
      if (value.owner === owner && value.state === 'active')
        this.#keys.putSync(key, { ...value, state: 'old' });
    }
  }

  queued(): QueuedRun[] {
    return [...this.#queue.getRange({})].map(({ value }) => value);
  }

  queuedFor(system: string): QueuedRun[] {
    const range = { start: [system], end: [system, LAST] };
    return [...this.#queue.getRange(range)].map(({ value }) => value);
  }

  queuedRun(system: string, id: string): QueuedRun | undefined {
    return this.#queue.get([system, id]);
  }

  enqueue(run: QueuedRun): void {
    this.#queue.putSync([run.system, run.id], run);
    this.bell.emit(run.system);
  }

  dequeue({ system, id }: QueuedRun): void {
    this.#queue.removeSync([system, id]);
  }

  /** Under the device's id; what is old stays, so that its key is known for old. */
  agent(system: string): AgentRecord | undefined {
    return this.#agents.get(system);
  }

  agents(): AgentRecord[] {
    return [...this.#agents.getRange({})].map(({ value }) => value);
  }

  putAgent(record: AgentRecord): void {
    this.#agents.putSync(record.system, record);
  }

  schedules(): ScheduleRecord[] {
    return [...this.#schedules.getRange({})].map(({ value }) => value);
  }

  putSchedule(record: ScheduleRecord): void {
    this.#schedules.putSync(record.command, record);
  }

  removeSchedule(command: string): void {
    this.#schedules.removeSync(command);
  }

  fact(name: string): string | undefined {
    return this.#facts.get(name);
  }

  putFact(name: string, value: string): void {
    this.#facts.putSync(name, value);
  }

  /** The only door to data: it has one organisation behind it. */
  tenant(organization: string): TenantStore {
    return new TenantStore(this.#tables, organization);
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

/**
 * Secrets, sessions, codes and who signs in by which address. Beside the objects, never in them: no filter, sort,
 * search or list can see them. The first part of a key says what it is.
 */
export class HiddenTable {
  readonly #records: Database<object, string[]>;

  constructor(records: Database<object, string[]>) {
    this.#records = records;
  }

  get<T extends object>(key: string[]): T | undefined {
    return this.#records.get(key) as T | undefined;
  }

  put(key: string[], value: object): void {
    this.#records.putSync(key, value);
  }

  remove(key: string[]): void {
    this.#records.removeSync(key);
  }

  under<T extends object>(prefix: string[]): { key: string[]; value: T }[] {
    const range = { start: prefix, end: [...prefix, LAST] };
    return [...this.#records.getRange(range)].map(({ key, value }) => ({ key, value: value as T }));
  }

  removeUnder(prefix: string[]): void {
    for (const { key } of this.under(prefix)) this.remove(key);
  }
}

/** By hash: whatever somebody types is as long as any other. */
export function loginPrefix(kind: Kind, email: string): string[] {
  return ['login', kind, sha256(email.trim().toLowerCase())];
}

interface Tables {
  readonly hidden: HiddenTable;
  readonly documents: Database<Document, string[]>;
  readonly links: Database<JsonObject | null, string[]>;
  readonly events: Database<DirectoryEvent, string[]>;
}

export interface EventRange {
  /** ISO 8601; both included. */
  readonly from: string;
  readonly to: string;
}

/** Every key begins with the organisation: nothing here can name another one's data. */
export class TenantStore {
  readonly #tables: Tables;
  readonly organization: string;

  constructor(tables: Tables, organization: string) {
    this.#tables = tables;
    this.organization = organization;
  }

  get(kind: Kind, id: string): Document | undefined {
    return this.#tables.documents.get([this.organization, kind, id]);
  }

  all(kind: Kind): Document[] {
    const [start, end] = this.#range(kind);
    return [...this.#tables.documents.getRange({ start, end })].map(({ value }) => value);
  }

  put(kind: Kind, document: Document): void {
    if (kind === 'user' || kind === 'admin') this.#putLogin(kind, document);
    this.#tables.documents.putSync([this.organization, kind, document._id], document);
  }

  /** With its secrets. */
  remove(kind: Kind, id: string): void {
    const email = this.get(kind, id)?.email;
    if (kind === 'user' || kind === 'admin') this.#tables.hidden.remove(this.#login(kind, email));
    this.#tables.hidden.removeUnder(['secret', this.organization, kind, id]);
    this.#tables.documents.removeSync([this.organization, kind, id]);
  }

  link(type: string, id: string, toType: string, toId: string): JsonObject | null | undefined {
    return this.#tables.links.get([this.organization, type, id, toType, toId]);
  }

  /** Sorted by type and id of the other side. */
  links(type: string, id: string, toType?: string): Link[] {
    const [start, end] = this.#range(type, id, ...(toType === undefined ? [] : [toType]));
    return [...this.#tables.links.getRange({ start, end })].map(({ key, value }) => ({
      type: key[3] as string,
      id: key[4] as string,
      attributes: value,
    }));
  }

  /** Kept from both sides, so that either can be asked. */
  putLink(type: string, id: string, to: Link): void {
    this.#tables.links.putSync([this.organization, type, id, to.type, to.id], to.attributes);
    this.#tables.links.putSync([this.organization, to.type, to.id, type, id], to.attributes);
  }

  removeLink(type: string, id: string, toType: string, toId: string): void {
    this.#tables.links.removeSync([this.organization, type, id, toType, toId]);
    this.#tables.links.removeSync([this.organization, toType, toId, type, id]);
  }

  append(event: DirectoryEvent): void {
    this.#tables.events.putSync([this.organization, event.timestamp, event.id], event);
  }

  events({ from, to }: EventRange): DirectoryEvent[] {
    const start = [this.organization, from];
    const end = [this.organization, to, LAST];
    return [...this.#tables.events.getRange({ start, end })].map(({ value }) => value);
  }

  removeEventsBefore(timestamp: string): void {
    const range = { start: [this.organization], end: [this.organization, timestamp] };
    for (const key of [...this.#tables.events.getKeys(range)]) this.#tables.events.removeSync(key);
  }

  /** By which address somebody signs in. */
  #putLogin(kind: Kind, document: Document): void {
    const before = this.get(kind, document._id);
    if (before !== undefined && before.email !== document.email)
      this.#tables.hidden.remove(this.#login(kind, before.email));
    this.#tables.hidden.put(this.#login(kind, document.email), { id: document._id });
  }

  #login(kind: Kind, email: unknown): string[] {
    return [...loginPrefix(kind, String(email)), this.organization];
  }

  #range(...parts: string[]): [string[], string[]] {
    return [
      [this.organization, ...parts],
      [this.organization, ...parts, LAST],
    ];
  }
}
