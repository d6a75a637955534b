import { z } from 'zod';
import { locationRules } from '../config/schema.js';
import { timeWindow } from '../config/time-window.js';
import { UNNAMED_PRINCIPAL } from '../core/key.js';
import { ruleFault } from '../core/scope.js';
import { ENV_PATTERN, OPERATOR_ENV } from './format.js';

/** What operators hand in, checked field by field. Times are ISO 8601, durations are in seconds. */
export const idText = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/, 'letters, digits and . _ @ : - only, at most 128');
const instant = z.iso.datetime({ offset: true, error: 'must be a time like 2026-12-31T23:59:59Z' });
/** A rule that can never match would, among those that deny, allow what it was meant to stop. */
const pattern = z
  .string()
  .min(1)
  .max(512)
  .superRefine((text, context) => {
    const fault = ruleFault(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: `"${text}": ${fault}` });
  });
const patterns = z.array(pattern).max(10_000);

/** Limits of a key. */
export const keyLimits = z.strictObject({
  operations: z
    .strictObject({
      allow: patterns
        .optional()
        .describe(
          'Names, name patterns (users.*) or METHOD /path/{template}; the method may be *, {rest+} at the end stands for all that follows.',
        ),
      deny: patterns.optional(),
      privilegeMax: z
        .union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
        .optional(),
    })
    .optional(),
  locations: locationRules.optional(),
  windows: z.array(timeWindow).max(100).optional(),
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

const keyName = z.string().min(1).max(200);
const sealedName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower-case letters, digits and . _ - only');

export const issueInput = z.strictObject({
  name: keyName,
  tenant: idText.default('default'),
  principal: idText.default(UNNAMED_PRINCIPAL),
  env: z
    .string()
    .regex(ENV_PATTERN, 'lower-case letters and digits only')
    .refine((env) => env !== OPERATOR_ENV, 'is kept for the tokens of operators')
    .default('live'),
  upstreams: z.array(z.string()).default([]).describe('Upstreams it opens; empty: all.'),
  sealed: z.string().optional().describe('Sealed upstream credential to inject in its place.'),
  expires: instant.optional(),
  idleSeconds: z.number().int().min(1).optional(),
  limits: keyLimits.default({}),
  issuedWith: z
    .string()
    .optional()
    .describe('The key with which this one was asked for: should that be stolen, this one is suspect.'),
});

export const importInput = issueInput.omit({ env: true }).extend({
  algorithm: z.enum(['sha256', 'sha512']),
  hash: z.string().regex(/^[0-9a-fA-F]+$/, 'must be the hex digest'),
});

/** A key that the upstream itself issued: recognised from now on, kept only as a fingerprint. */
export const registerInput = issueInput.omit({ env: true, upstreams: true, sealed: true }).extend({
  upstream: z.string(),
  credential: z.string().regex(/^[!-~]{8,8192}$/, 'must be printable ASCII, 8 to 8192 characters'),
});

/** What can change on a key. `null` removes a field; limits are replaced as a whole. */
export const changeInput = z.strictObject({
  name: keyName.optional(),
  tenant: idText.optional(),
  principal: idText.optional(),
  upstreams: z.array(z.string()).optional(),
  sealed: z.string().nullable().optional(),
  expires: instant.nullable().optional(),
  idleSeconds: z.number().int().min(1).nullable().optional(),
  limits: keyLimits.optional(),
});

/** In place of an upstream: a sealed credential that signs webhooks. No upstream can have this name. */
export const WEBHOOKS = '@webhooks';
/** The secret of a Standard Webhooks receiver: 24 to 64 bytes. */
export const WEBHOOK_SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;

const webhook = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) address' })
    .max(2_048)
    .refine((url) => !/^[a-z]+:\/\/[^/?#]*@/i.test(url), 'must not contain a password'),
  secrets: z
    .array(sealedName)
    .min(1)
    .max(2)
    .describe('Sealed credentials for @webhooks that sign it; two while one replaces the other.'),
});

export const tenantContacts = z
  .strictObject({
    emails: z.array(z.email().max(254)).max(20).default([]),
    webhooks: z.array(webhook).max(10).default([]),
  })
  .describe('Where the tenant is told of incidents.');

export const tenantInput = z.strictObject({
  name: z.string().min(1).max(200),
  locations: locationRules.optional(),
  contacts: tenantContacts.optional(),
});

export const sealInput = z.strictObject({
  name: sealedName,
  upstream: z.string(),
  header: z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'is not a header name'),
  template: z
    .string()
    .max(1_024)
    .regex(/^[ -z|~]*\{secret\}[ -z|~]*$/, 'must be printable and contain {secret} once')
    .default('{secret}'),
  secret: z
    .string()
    .regex(/^[!-~]{1,8192}$/, 'must be printable ASCII without spaces, at most 8192 characters'),
});

export type IssueInput = z.output<typeof issueInput>;
export type ImportInput = z.output<typeof importInput>;
export type RegisterInput = z.output<typeof registerInput>;
export type ChangeInput = z.output<typeof changeInput>;
export type TenantInput = z.output<typeof tenantInput>;
export type SealInput = z.output<typeof sealInput>;
