import type { CompiledFreeze, CompiledLimits, Credential, Subject } from '../core/guard.js';
import { type KeyLimits, type KeyRecord, type KeyUsage, UNNAMED_PRINCIPAL } from '../core/key.js';
import { compileLocations } from '../core/location.js';
import type { Bucket, RateResult } from '../core/rate.js';
import { compileOperations } from '../core/scope.js';
import type { KeyStore } from '../engine/ports.js';
import type { Fingerprints } from './fingerprint.js';
import { newKeyId, parseKey } from './format.js';

type MutableUsage = { -readonly [Field in keyof KeyUsage]: KeyUsage[Field] };

/** Requests of a key that were let through; stays the same object while its record changes. */
export interface Flight {
  /** Forwarded and not ended. */
  running: number;
  /** The latest, by the monotonic clock. */
  last: { readonly request: string; readonly atMs: number } | undefined;
}

/** A key in memory: the core's subject, with the state that requests change. */
export interface LiveKey extends Subject {
  readonly key: KeyRecord;
  usage: MutableUsage;
  bucket: Bucket | undefined;
  readonly flight: Flight;
  readonly epoch: number;
}

/** What one request did to its key's counters. */
export interface Use {
  readonly timeMs: number;
  readonly address: string;
  readonly userAgent: string;
  readonly operation: string;
  readonly accepted: boolean;
  readonly rate: RateResult | undefined;
  readonly quota: { readonly used: number; readonly period: string } | undefined;
}

export type ForeignKeys = 'refuse' | 'known' | 'enrol';

const LIVE_KEYS_MAX = 200_000;
const RECOGNISED_MAX = 100_000;
const USER_AGENT_CHARS_MAX = 256;

/**
 * Finds the key behind a presented credential and keeps what requests need of it in memory. A credential is
 * looked up by its fingerprint alone, so a wrong secret and an unknown key take the same steps.
 */
export class KeyDirectory {
  readonly #store: KeyStore;
  readonly #fingerprints: Fingerprints;
  readonly #live = new Map<string, LiveKey>();
  /** Credentials seen before, to their key id: spares the HMAC. Holds only what opened a key. */
  readonly #recognised = new Map<string, string>();
  readonly #dirty = new Set<string>();
  #epoch = 0;
  #version = 0;

  constructor(store: KeyStore, fingerprints: Fingerprints) {
    this.#store = store;
    this.#fingerprints = fingerprints;
  }

  identify(credential: string, upstream: string, foreign: ForeignKeys): Credential {
    const seen = this.#recognised.get(`${upstream}\0${credential}`);
    const live = seen === undefined ? this.#lookUp(credential, upstream, foreign) : this.live(seen);
    if (live !== undefined) return { kind: 'known', subject: live };
    return foreign === 'enrol' && parseKey(credential) === undefined
      ? { kind: 'unregistered' }
      : { kind: 'unknown' };
  }

  /** Grows with every refresh: while it is the same, no key has changed. */
  get version(): number {
    return this.#version;
  }

  /** The key in memory, loaded when it is not there. */
  live(id: string): LiveKey | undefined {
    const known = this.#live.get(id);
    if (known !== undefined) return known.epoch === this.#epoch ? known : this.#reload(id, known);
    const record = this.#store.key(id);
    if (record === undefined) return undefined;
    const live = this.#load(record);
    if (this.#live.size >= LIVE_KEYS_MAX) this.#evictOldest();
    this.#live.set(id, live);
    return live;
  }

  /** The record changed: counters stay, limits are read again with the next request. */
  refresh(id: string): void {
    this.#version += 1;
    const before = this.#live.get(id);
    if (before !== undefined) this.#reload(id, before);
  }

  /** Any record may have changed: each is read again when it is next asked for. */
  refreshAll(): void {
    this.#version += 1;
    this.#epoch += 1;
  }

  #reload(id: string, before: LiveKey): LiveKey | undefined {
    const record = this.#store.key(id);
    if (record === undefined) {
      this.#live.delete(id);
      return undefined;
    }
    const { usage, bucket, flight } = before;
    const live = { ...this.#load(record), usage, bucket, flight };
    this.#live.set(id, live);
    return live;
  }

  /** What was let through of a key, as far as this process remembers. */
  flight(id: string): Flight | undefined {
    return this.#live.get(id)?.flight;
  }

  /** A tenant's rules changed. */
  refreshTenant(tenant: string): void {
    this.#version += 1;
    for (const live of [...this.#live.values()]) if (live.key.tenant === tenant) this.refresh(live.key.id);
  }

  /** A call that is not decided yet has its place in the rate: those beside it must not have the same. */
  takeRate(live: LiveKey, { bucket }: RateResult): void {
    live.bucket = bucket;
  }

  record(live: LiveKey, use: Use): void {
    const { usage } = live;
    const userAgent = use.userAgent.slice(0, USER_AGENT_CHARS_MAX);
    if (use.rate !== undefined) live.bucket = use.rate.bucket;
    if (use.accepted) {
      usage.accepted += 1;
      usage.firstUsedMs ??= use.timeMs;
      usage.lastUsedMs = use.timeMs;
      usage.lastAddress = use.address;
      usage.lastUserAgent = userAgent;
      usage.lastOperation = use.operation;
      if (live.key.replaced !== undefined)
        usage.acceptedSinceReplaced = (usage.acceptedSinceReplaced ?? 0) + 1;
      if (use.quota !== undefined) {
        usage.quotaUsed = use.quota.used;
        usage.quotaPeriod = use.quota.period;
      }
    } else {
      usage.refused += 1;
      usage.lastRefusedMs = use.timeMs;
      usage.lastRefusedAddress = use.address;
      usage.lastRefusedUserAgent = userAgent;
    }
    this.#dirty.add(live.key.id);
  }

  usage(id: string): KeyUsage | undefined {
    return this.#live.get(id)?.usage ?? this.#store.usage(id);
  }

  /** Adds what another process counted. */
  addUsage(id: string, more: KeyUsage): void {
    const live = this.live(id);
    if (live === undefined) return;
    const { usage } = live;
    const later = <T extends number>(a: T | undefined, b: T | undefined) => (a ?? 0) < (b ?? 0);
    usage.accepted += more.accepted;
    usage.refused += more.refused;
    if (more.acceptedSinceReplaced !== undefined)
      usage.acceptedSinceReplaced = (usage.acceptedSinceReplaced ?? 0) + more.acceptedSinceReplaced;
    if (more.quotaPeriod !== undefined) {
      const same = usage.quotaPeriod === more.quotaPeriod;
      usage.quotaUsed = (more.quotaUsed ?? 0) + (same ? (usage.quotaUsed ?? 0) : 0);
      usage.quotaPeriod = more.quotaPeriod;
    }
    if (more.firstUsedMs !== undefined) usage.firstUsedMs ??= more.firstUsedMs;
    if (later(usage.lastUsedMs, more.lastUsedMs)) {
      const { lastUsedMs, lastAddress, lastUserAgent, lastOperation } = more;
      Object.assign(usage, { lastUsedMs, lastAddress, lastUserAgent, lastOperation });
    }
    if (later(usage.lastRefusedMs, more.lastRefusedMs)) {
      const { lastRefusedMs, lastRefusedAddress, lastRefusedUserAgent } = more;
      Object.assign(usage, { lastRefusedMs, lastRefusedAddress, lastRefusedUserAgent });
    }
    this.#dirty.add(id);
  }

  /** Puts counters that depend on other processes, too, in their place: quotas and idle expiry. */
  mendUsage(total: (id: string, own: KeyUsage) => KeyUsage): void {
    for (const [id, live] of this.#live)
      if (live.limits.quota !== undefined || live.key.idleMs !== undefined)
        live.usage = { ...total(id, live.usage) };
  }

  /** Registers an upstream's own credential that the upstream has accepted. */
  async enrol(credential: string, upstream: string, nowMs: number): Promise<KeyRecord | undefined> {
    const fingerprint = this.#fingerprints.foreign(upstream, credential);
    if (this.#store.keyByFingerprint(fingerprint) !== undefined) return undefined;
    const key = foreignKey({
      id: newKeyId(),
      name: `${upstream} key ${fingerprint.slice(0, 6)}`,
      upstream,
      fingerprint,
      createdMs: nowMs,
    });
    await this.#store.write({ keys: [key] });
    return key;
  }

  /** Writes the counters that changed since the last call, and those that could not be written then. */
  async flush(): Promise<void> {
    const usage = new Map<string, KeyUsage>();
    for (const id of this.#dirty) {
      const live = this.#live.get(id);
      if (live !== undefined) usage.set(id, live.usage);
    }
    this.#dirty.clear();
    let left: Iterable<string> = usage.keys();
    try {
      left = await this.#store.writeUsage(usage);
    } finally {
      for (const id of left) this.#dirty.add(id);
    }
  }

  #lookUp(credential: string, upstream: string, foreign: ForeignKeys): LiveKey | undefined {
    for (const fingerprint of this.#candidates(credential, upstream, foreign)) {
      const record = this.#store.keyByFingerprint(fingerprint);
      if (record === undefined) continue;
      if (this.#recognised.size >= RECOGNISED_MAX) this.#recognised.clear();
      this.#recognised.set(`${upstream}\0${credential}`, record.id);
      return this.live(record.id);
    }
    return undefined;
  }

  #candidates(credential: string, upstream: string, foreign: ForeignKeys): string[] {
    if (parseKey(credential) !== undefined) return [this.#fingerprints.issued(credential)];
    const candidates = [
      this.#fingerprints.importedOf('sha256', credential),
      this.#fingerprints.importedOf('sha512', credential),
    ];
    if (foreign !== 'refuse') candidates.unshift(this.#fingerprints.foreign(upstream, credential));
    return candidates;
  }

  #load(key: KeyRecord): LiveKey {
    return {
      key,
      usage: { ...(this.#store.usage(key.id) ?? { accepted: 0, refused: 0 }) },
      bucket: undefined,
      flight: { running: 0, last: undefined },
      epoch: this.#epoch,
      limits: compileLimits(key.limits),
      tenantLocations: compileLocations(this.#store.tenant(key.tenant)?.locations),
      freeze: key.frozen === undefined ? undefined : compileFreeze(key.frozen.limits),
    };
  }

  /** Counters of the evicted key are kept: it is written first. One with exchanges in flight stays. */
  #evictOldest(): void {
    for (const [id, { flight }] of this.#live) {
      if (this.#dirty.has(id) || flight.running > 0) continue;
      this.#live.delete(id);
      return;
    }
  }
}

function compileFreeze({
  operations,
  locations,
}: Pick<KeyLimits, 'operations' | 'locations'>): CompiledFreeze {
  return { operations: compileOperations(operations), locations: compileLocations(locations) };
}

/** An upstream's own key as it is enrolled: nothing is known of its owner. */
export function foreignKey({
  upstream,
  ...rest
}: Pick<KeyRecord, 'id' | 'name' | 'fingerprint' | 'createdMs'> & { readonly upstream: string }): KeyRecord {
  return {
    ...rest,
    kind: 'foreign',
    tenant: 'unassigned',
    principal: UNNAMED_PRINCIPAL,
    upstreams: [upstream],
    createdBy: 'enrolment',
    limits: {},
  };
}

/** Limits made ready for the guard. */
export function compileLimits(limits: KeyLimits): CompiledLimits {
  return {
    operations: compileOperations(limits.operations),
    locations: compileLocations(limits.locations),
    windows: limits.windows ?? [],
    rate: limits.rate,
    quota: limits.quota,
    bodyBytesMax: limits.bodyBytesMax,
  };
}
