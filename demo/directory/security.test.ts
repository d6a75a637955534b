import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDirectory, testDirectory } from './testing/fixture.js';
import { FAILURES_MAX, Throttle, WINDOW_MS } from './throttle.js';

let t: TestDirectory;
beforeAll(async () => {
  t = await testDirectory(3);
});
afterAll(() => t.close());

const ABSENT = 'ffffffffffffffffffffffff';
const first = async (url: string, key: string) =>
  String((await t.call('GET', `${url}?limit=1`, { key })).list[0]?.id);

describe('another organisation', () => {
  it.each([
    ['/api/systemusers', ['GET', 'PUT', 'DELETE']],
    ['/api/systems', ['GET', 'PUT', 'DELETE']],
    ['/api/commands', ['GET', 'PUT', 'DELETE']],
    ['/api/applications', ['GET', 'PUT', 'DELETE']],
    ['/api/users', ['GET', 'PUT', 'DELETE']],
    ['/api/organizations', ['GET', 'PUT']],
    ['/api/v2/usergroups', ['GET', 'PUT', 'PATCH', 'DELETE']],
    ['/api/v2/systemgroups', ['GET', 'PUT', 'DELETE']],
    ['/api/v2/policies', ['GET', 'PUT', 'DELETE']],
    ['/api/v2/ldapservers', ['GET', 'DELETE']],
  ] as const)('%s answers as if it were not there', async (url, methods) => {
    const foreign = await first(url, t.keyOf(1));
    expect(foreign).toMatch(/^[0-9a-f]{24}$/);
    const before = (await t.call('GET', `${url}/${foreign}`, { key: t.keyOf(1) })).text;
    for (const method of methods) {
      const body =
        method === 'GET' || method === 'DELETE' ? {} : { body: { name: 'taken', displayName: 'taken' } };
      const [real, absent] = [
        await t.call(method, `${url}/${foreign}`, body),
        await t.call(method, `${url}/${ABSENT}`, body),
      ];
      expect([real.status, real.text], method).toEqual([404, '{"message":"Not Found"}']);
      expect([absent.status, absent.text]).toEqual([real.status, real.text]);
    }
    expect((await t.call('GET', `${url}/${foreign}`, { key: t.keyOf(1) })).text).toBe(before);
  });

  it('is not reached through graph, actions or runs', async () => {
    const [user, system] = [
      await first('/api/systemusers', t.keyOf(1)),
      await first('/api/systems', t.keyOf(1)),
    ];
    const own = await first('/api/v2/usergroups', t.keyOf(0));
    const command = await first('/api/commands', t.keyOf(0));
    const calls: [string, string, unknown][] = [
      ['POST', `/api/v2/usergroups/${own}/members`, { op: 'add', type: 'user', id: user }],
      ['POST', `/api/v2/usergroups/${own}/associations`, { op: 'add', type: 'system', id: system }],
      ['POST', `/api/v2/users/${user}/associations`, { op: 'add', type: 'system', id: system }],
      ['GET', `/api/v2/systems/${system}/users`, undefined],
      ['GET', `/api/v2/systems/${system}/fdekey`, undefined],
      ['POST', `/api/systemusers/${user}/resetmfa`, {}],
      ['POST', `/api/systemusers/${user}/password`, { password: 'long enough for all' }],
      ['POST', `/api/systems/${system}/command/builtin/erase`, {}],
      ['POST', '/api/runCommand', { _id: command, systemIds: [system] }],
    ];
    for (const [method, url, body] of calls)
      expect((await t.call(method, url, { body })).status, `${method} ${url}`).toBe(404);
    expect(t.store.queued()).toEqual([]);
  });

  it('is not opened by naming it, and no event of it is seen', async () => {
    for (const id of [t.organization(1), ABSENT])
      expect((await t.call('GET', '/api/systemusers', { headers: { 'x-org-id': id } })).status).toBe(404);
    expect((await t.call('GET', '/api/systemusers', { headers: { 'x-org-id': 'a,b' } })).status).toBe(400);
    const body = { service: ['all'], start_time: '2020-01-01T00:00:00Z' };
    await t.call('DELETE', `/api/systemusers/${await first('/api/systemusers', t.keyOf(1))}`, {
      key: t.keyOf(1),
    });
    const url = '/insights/directory/v1/events';
    expect((await t.call('POST', url, { body })).list).toEqual([]);
    expect((await t.call('POST', url, { body, key: t.keyOf(1) })).list).toHaveLength(1);
    const both = { 'x-org-id': `${t.organization(0)},${t.organization(1)}` };
    expect((await t.call('POST', url, { body, headers: both })).status).toBe(404);
    const provider = t.seeded.provider.apiKey;
    expect((await t.call('POST', url, { body, key: provider, headers: both })).list).toHaveLength(1);
  });

  it('is open to a provider that names it, and only then', async () => {
    const key = t.seeded.provider.apiKey;
    expect((await t.call('GET', '/api/organizations', { key })).total).toBe(3);
    expect((await t.call('GET', '/api/systemusers', { key })).status).toBe(401);
    const one = await t.call('GET', '/api/systemusers', { key, headers: { 'x-org-id': t.organization(2) } });
    expect(one.list[0]?.organization).toBe(t.organization(2));
    expect((await t.call('GET', '/api/systemusers', { key, headers: { 'x-org-id': ABSENT } })).status).toBe(
      404,
    );
  });
});

describe('mass assignment', () => {
  it('sets no field that is not for clients to set', async () => {
    const forged = {
      _id: ABSENT,
      id: ABSENT,
      organization: t.organization(1),
      created: 'x',
      totp_enabled: true,
    };
    const body = {
      username: 'm',
      email: 'm@alder.example',
      ...forged,
      account_locked: true,
      isAdmin: true,
      passwordHash: 'secret',
    };
    const made = await t.call('POST', '/api/systemusers', { body });
    const id = String(made.json._id);
    expect(id).not.toBe(ABSENT);
    const kept = { organization: t.organization(0), totp_enabled: false, account_locked: false };
    expect(made.json).toMatchObject(kept);
    expect(made.text).not.toMatch(/isAdmin|secret/);
    expect((await t.call('PUT', `/api/systemusers/${id}`, { body })).json).toMatchObject({
      ...kept,
      _id: id,
      id,
    });
    const admin = await t.call('POST', '/api/users', {
      body: { email: 'n@alder.example', ...forged, apiKeySet: true, provider: 'x' },
    });
    expect(admin.json).toMatchObject({
      organization: t.organization(0),
      apiKeySet: false,
      roleName: 'Read Only',
    });
    expect(admin.json.provider).toBe(t.seeded.provider.id);
  });

  it('takes no value of a wrong type', async () => {
    for (const field of [
      { sudo: 'yes' },
      { username: { x: 1 } },
      { email: 'no address' },
      { addresses: 'x' },
    ])
      expect(
        (
          await t.call('POST', '/api/systemusers', {
            body: { username: 'w', email: 'w@x.example', ...field },
          })
        ).status,
      ).toBe(400);
  });

  it('raises nobody above the one who asks', async () => {
    const key = t.keyOf(0, 'Administrator');
    const boss = (await t.call('GET', '/api/users?filter=roleName:$eq:Administrator With Billing')).list[0]
      ?.id;
    const roleName = 'Administrator With Billing';
    expect(
      (await t.call('POST', '/api/users', { key, body: { email: 'up@x.example', roleName } })).status,
    ).toBe(403);
    for (const [method, url] of [
      ['PUT', `/api/users/${boss}`],
      ['DELETE', `/api/users/${boss}`],
      ['POST', `/api/users/resettotp/${boss}`],
      ['POST', `/demo/users/${boss}/apikey`],
    ] as const)
      expect(
        (await t.call(method, url, { key, ...(method === 'DELETE' ? {} : { body: {} }) })).status,
        url,
      ).toBe(403);
  });
});

describe('roles', () => {
  it.each([
    ['Read Only', 'GET', '/api/systemusers', 200],
    ['Read Only', 'POST', '/api/systemusers', 403],
    ['Read Only', 'POST', '/api/search/systemusers', 200],
    ['Command Runner', 'GET', '/api/systemusers', 403],
    ['Command Runner', 'POST', '/insights/directory/v1/events', 403],
    ['Command Runner', 'GET', '/api/commands', 200],
    ['Help Desk', 'POST', '/api/commands', 403],
    ['Administrator', 'POST', '/api/v2/service-accounts', 403],
    ['Read Only', 'GET', '/api/v2/systems/ffffffffffffffffffffffff/fdekey', 403],
    ['Administrator', 'GET', '/api/v2/systems/ffffffffffffffffffffffff/fdekey', 404],
  ] as const)('%s: %s %s is %i', async (role, method, url, status) => {
    const body = method === 'GET' ? {} : { body: {} };
    expect((await t.call(method, url, { key: t.keyOf(0, role), ...body })).status).toBe(status);
  });
});

describe('injection', () => {
  it.each([
    ['$where in a body', 'POST', '/api/search/systemusers', { $where: 'sleep(1000)' }],
    ['operator objects', 'POST', '/api/search/systemusers', { filter: { email: { $gt: '' } } }],
    ['deep operators', 'PUT', '/api/systemusers/x', { addresses: [{ a: { $set: 1 } }] }],
    [
      'prototype keys',
      'POST',
      '/api/systemusers',
      '{"__proto__":{"sudo":true},"username":"p","email":"p@x.example"}',
    ],
    [
      'constructor keys',
      'POST',
      '/api/systemusers',
      { attributes: [{ constructor: { prototype: { x: 1 } } }] },
    ],
    ['broken JSON', 'POST', '/api/systemusers', '{"username":'],
    ['deep nesting', 'POST', '/api/systemusers', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['operators in the query', 'GET', '/api/systemusers?filter=email:$where:1', undefined],
    ['operators in names', 'GET', '/api/systemusers?filter[$ne]=x', undefined],
    ['sort by prototype', 'GET', '/api/systemusers?sort=__proto__', undefined],
    [
      'event conditions',
      'POST',
      '/insights/directory/v1/events',
      { service: ['all'], start_time: '2020-01-01', search_term: { and: [{ id: { a: 1 } }] } },
    ],
  ])('%s is refused', async (_, method, url, body) => {
    const { status, json } = await t.call(method, url, { body });
    expect([400, 404]).toContain(status);
    expect(Object.keys(json)).toEqual(['message']);
    expect(({} as Record<string, unknown>).sudo).toBeUndefined();
  });

  it('oversized bodies are refused, whether they tell their size or not', async () => {
    const body = JSON.stringify({ username: 'x'.repeat(1_100_000) });
    for (const headers of [{}, { 'content-length': String(body.length) }] as Record<string, string>[])
      for (const url of ['/api/systemusers', '/insights/directory/v1/events', '/oauth2/token'])
        expect((await t.call('POST', url, { body, headers })).status, url).toBe(413);
  });

  it('an id that is none is not looked up', async () => {
    for (const id of [
      '..%2f..%2fx',
      `${'a'.repeat(3_000)}`,
      '%00',
      '[object Object]',
      'FFFFFFFFFFFFFFFFFFFFFFFG',
    ])
      expect((await t.call('GET', `/api/systemusers/${encodeURIComponent(id)}`)).status, id).toBe(404);
  });
});

describe('keys', () => {
  it('are not told apart by their refusals', async () => {
    const boss = (await t.call('GET', '/api/users?filter=roleName:$eq:Help Desk', { key: t.keyOf(2) }))
      .list[0]?.id;
    const old = t.keyOf(2, 'Help Desk');
    expect((await t.call('POST', `/demo/users/${boss}/apikey`, { key: t.keyOf(2), body: {} })).status).toBe(
      200,
    );
    const close = `${t.keyOf(0).slice(0, -1)}0`;
    const answers = await Promise.all(
      [undefined, 'x', close, old, 'a'.repeat(5_000), `${t.keyOf(0)}x`].map(async (key) => {
        const { status, text, headers } = await t.call('GET', '/api/systemusers', { key });
        return JSON.stringify([status, text, [...headers]]);
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('401');
    // The owner of the old key learns of it.
    await expect
      .poll(
        async () =>
          (
            await t.call('POST', '/insights/directory/v1/events', {
              key: t.keyOf(2),
              body: {
                service: ['directory'],
                start_time: '2020-01-01',
                search_term: { and: [{ event_type: 'admin_old_api_key_attempt' }] },
              },
            })
          ).list.length,
      )
      .toBe(1);
  });

  it('take as long to refuse when they are almost right, or once were, as when they never were', async () => {
    const boss = (await t.call('GET', '/api/users?filter=roleName:$eq:Read Only')).list[0]?.id;
    const old = t.keyOf(0, 'Read Only');
    expect((await t.call('POST', `/demo/users/${boss}/apikey`, { body: {} })).status).toBe(200);
    const kinds = { never: '0'.repeat(40), almost: `${t.keyOf(0).slice(0, -1)}g`, old };
    const times: Record<string, number[]> = { never: [], almost: [], old: [] };
    // In turns, so that whatever else the machine does meets all of them alike.
    for (let n = 0; n < 300; n++) {
      for (const [kind, key] of Object.entries(kinds)) {
        const headers = { 'x-forwarded-for': `${kind} ${n}` };
        const started = performance.now();
        const { status } = await t.call('GET', '/api/systemusers', { key, headers });
        times[kind]?.push(performance.now() - started);
        expect(status).toBe(401);
      }
    }
    const median = (kind: string) => times[kind]?.sort((a, b) => a - b)[150] ?? 0;
    for (const kind of ['almost', 'old']) {
      expect(median(kind) / median('never'), kind).toBeLessThan(2);
      expect(median(kind) / median('never'), kind).toBeGreaterThan(0.5);
    }
  });

  it('are on disk as hashes alone', async () => {
    const files = readdirSync(t.dir).map((name) => readFileSync(path.join(t.dir, name)));
    expect(files.length).toBeGreaterThan(0);
    for (const { apiKey } of [...t.seeded.keys, t.seeded.provider])
      for (const file of files) expect(file.includes(apiKey)).toBe(false);
  });

  it('that fail too often are put off; good ones beside them are not', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.50' };
    const tries: number[] = [];
    for (let n = 0; n < FAILURES_MAX + 2; n++)
      tries.push((await t.call('GET', '/api/systemusers', { key: `guess ${n}`, headers })).status);
    expect(tries.filter((status) => status === 401)).toHaveLength(FAILURES_MAX);
    const refused = await t.call('GET', '/api/systemusers', { key: 'guess', headers });
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await t.call('GET', '/api/systemusers', { headers })).status).toBe(200);
    const elsewhere = { 'x-forwarded-for': '203.0.113.51' };
    expect((await t.call('GET', '/api/systemusers', { key: 'guess', headers: elsewhere })).status).toBe(401);
    t.clock.now += WINDOW_MS;
    expect((await t.call('GET', '/api/systemusers', { key: 'guess', headers })).status).toBe(401);
  });

  it('from ever new addresses do not fill the memory', () => {
    const throttle = new Throttle(() => 0);
    for (let n = 0; n < 30_000; n++) throttle.failed(String(n));
    expect(throttle.size).toBeLessThanOrEqual(10_001);
  });
});
