import { z } from '@hono/zod-openapi';
import type { KeyRecord, KeyUsage } from '../core/key.js';
import type { Operator, SealedCredential } from '../engine/ports.js';
import { keyLimits } from '../keys/inputs.js';
import { type KeyState, stateOf } from '../keys/state.js';

/** What the admin API shows of its records: times in ISO 8601, never a fingerprint or a secret. */
const time = z.iso.datetime();
const act = z.object({ at: time, by: z.string(), why: z.string() });

export const usageView = z
  .object({
    accepted: z.number().int(),
    refused: z.number().int(),
    firstUsedAt: time.optional(),
    lastUsedAt: time.optional(),
    lastAddress: z.string().optional(),
    lastUserAgent: z.string().optional(),
    lastOperation: z.string().optional(),
    lastRefusedAt: time.optional(),
    lastRefusedAddress: z.string().optional(),
    lastRefusedUserAgent: z.string().optional(),
    acceptedSinceReplaced: z
      .number()
      .int()
      .optional()
      .describe('Uses of a replaced key in its overlap: who has not moved yet.'),
    quotaUsed: z.number().int().optional(),
    quotaPeriod: z.string().optional(),
  })
  .openapi('Usage');

export const keyView = z
  .object({
    id: z.string(),
    kind: z.enum(['issued', 'imported', 'foreign']),
    state: z.enum(['active', 'frozen', 'suspended', 'revoked', 'rotated', 'overlapping', 'expired']),
    env: z.string().optional(),
    name: z.string(),
    tenant: z.string(),
    principal: z.string(),
    upstreams: z.array(z.string()),
    sealed: z.string().optional(),
    createdAt: time,
    createdBy: z.string(),
    expiresAt: time.optional(),
    idleSeconds: z.number().optional(),
    suspended: act.optional(),
    frozen: act.extend({ limits: keyLimits }).optional(),
    revoked: act.optional(),
    replaces: z.string().optional(),
    issuedWith: z.string().optional(),
    replaced: z.object({ by: z.string(), at: time, overlapUntil: time }).optional(),
    limits: keyLimits,
    unmatched: z
      .array(z.string())
      .optional()
      .describe('Rules of its operations that match nothing in the catalogs; not told in lists.'),
    usage: usageView,
  })
  .openapi('Key');

export const issuedView = z
  .object({ key: keyView, credential: z.string().describe('Shown this once; Keyward keeps only its HMAC.') })
  .openapi('IssuedKey');

export const sealedView = z
  .object({
    name: z.string(),
    upstream: z.string(),
    header: z.string(),
    template: z.string(),
    createdAt: time,
    masterKeyId: z.string(),
  })
  .openapi('SealedCredential');

export const operatorView = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(['admin', 'viewer']),
    createdAt: time,
    revokedAt: time.optional(),
  })
  .openapi('Operator');

export type KeyView = z.output<typeof keyView>;
export type UsageView = z.output<typeof usageView>;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Without the fields that are undefined: absent in JSON, absent in the type. */
function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function atOf<T extends { readonly atMs: number; readonly by: string; readonly why: string }>(
  event: T | undefined,
) {
  return event === undefined ? undefined : { at: iso(event.atMs), by: event.by, why: event.why };
}

export function viewUsage(usage: KeyUsage | undefined): UsageView {
  const { firstUsedMs, lastUsedMs, lastRefusedMs, ...rest } = usage ?? { accepted: 0, refused: 0 };
  const times = { firstUsedAt: firstUsedMs, lastUsedAt: lastUsedMs, lastRefusedAt: lastRefusedMs };
  return present({
    ...rest,
    ...Object.fromEntries(
      Object.entries(times).map(([name, ms]) => [name, ms === undefined ? undefined : iso(ms)]),
    ),
  });
}

export function viewKey(key: KeyRecord, usage: KeyUsage | undefined, nowMs: number): KeyView {
  const { fingerprint: _, createdMs, expiresMs, idleMs, suspended, frozen, revoked, replaced, ...rest } = key;
  const state: KeyState = stateOf(key, nowMs);
  return present({
    ...rest,
    state,
    createdAt: iso(createdMs),
    expiresAt: expiresMs === undefined ? undefined : iso(expiresMs),
    idleSeconds: idleMs === undefined ? undefined : idleMs / 1000,
    suspended: atOf(suspended),
    frozen:
      frozen === undefined ? undefined : { ...(atOf(frozen) as z.output<typeof act>), limits: frozen.limits },
    revoked: atOf(revoked),
    replaced:
      replaced === undefined
        ? undefined
        : { by: replaced.by, at: iso(replaced.atMs), overlapUntil: iso(replaced.overlapUntilMs) },
    usage: viewUsage(usage),
  });
}

export function viewSealed(sealed: SealedCredential): z.output<typeof sealedView> {
  const { name, upstream, header, template, createdMs, masterKeyId } = sealed;
  return { name, upstream, header, template, createdAt: iso(createdMs), masterKeyId };
}

export function viewOperator(operator: Operator): z.output<typeof operatorView> {
  const { id, name, role, createdMs, revokedMs } = operator;
  return present({
    id,
    name,
    role,
    createdAt: iso(createdMs),
    revokedAt: revokedMs === undefined ? undefined : iso(revokedMs),
  });
}
