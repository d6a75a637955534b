import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../wire/ip-address.js';
import { type Credential, guard, guardAgain, type Subject } from './guard.js';
import type { KeyRecord, KeyUsage } from './key.js';
import { compileLocations } from './location.js';
import type { Observation } from './observation.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const address = parseIp('203.0.113.9')!;
const observation: Observation = {
  timeMs: NOW,
  upstream: 'api',
  method: 'GET',
  path: '/users/1',
  operation: { name: 'users.get', template: 'GET /users/{id}', privilege: 1 },
  address: '203.0.113.9',
  place: { country: 'DE', asn: 3320, kind: 'residential' },
  userAgent: 'test',
  objects: [],
  bodyBytes: 0,
};
const policy = { locations: undefined, bodyBytesMax: undefined };
const record: KeyRecord = {
  ...{ id: 'k', kind: 'issued', name: 'n', tenant: 't', principal: 'p', upstreams: [], fingerprint: 'f' },
  ...{ createdMs: NOW - 86_400_000, createdBy: 'test', limits: {} },
};

function subject(parts: {
  key?: Partial<KeyRecord>;
  usage?: Partial<KeyUsage>;
  limits?: Partial<Subject['limits']>;
}): Credential {
  return {
    kind: 'known',
    subject: {
      key: { ...record, ...parts.key },
      usage: { accepted: 0, refused: 0, ...parts.usage },
      bucket: undefined,
      limits: {
        operations: undefined,
        locations: undefined,
        windows: [],
        rate: undefined,
        quota: undefined,
        bodyBytesMax: undefined,
        ...parts.limits,
      },
      tenantLocations: undefined,
      freeze: undefined,
    },
  };
}

const decide = (credential: Credential, facts: Partial<Observation> = {}) => {
  const { verdict } = guard({ ...observation, ...facts }, address, credential, policy);
  if (verdict.decision !== 'deny') return verdict.decision;
  return `${verdict.status} ${verdict.reason.code}`;
};
const by = { atMs: NOW - 1, by: 'x', why: 'y' };
const elsewhere = compileLocations({ allow: [{ cidr: '198.51.100.0/24' }] });

describe('the guard', () => {
  it.each<[string, Credential, string]>([
    ['no key', { kind: 'missing' }, '401 credential_missing'],
    ['a wrong key', { kind: 'unknown' }, '401 credential_invalid'],
    ['two keys', { kind: 'ambiguous' }, '401 credential_ambiguous'],
    ['a good key', subject({}), 'allow'],
    ['a suspended key', subject({ key: { suspended: by } }), '401 key_suspended'],
    ['a revoked key', subject({ key: { revoked: by, suspended: by } }), '401 key_revoked'],
    [
      'a rotated key',
      subject({ key: { replaced: { by: 'z', atMs: 0, overlapUntilMs: NOW } } }),
      '401 key_rotated',
    ],
    [
      'a key in its overlap',
      subject({ key: { replaced: { by: 'z', atMs: 0, overlapUntilMs: NOW + 1 } } }),
      'allow',
    ],
    ['an expired key', subject({ key: { expiresMs: NOW } }), '401 key_expired'],
    ['a key a moment before its end', subject({ key: { expiresMs: NOW + 1 } }), 'allow'],
    ['a key unused too long', subject({ key: { idleMs: 86_400_000 } }), '401 key_idle'],
    [
      'a key used in time',
      subject({ key: { idleMs: 86_400_000 }, usage: { lastUsedMs: NOW - 86_399_999 } }),
      'allow',
    ],
    ['a key of another upstream', subject({ key: { upstreams: ['other'] } }), '403 key_upstream'],
    ['a key from elsewhere', subject({ limits: { locations: elsewhere } }), '403 location_denied'],
    [
      'a revoked key from elsewhere is revoked first',
      subject({ key: { revoked: by }, limits: { locations: elsewhere } }),
      '401 key_revoked',
    ],
    [
      'a used-up quota',
      subject({
        limits: { quota: { requests: 5, per: 'day' } },
        usage: { quotaUsed: 5, quotaPeriod: '2026-11-24' },
      }),
      '429 quota_exceeded',
    ],
    [
      'a quota of yesterday',
      subject({
        limits: { quota: { requests: 5, per: 'day' } },
        usage: { quotaUsed: 5, quotaPeriod: '2026-11-23' },
      }),
      'allow',
    ],
  ])('%s: see the reason', (_, credential, expected) => {
    expect(decide(credential)).toBe(expected);
  });

  it('admits anybody to what the operator called public, and only that', () => {
    const operation = { ...observation.operation, privilege: 0 as const };
    expect(decide({ kind: 'missing' }, { operation })).toBe('allow');
    expect(decide({ kind: 'unknown' }, { operation })).toBe('401 credential_invalid');
  });

  it('refuses by size, declared or not above the limit', () => {
    const credential = subject({ limits: { bodyBytesMax: 10 } });
    expect(decide(credential, { bodyBytes: 10 })).toBe('allow');
    expect(decide(credential, { bodyBytes: 11 })).toBe('413 body_too_large');
    // Not declared: the edge counts while it streams.
    expect(decide(credential, { bodyBytes: undefined })).toBe('allow');
  });

  it('is a function: the same facts give the same decision', () => {
    const credential = subject({ limits: { rate: { requests: 1, seconds: 1 } } });
    fc.assert(
      fc.property(fc.nat({ max: 1e12 }), fc.constantFrom(0, 1, 2, 3, 4), (timeMs, privilege) => {
        const operation = { ...observation.operation, privilege: privilege as 0 };
        const facts = { ...observation, timeMs, operation };
        expect(guard(facts, address, credential, policy)).toEqual(guard(facts, address, credential, policy));
      }),
    );
  });

  it('takes nothing from rate or quota for what it refuses', () => {
    const decision = guard(
      observation,
      address,
      subject({ limits: { locations: elsewhere, rate: { requests: 1, seconds: 1 } } }),
      policy,
    );
    expect(decision.rate).toBeUndefined();
  });

  it('holds a call that waited against everything as it is now, but for the rate', () => {
    const again = (parts: Parameters<typeof subject>[0]) => {
      const credential = subject(parts) as Extract<Credential, { kind: 'known' }>;
      return guardAgain(observation, address, credential.subject, policy);
    };
    const quota = { requests: 2, per: 'day' } as const;
    const used = { quotaPeriod: '2026-11-24', quotaUsed: 1 };
    const rate = { requests: 1, seconds: 3_600 };
    const passes = again({ usage: used, limits: { rate, quota } });
    expect(passes).toEqual({ verdict: { decision: 'allow' }, quota: { used: 2, period: '2026-11-24' } });
    const reasonOf = (parts: Parameters<typeof subject>[0]) => {
      const { verdict } = again(parts);
      return verdict.decision === 'deny' ? verdict.reason.code : verdict.decision;
    };
    expect(reasonOf({ usage: { ...used, quotaUsed: 2 }, limits: { quota } })).toBe('quota_exceeded');
    expect(reasonOf({ key: { suspended: by } })).toBe('key_suspended');
  });
});
