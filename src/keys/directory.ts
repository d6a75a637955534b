import type { CompiledFreeze, CompiledLimits, Credential, Subject } from '../core/guard.js';
import { type KeyLimits, type KeyRecord, type KeyUsage, UNNAMED_PRINCIPAL } from '../core/key.js';
import { compileLocations } from '../core/location.js';
import type { Bucket, RateResult } from '../core/rate.js';
import { compileOperations } from '../core/scope.js';
import type { KeyStore } from '../engine/ports.js';
import type { Fingerprints } from './fingerprint.js';
import { newKeyId, parseKey } from './format.js';

type MutableUsage = { -readonly [Field in keyof KeyUsage]: KeyUsage[Field] };

/** A key in memory: the core's subject, with the state that requests change. */
export interface LiveKey extends Subject {
  readonly key: KeyRecord;
  usage: MutableUsage;
  bucket: Bucket | undefined;
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

  /** The key in memory, loaded when it is not there. */
  live(id: string): LiveKey | undefined {
    const known = this.#live.get(id);
    if (known !== undefined) return known;
    const record = this.#store.key(id);
    if (record === undefined) return undefined;
    const live = this.#load(record);
    if (this.#live.size >= LIVE_KEYS_MAX) this.#evictOldest();
    this.#live.set(id, live);
    return live;
  }

  /** The record changed: counters stay, limits are read again with the next request. */
  refresh(id: string): void {
    const before = this.#live.get(id);
    if (before === undefined) return;
    const record = this.#store.key(id);
    if (record === undefined) this.#live.delete(id);
    else this.#live.set(id, { ...this.#load(record), usage: before.usage, bucket: before.bucket });
  }

  /** A tenant's rules changed. */
  refreshTenant(tenant: string): void {
    for (const live of [...this.#live.values()]) if (live.key.tenant === tenant) this.refresh(live.key.id);
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

  /** Registers an upstream's own credential that the upstream has accepted. */
  async enrol(credential: string, upstream: string, nowMs: number): Promise<KeyRecord | undefined> {
    const fingerprint = this.#fingerprints.foreign(upstream, credential);
    if (this.#store.keyByFingerprint(fingerprint) !== undefined) return undefined;
    const id = newKeyId();
    const key: KeyRecord = {
      id,
      kind: 'foreign',
      name: `${upstream} key ${fingerprint.slice(0, 6)}`,
      tenant: 'unassigned',
      principal: UNNAMED_PRINCIPAL,
      upstreams: [upstream],
      fingerprint,
      createdMs: nowMs,
      createdBy: 'enrolment',
      limits: {},
    };
    await this.#store.write({ keys: [key] });
    return key;
  }

  /** Writes the counters that changed since the last call. */
  async flush(): Promise<void> {
    const usage = new Map<string, KeyUsage>();
    for (const id of this.#dirty) {
      const live = this.#live.get(id);
      if (live !== undefined) usage.set(id, live.usage);
    }
    this.#dirty.clear();
    await this.#store.writeUsage(usage);
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
      limits: compileLimits(key.limits),
      tenantLocations: compileLocations(this.#store.tenant(key.tenant)?.locations),
      freeze: key.frozen === undefined ? undefined : compileFreeze(key.frozen.limits),
    };
  }

  /** Counters of the evicted key are kept: it is written first. */
  #evictOldest(): void {
    for (const id of this.#live.keys()) {
      if (this.#dirty.has(id)) continue;
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
