import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesBetween, eventOf, RETENTION_MS, userAgentOf } from './events.js';
import type { JsonObject } from './model.js';
import { type TestDirectory, testDirectory } from './testing/fixture.js';

const PATH = '/insights/directory/v1/events';
const START = '2023-07-01T00:00:00Z';
let t: TestDirectory;
const ask = (body: JsonObject, path = PATH) =>
  t.call('POST', path, { body: { service: ['all'], start_time: START, ...body } });

beforeAll(async () => {
  t = await testDirectory();
  // Some share a time, so that the id has to break the tie.
  for (let n = 0; n < 25; n++) {
    t.clock.now += n % 3 === 0 ? 0 : 3_600_000;
    await t.call('POST', '/api/v2/usergroups', { body: { name: `group ${n}` } });
  }
  await t.call('POST', '/api/command/trigger/inventory');
});
afterAll(() => t.close());

describe('the event log', () => {
  it.each(['ASC', 'DESC'])('is paged by search_after, %s, each event once', async (sort) => {
    const seen: string[] = [];
    let search_after: readonly string[] | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const { headers, list } = await ask({
        sort,
        limit: 4,
        ...(search_after === undefined ? {} : { search_after }),
      });
      expect(headers.get('x-limit')).toBe('4');
      expect(headers.get('x-sort')).toBe(sort);
      expect(headers.get('x-request-id')).not.toBeNull();
      expect(headers.get('x-result-count')).toBe(String(list.length));
      search_after = JSON.parse(headers.get('x-search_after') ?? '') as string[];
      seen.push(...list.map(({ timestamp, id }) => `${timestamp} ${id}`));
      if (list.length < 4) break;
    }
    expect(new Set(seen).size).toBe(26);
    expect(seen).toHaveLength(26);
    expect(seen).toEqual([...seen].sort((a, b) => (sort === 'ASC' ? 1 : -1) * (a < b ? -1 : 1)));
  });

  it('is searched', async () => {
    const count = async (body: JsonObject) => (await ask(body, `${PATH}/count`)).json.count;
    expect(await count({})).toBe(26);
    expect(await count({ search_term: { and: [{ event_type: 'command_run' }] } })).toBe(1);
    expect(await count({ search_term: { and: { event_type: ['command_run', 'group_create'] } } })).toBe(26);
    expect(await count({ search_term: { not: [{ event_type: 'group_create' }] } })).toBe(1);
    expect(
      await count({ search_term: { or: [{ 'resource.name': 'group 3' }, { 'resource.name': 'group 4' }] } }),
    ).toBe(2);
    expect(await count({ q: 'GROUP 24' })).toBe(1);
    expect(await count({ service: ['sso'] })).toBe(0);
    expect(await count({ end_time: '2023-07-02T00:00:00Z' })).toBe(0);
    expect((await ask({ fields: ['event_type'], limit: 1 })).list).toEqual([{ event_type: 'command_run' }]);
  });

  it('counts by field and by time', async () => {
    expect((await ask({ field: 'event_type' }, `${PATH}/distinct`)).json.buckets).toEqual([
      { key: 'group_create', doc_count: 25 },
      { key: 'command_run', doc_count: 1 },
    ]);
    const { buckets } = (await ask({ interval_unit: 'd' }, `${PATH}/interval`)).json;
    const counts = (buckets as { doc_count: number }[]).map(({ doc_count }) => doc_count);
    expect(counts.reduce((sum, each) => sum + each, 0)).toBe(26);
    expect((await ask({ interval_unit: 'toString' }, `${PATH}/interval`)).status).toBe(400);
  });

  it.each<JsonObject>([
    { service: [] },
    { service: 'all' },
    { start_time: 'x' },
    { sort: 'up' },
    { limit: -1 },
    { search_after: ['x'] },
    { search_after: 3 },
  ])('refuses %j', async (body) => {
    expect((await ask(body)).status).toBe(400);
  });

  it('forgets what is older than 90 days, and nothing else', async () => {
    const tenant = t.store.tenant(t.organization(1));
    const caller = {
      kind: 'admin',
      id: 'x',
      email: 'x',
      role: 'Read Only',
      provider: null,
      authMethod: 'api key',
    } as const;
    const at = (now: number) =>
      eventOf(
        { now: () => now, newId: () => String(now) },
        { ...caller, organization: t.organization(1), clientIp: '', userAgent: '' },
        { type: 'x' },
      );
    const limit = t.clock.now - RETENTION_MS;
    await t.store.change(() => {
      for (const now of [limit - 1, limit, limit + 1]) tenant.append(at(now));
    });
    await t.store.change(() => tenant.removeEventsBefore(new Date(limit).toISOString()));
    const left = tenant.events({ from: '2000-01-01', to: '2100-01-01' });
    expect(left.map(({ id }) => Number(id))).toEqual([limit, limit + 1]);
    expect(t.store.tenant(t.organization(0)).events({ from: '2000', to: '2100' })).toHaveLength(26);
  });

  it('names what changed and nothing else', () => {
    expect(
      changesBetween({ a: 1, b: [{ c: 2 }], d: { e: 3 } }, { a: 1, b: [{ c: 2 }], d: { e: 4 }, f: null }),
    ).toEqual([
      { field: 'd', from: { e: 3 }, to: { e: 4 } },
      { field: 'f', to: null },
    ]);
  });

  it('reads the first product of a user agent', () => {
    expect(userAgentOf('python-requests/2.31.0 x')).toMatchObject({
      name: 'python-requests',
      version: '2.31.0',
      major: '2',
    });
    expect(userAgentOf('')).toMatchObject({ name: 'Other', version: '' });
  });
});

describe('the store', () => {
  it('keeps nothing of a change that fails half way', async () => {
    const id = 'a'.repeat(24);
    const tenant = t.store.tenant(t.organization(0));
    const failing = t.store.change(() => {
      tenant.put('user', { _id: id, id });
      throw new Error('half way');
    });
    await expect(failing).rejects.toThrow('half way');
    expect(tenant.get('user', id)).toBeUndefined();
  });

  it('has the same start data for the same seed', async () => {
    const again = await testDirectory();
    try {
      const all = (each: TestDirectory) => JSON.stringify(each.store.tenant(t.organization(1)).all('user'));
      expect(again.seeded).toEqual(t.seeded);
      expect(all(again)).toBe(all(t));
      expect(all(again).length).toBeGreaterThan(1_000);
    } finally {
      await again.close();
    }
  });
});
