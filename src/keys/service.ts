import { z } from 'zod';
import { locationRules } from '../config/schema.js';
import type { KeyLimits, KeyRecord, KeyUsage, Tenant } from '../core/key.js';
import { validateLocationRules } from '../core/location.js';
import type { KeyDirectory } from '../engine/key-directory.js';
import type { Journal, KeyStore } from '../engine/ports.js';
import { Exclusive } from './exclusive.js';
import type { Fingerprints, ImportedHash } from './fingerprint.js';
import { ENV_PATTERN, mintKey, newKeyId } from './format.js';

const id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/, 'letters, digits and . _ @ : - only, at most 128');
const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM');
const timeZone = z.string().refine((name) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, 'is not an IANA time zone');

/** Limits of a key, as operators write them. */
export const keyLimits = z.strictObject({
  operations: z
    .strictObject({
      allow: z.array(z.string().min(1).max(512)).max(10_000).optional(),
      deny: z.array(z.string().min(1).max(512)).max(10_000).optional(),
      privilegeMax: z
        .union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
        .optional(),
    })
    .optional(),
  locations: locationRules.optional(),
  windows: z
    .array(
      z.strictObject({
        days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).optional(),
        from: clockTime,
        to: clockTime,
        timeZone: timeZone.optional(),
      }),
    )
    .max(100)
    .optional(),
  rate: z
    .strictObject({
      requests: z.number().int().min(1).max(1e9),
      seconds: z.number().int().min(1).max(86_400),
    })
    .optional(),
  quota: z
    .strictObject({ requests: z.number().int().min(1).max(1e12), per: z.enum(['day', 'month']) })
    .optional(),
  bodyBytesMax: z.number().int().min(0).optional(),
});

export const issueInput = z.strictObject({
  name: z.string().min(1).max(200),
  tenant: id.default('default'),
  principal: id.default('unknown'),
  env: z.string().regex(ENV_PATTERN, 'lower-case letters and digits only').default('live'),
  upstreams: z.array(z.string()).default([]),
  sealed: z.string().optional(),
  expires: instant.optional(),
  idleSeconds: z.number().int().min(1).optional(),
  limits: keyLimits.default({}),
});

export const importInput = issueInput.omit({ env: true }).extend({
  algorithm: z.enum(['sha256', 'sha512']),
  hash: z.string().regex(/^[0-9a-fA-F]+$/, 'must be the hex digest'),
});

export type IssueInput = z.output<typeof issueInput>;

/** A request that cannot be carried out: its text is for the operator. */
export class KeyFault extends Error {
  override readonly name = 'KeyFault';
  readonly code: 'not_found' | 'conflict' | 'invalid';

  constructor(code: 'not_found' | 'conflict' | 'invalid', message: string) {
    super(message);
    this.code = code;
  }
}

export type KeyState = 'active' | 'suspended' | 'revoked' | 'rotated' | 'overlapping' | 'expired';

export function stateOf(key: KeyRecord, nowMs: number): KeyState {
  if (key.revoked !== undefined) return 'revoked';
  if (key.replaced !== undefined) return nowMs < key.replaced.overlapUntilMs ? 'overlapping' : 'rotated';
  if (key.suspended !== undefined) return 'suspended';
  return key.expiresMs !== undefined && nowMs >= key.expiresMs ? 'expired' : 'active';
}

interface Parts {
  readonly store: KeyStore;
  readonly directory: KeyDirectory;
  readonly journal: Journal;
  readonly fingerprints: Fingerprints;
  readonly now: () => number;
  readonly upstreams: () => readonly string[];
}

/** The life of keys: every change is in the journal, on disk, before it takes effect. */
export class KeyService {
  readonly #parts: Parts;
  readonly #exclusive = new Exclusive();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @returns the record and the credential: the only time it is shown. */
  issue(actor: string, input: IssueInput): Promise<{ key: KeyRecord; credential: string }> {
    return this.#exclusive.run(async () => {
      const newId = newKeyId();
      const credential = mintKey(input.env, newId);
      const key = this.#record(actor, input, newId, 'issued', this.#parts.fingerprints.issued(credential));
      await this.#save(actor, 'key.issue', key);
      return { key, credential };
    });
  }

  /** Takes over a key another system issued, known only by its hash: it goes on working. */
  import(actor: string, input: z.output<typeof importInput>): Promise<KeyRecord> {
    return this.#exclusive.run(async () => {
      const digits = { sha256: 64, sha512: 128 }[input.algorithm as ImportedHash];
      if (input.hash.length !== digits)
        throw new KeyFault(
          'invalid',
          `hash: a ${input.algorithm} digest has ${digits} hex digits, this has ${input.hash.length}.`,
        );
      const fingerprint = this.#parts.fingerprints.imported(input.algorithm, input.hash);
      if (this.#parts.store.keyByFingerprint(fingerprint) !== undefined)
        throw new KeyFault('conflict', 'This key was imported before.');
      const key = this.#record(actor, { ...input, env: 'live' }, newKeyId(), 'imported', fingerprint);
      await this.#save(actor, 'key.import', key);
      return key;
    });
  }

  list(options: { after?: string; limit?: number; tenant?: string } = {}): KeyRecord[] {
    const { tenant, ...page } = options;
    if (tenant === undefined) return this.#parts.store.keys(page);
    return this.#parts.store
      .keys({ after: page.after })
      .filter((key) => key.tenant === tenant)
      .slice(0, page.limit);
  }

  /** @throws KeyFault not_found */
  show(keyId: string): KeyRecord {
    const key = this.#parts.store.key(keyId);
    if (key === undefined) throw new KeyFault('not_found', `There is no key ${keyId}.`);
    return key;
  }

  usage(keyId: string): KeyUsage | undefined {
    return this.#parts.directory.usage(keyId);
  }

  limit(actor: string, keyId: string, limits: KeyLimits): Promise<KeyRecord> {
    return this.#exclusive.run(async () => {
      checkLocations(limits);
      const key = { ...this.#living(keyId), limits };
      await this.#save(actor, 'key.limit', key, { limits });
      return key;
    });
  }

  suspend(actor: string, keyId: string, why: string): Promise<KeyRecord> {
    return this.#exclusive.run(async () => {
      const key = { ...this.#living(keyId), suspended: { atMs: this.#parts.now(), by: actor, why } };
      await this.#save(actor, 'key.suspend', key, { why });
      return key;
    });
  }

  resume(actor: string, keyId: string): Promise<KeyRecord> {
    return this.#exclusive.run(async () => {
      const { suspended, ...key } = this.#living(keyId);
      if (suspended === undefined) throw new KeyFault('conflict', `Key ${keyId} is not suspended.`);
      await this.#save(actor, 'key.resume', key);
      return key;
    });
  }

  /** Leaves a tombstone. Revoking again changes nothing and is no error. */
  revoke(actor: string, keyId: string, why: string): Promise<KeyRecord> {
    return this.#exclusive.run(async () => {
      const before = this.show(keyId);
      if (before.revoked !== undefined) return before;
      const key = { ...before, revoked: { atMs: this.#parts.now(), by: actor, why } };
      await this.#save(actor, 'key.revoke', key, { why });
      return key;
    });
  }

  /** Replaces an issued key by a new one with the same limits; the old one works for `overlapSeconds` more. */
  rotate(
    actor: string,
    keyId: string,
    overlapSeconds: number,
  ): Promise<{ key: KeyRecord; credential: string }> {
    return this.#exclusive.run(async () => {
      const { suspended: _, ...before } = this.#living(keyId);
      if (before.kind !== 'issued')
        throw new KeyFault(
          'conflict',
          `Key ${keyId} is ${before.kind}: only an issued key can be rotated here.`,
        );
      if (before.replaced !== undefined)
        throw new KeyFault('conflict', `Key ${keyId} was already replaced by ${before.replaced.by}.`);
      const nowMs = this.#parts.now();
      const newId = newKeyId();
      const credential = mintKey(before.env ?? 'live', newId);
      const key: KeyRecord = {
        ...before,
        id: newId,
        fingerprint: this.#parts.fingerprints.issued(credential),
        createdMs: nowMs,
        createdBy: actor,
        replaces: keyId,
      };
      const replaced = {
        ...this.#living(keyId),
        replaced: { by: newId, atMs: nowMs, overlapUntilMs: nowMs + overlapSeconds * 1000 },
      };
      await this.#act(actor, 'key.rotate', keyId, { by: newId, overlapSeconds });
      await this.#parts.store.write({ keys: [key, replaced] });
      this.#parts.directory.refresh(keyId);
      return { key, credential };
    });
  }

  setTenant(actor: string, tenant: Tenant): Promise<Tenant> {
    return this.#exclusive.run(async () => {
      checkLocations({ locations: tenant.locations });
      await this.#act(actor, 'tenant.set', tenant.id, { ...tenant });
      await this.#parts.store.write({ tenants: [tenant] });
      this.#parts.directory.refreshTenant(tenant.id);
      return tenant;
    });
  }

  #record(
    actor: string,
    input: IssueInput,
    newId: string,
    kind: KeyRecord['kind'],
    fingerprint: string,
  ): KeyRecord {
    checkLocations(input.limits);
    const unknown = input.upstreams.filter((name) => !this.#parts.upstreams().includes(name));
    if (unknown.length > 0)
      throw new KeyFault('invalid', `upstreams: there is no upstream ${unknown.join(', ')}.`);
    if (input.sealed !== undefined && this.#parts.store.sealed(input.sealed) === undefined) {
      throw new KeyFault('invalid', `sealed: there is no sealed credential ${input.sealed}.`);
    }
    return {
      id: newId,
      kind,
      ...(kind === 'issued' ? { env: input.env } : {}),
      name: input.name,
      tenant: input.tenant,
      principal: input.principal,
      upstreams: input.upstreams,
      fingerprint,
      createdMs: this.#parts.now(),
      createdBy: actor,
      limits: input.limits,
      ...(input.sealed === undefined ? {} : { sealed: input.sealed }),
      ...(input.expires === undefined ? {} : { expiresMs: input.expires }),
      ...(input.idleSeconds === undefined ? {} : { idleMs: input.idleSeconds * 1000 }),
    };
  }

  #living(keyId: string): KeyRecord {
    const key = this.show(keyId);
    if (key.revoked !== undefined)
      throw new KeyFault('conflict', `Key ${keyId} is revoked; that cannot be undone.`);
    return key;
  }

  async #save(
    actor: string,
    action: string,
    key: KeyRecord,
    detail: Record<string, unknown> = {},
  ): Promise<void> {
    await this.#act(actor, action, key.id, { name: key.name, tenant: key.tenant, ...detail });
    await this.#parts.store.write({ keys: [key] });
    this.#parts.directory.refresh(key.id);
  }

  #act(actor: string, action: string, target: string, detail: Record<string, unknown>): Promise<void> {
    return this.#parts.journal
      .append({ kind: 'act', time: this.#parts.now(), actor, action, target, detail })
      .durable();
  }
}

function checkLocations(limits: KeyLimits): void {
  if (limits.locations === undefined) return;
  const problems = validateLocationRules(limits.locations);
  if (problems.length > 0) throw new KeyFault('invalid', `locations: ${problems.join('; ')}`);
}
