import { afterEach, describe, expect, it } from 'vitest';
import { keyLimits, registerInput } from '../../src/keys/inputs.js';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';

let api: Guarded;
afterEach(() => api.close());

const ok: Script = (socket, received) => {
  if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};
const call = (key: string, method = 'GET', extra = '') =>
  raw(api.port, `${method} /users/1 HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n${extra}\r\n`);
const limit = (limits: unknown) =>
  api.running.keys.change('test', api.keyId, { limits: keyLimits.parse(limits) }, true);
const reason = (answer: string) => /"reason":"(\w+)"/.exec(answer)?.[1] ?? answer.slice(9, 12);

describe('a key', () => {
  it('opens the API; a wrong and an unknown key are answered alike', async () => {
    api = await guarded(ok);
    expect(reason(await call(api.key))).toBe('200');
    const scrub = (answer: string) =>
      answer.replace(/"request_id":"[^"]*"|Content-Length: \d+|Date: .*/g, '');
    const wrong = await call(`${api.key.slice(0, -1)}${api.key.endsWith('A') ? 'B' : 'A'}`);
    expect(reason(wrong)).toBe('credential_invalid');
    expect(scrub(await call('never-seen'))).toBe(scrub(wrong));
    expect(reason(await raw(api.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe('credential_missing');
  });

  it('two different credentials are ambiguous', async () => {
    api = await guarded(ok);
    expect(reason(await call(api.key, 'GET', 'Authorization: Bearer other\r\n'))).toBe(
      'credential_ambiguous',
    );
  });

  it('stops at once when suspended, works again when resumed, and never again when revoked', async () => {
    api = await guarded(ok);
    const { keys } = api.running;
    expect(reason(await call(api.key))).toBe('200');
    await keys.suspend('test', api.keyId, 'looking');
    expect(reason(await call(api.key))).toBe('key_suspended');
    await keys.resume('test', api.keyId);
    expect(reason(await call(api.key))).toBe('200');
    await keys.revoke('test', api.keyId, 'stolen');
    expect(reason(await call(api.key))).toBe('key_revoked');
    await expect(keys.resume('test', api.keyId)).rejects.toThrow('revoked');
    expect(keys.usage(api.keyId)).toMatchObject({ accepted: 2, refused: 2, lastRefusedAddress: '127.0.0.1' });
  });

  it('is rotated with an overlap in which both work, or at once', async () => {
    api = await guarded(ok);
    const { keys } = api.running;
    const second = await keys.rotate('test', api.keyId, 60);
    expect(reason(await call(api.key))).toBe('200');
    expect(reason(await call(second.credential))).toBe('200');
    expect(keys.usage(api.keyId)?.acceptedSinceReplaced).toBe(1);
    const third = await keys.rotate('test', second.key.id, 0);
    expect(reason(await call(second.credential))).toBe('key_rotated');
    expect(reason(await call(third.credential))).toBe('200');
  });

  it('imported by hash goes on working', async () => {
    api = await guarded(ok);
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update('old-key').digest('hex');
    await api.running.keys.import('test', {
      name: 'old',
      tenant: 't',
      principal: 'p',
      upstreams: [],
      limits: {},
      algorithm: 'sha256',
      hash,
    });
    expect(reason(await call('old-key'))).toBe('200');
    expect(api.received()).toContain('old-key');
  });
});

describe('limits', () => {
  it('by place: the strictest of key, tenant and upstream wins', async () => {
    api = await guarded(ok);
    await limit({ locations: { allow: [{ cidr: '203.0.113.0/24' }] } });
    expect(reason(await call(api.key))).toBe('location_denied');
    await limit({ locations: { allow: [{ cidr: '127.0.0.1' }] } });
    expect(reason(await call(api.key))).toBe('200');
    await api.running.tenants.set(
      'test',
      'default',
      { name: 'Default', locations: { deny: [{ kind: 'private' }] } },
      true,
    );
    expect(reason(await call(api.key))).toBe('location_denied');
  });

  it('a forged forwarding header never widens a place', async () => {
    api = await guarded(ok);
    await limit({ locations: { allow: [{ cidr: '203.0.113.0/24' }] } });
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'True-Client-IP', 'CF-Connecting-IP']) {
      const value = name === 'Forwarded' ? 'for=203.0.113.5' : '203.0.113.5';
      expect(reason(await call(api.key, 'GET', `${name}: ${value}\r\n`))).toBe('location_denied');
    }
  });

  it('a trusted proxy names the client, and only the hop it appended counts', async () => {
    api = await guarded(ok, {}, { trustedProxies: ['127.0.0.0/8'] });
    await limit({ locations: { allow: [{ cidr: '203.0.113.0/24' }] } });
    expect(reason(await call(api.key, 'GET', 'X-Forwarded-For: 203.0.113.5\r\n'))).toBe('200');
    expect(reason(await call(api.key, 'GET', 'X-Forwarded-For: 203.0.113.5, 198.51.100.1\r\n'))).toBe(
      'location_denied',
    );
  });

  it('by operation, privilege, body size and rate', async () => {
    api = await guarded(ok);
    await limit({ operations: { privilegeMax: 1 } });
    expect(reason(await call(api.key, 'DELETE'))).toBe('operation_denied');
    await limit({ operations: { allow: ['unknown.get'] } });
    expect(reason(await call(api.key, 'POST', 'Content-Length: 0\r\n'))).toBe('operation_denied');
    await limit({ bodyBytesMax: 3 });
    expect(reason(await call(api.key, 'POST', 'Content-Length: 4\r\n'))).toBe('body_too_large');
    await limit({ rate: { requests: 2, seconds: 60 } });
    expect(await call(api.key)).toContain('RateLimit: "key";r=1;');
    expect(reason(await call(api.key))).toBe('200');
    const refused = await call(api.key);
    expect(refused).toMatch(/^HTTP\/1\.1 429 [\s\S]*Retry-After: \d+/);
  });
});

describe('foreign keys', () => {
  const basic = Buffer.from('theirs:their-own-key').toString('base64');
  it.each([
    ['a header', { in: 'header', name: 'x-api-token' }, 'X-API-Token: their-own-key', ''],
    ['a bearer scheme', { in: 'authorization', scheme: 'SSWS' }, 'Authorization: SSWS their-own-key', ''],
    ['Basic', { in: 'basic', part: 'password' }, `Authorization: Basic ${basic}`, ''],
    ['the query', { in: 'query', name: 'token' }, 'X-A: 1', '?a=1&token=their-own-key'],
    ['a cookie', { in: 'cookie', name: 'sid' }, 'Cookie: a=1; sid=their-own-key', ''],
  ])(
    'in %s are known once registered, forwarded as they came, and limited like any other',
    async (...row) => {
      const [, source, line, query] = row;
      api = await guarded(ok, { foreignKeys: 'known', credentials: [source] });
      const ask = () => raw(api.port, `GET /x${query} HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`);
      expect(reason(await ask())).toBe('credential_invalid');
      const key = await api.running.keys.register(
        'test',
        registerInput.parse({ name: 'theirs', upstream: 'api', credential: 'their-own-key' }),
      );
      expect(reason(await ask())).toBe('200');
      expect(api.received()).toContain(`GET /x${query} `);
      expect(api.received()).toContain(line);
      await api.running.keys.suspend('test', key.id, 'looking');
      expect(reason(await ask())).toBe('key_suspended');
    },
  );

  it('are enrolled once the upstream has accepted them, and can then be revoked', async () => {
    api = await guarded(ok, { foreignKeys: 'enrol' });
    expect(reason(await call('their-own-key'))).toBe('200');
    await expect.poll(() => api.running.keys.list().find((key) => key.kind === 'foreign')?.id).toBeDefined();
    const foreign = api.running.keys.list().find((key) => key.kind === 'foreign');
    expect(JSON.stringify(foreign)).not.toContain('their-own-key');
    expect(api.received()).toContain('their-own-key');
    await api.running.keys.revoke('test', foreign?.id as string, 'stolen');
    expect(reason(await call('their-own-key'))).toBe('key_revoked');
  });
});

describe('administrative acts', () => {
  it('a revocation is never undone by a change made at the same time', async () => {
    api = await guarded(ok);
    const { keys } = api.running;
    await Promise.allSettled([
      keys.change('a', api.keyId, { limits: {} }),
      keys.revoke('b', api.keyId, 'stolen'),
      keys.change('c', api.keyId, { limits: {} }),
      keys.suspend('d', api.keyId, 'x'),
    ]);
    expect(keys.show(api.keyId).revoked).toBeDefined();
    expect(reason(await call(api.key))).toBe('key_revoked');
  });
});
