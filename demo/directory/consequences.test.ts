import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from './model.js';
import { type TestDirectory, testDirectory } from './testing/fixture.js';

let t: TestDirectory;
beforeAll(async () => {
  t = await testDirectory();
});
afterAll(() => t.close());

const events = async (event_type: string) =>
  (
    await t.call('POST', '/insights/directory/v1/events', {
      body: {
        ...{ service: ['all'], start_time: '2023-07-01T00:00:00Z', limit: 1_000, sort: 'ASC' },
        search_term: { and: [{ event_type }] },
      },
    })
  ).list;

describe('a group with a query', () => {
  const query = (value: string) => ({
    queryType: 'FilterQuery',
    filters: [{ field: 'department', operator: 'eq', value }],
  });
  const membersOf = async (id: unknown) =>
    (await t.call('GET', `/api/v2/usergroups/${id}/members?limit=100`)).list.map(
      ({ to }) => (to as JsonObject).id,
    );
  const usersOf = async (department: string) =>
    (await t.call('GET', `/api/systemusers?limit=100&filter=department:$eq:${department}`)).list.map(
      ({ id }) => id,
    );

  it('has whom the query finds, follows every change, and says so in the log', async () => {
    const body = { name: 'Sellers', membershipMethod: 'DYNAMIC_AUTOMATED', memberQuery: query('Sales') };
    const { json: group } = await t.call('POST', '/api/v2/usergroups', { body });
    const before = await usersOf('Sales');
    expect(await membersOf(group.id)).toEqual(before);
    const user = { username: 'seller', email: 'seller@alder.example', department: 'Sales' };
    const { json: made } = await t.call('POST', '/api/systemusers', { body: user });
    expect((await membersOf(group.id)).sort()).toEqual([...before, made.id].sort());
    expect((await events('association_change')).at(-1)).toMatchObject({
      association: { op: 'add', action_source: 'automated', connection: { to: { object_id: made.id } } },
    });
    await t.call('PUT', `/api/systemusers/${made.id}`, { body: { department: 'Legal' } });
    expect(await membersOf(group.id)).toEqual(before);
    await t.call('PUT', `/api/v2/usergroups/${group.id}`, { body: { memberQuery: query('Legal') } });
    expect(await membersOf(group.id)).toEqual([made.id]);
    const exemptions = [{ type: 'user', id: made.id }];
    await t.call('PUT', `/api/v2/usergroups/${group.id}`, { body: { memberQueryExemptions: exemptions } });
    expect(await membersOf(group.id)).toEqual([]);
    const byHand = await t.call('POST', `/api/v2/usergroups/${group.id}/members`, {
      body: { op: 'add', type: 'user', id: made.id },
    });
    expect(byHand.status).toBe(400);
  });

  it.each([
    undefined,
    {},
    { filters: 'no JSON' },
    { filters: [{ field: '__proto__', operator: 'eq', value: '' }] },
    { filters: [{ field: 'department', operator: 'regex', value: '.*' }] },
  ])('is not made with %j', async (memberQuery) => {
    const body = {
      name: 'Wrong',
      membershipMethod: 'DYNAMIC_AUTOMATED',
      ...(memberQuery && { memberQuery }),
    };
    expect((await t.call('POST', '/api/v2/usergroups', { body })).status).toBe(400);
    expect((await t.call('GET', '/api/v2/usergroups?filter=name:eq:Wrong')).total).toBe(0);
  });
});

describe('a command with a schedule', () => {
  const schedule = async (body: JsonObject) => {
    const { json } = await t.call('POST', '/api/commands', {
      body: { name: 'Timed', command: 'id', ...body },
    });
    const system = (await t.call('GET', '/api/systems?limit=1')).list[0]?.id;
    const tie = { op: 'add', type: 'system', id: system };
    await t.call('POST', `/api/v2/commands/${json._id}/associations`, { body: tie });
    return String(json._id);
  };
  const runs = async (id: string, forwardMs: number) => {
    t.clock.now += forwardMs;
    await t.scheduler.runDue();
    await t.devices.answer();
    return (await t.call('GET', `/api/commandresults?filter=commandId:$eq:${id}`)).total;
  };
  const HOUR_MS = 3_600_000;

  it('repeats at its time, with an entry of whose schedule it was', async () => {
    const id = await schedule({ launchType: 'repeated', schedule: '0 30 * * * *' });
    expect(await runs(id, 29 * 60_000)).toBe(0);
    expect(await runs(id, 60_000)).toBe(1);
    expect(await runs(id, 60_000)).toBe(1);
    expect(await runs(id, HOUR_MS)).toBe(2);
    expect((await events('command_run')).at(-1)).toMatchObject({
      auth_method: 'schedule',
      resource: { id },
      initiated_by: { type: 'admin', email: 'administrator.with.billing@alder.example' },
    });
    // Down for a day: once, not 24 times.
    expect(await runs(id, 24 * HOUR_MS)).toBe(3);
    await t.call('PUT', `/api/commands/${id}`, { body: { launchType: 'manual' } });
    expect(await runs(id, 24 * HOUR_MS)).toBe(3);
  });

  it('runs once where it says once, and not at all when it is removed', async () => {
    const once = await schedule({ launchType: 'one-time', schedule: '0 0 12 * * *' });
    const removed = await schedule({ launchType: 'scheduled', schedule: '0 0 12 * * *' });
    await t.call('DELETE', `/api/commands/${removed}`);
    expect(await runs(once, 24 * HOUR_MS)).toBe(1);
    expect(await runs(once, 48 * HOUR_MS)).toBe(1);
    expect(await runs(removed, 0)).toBe(0);
  });

  it('that is none is refused', async () => {
    for (const text of ['* * * * *', '99 * * * * *', '; id', '* * * * * * *']) {
      const body = { name: 'Wrong', command: 'id', launchType: 'repeated', schedule: text };
      expect((await t.call('POST', '/api/commands', { body })).status, text).toBe(400);
    }
  });
});

describe('lists of v2', () => {
  it('name the pages beside them', async () => {
    const seen: unknown[] = [];
    let url: string | undefined = '/api/v2/usergroups?limit=4&sort=name';
    for (let pages = 0; url !== undefined && pages < 10; pages++) {
      const { list, headers } = await t.call('GET', url);
      seen.push(...list.map(({ name }) => name));
      url = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    }
    const all = (await t.call('GET', '/api/v2/usergroups?limit=100&sort=name')).list;
    expect(seen).toEqual(all.map(({ name }) => name));
    const second = await t.call('GET', '/api/v2/usergroups?limit=2&skip=2');
    expect(second.headers.get('link')).toContain('</api/v2/usergroups?limit=2&skip=0>; rel="prev"');
  });
});

describe('many users in one call', () => {
  const user = (name: string) => ({ username: name, email: `${name}@alder.example` });

  it('each succeeds or fails by itself, and the job says which', async () => {
    const made = await t.call('POST', '/api/v2/bulk/users', {
      body: [user('bulk.one'), user('bulk.one'), user('bulk.two')],
    });
    expect(made.status).toBe(200);
    const { list } = await t.call('GET', `/api/v2/bulk/users/${made.json.jobId}/results`);
    expect(list.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished']);
    const id = (list[0]?.persistedFields as JsonObject | undefined)?.id;
    const body = [
      { id, department: 'Legal' },
      { id: t.organization(1), department: 'Legal' },
    ];
    const { json } = await t.call('PATCH', '/api/v2/bulk/users', { body });
    const changed = (await t.call('GET', `/api/v2/bulk/users/${json.jobId}/results`)).list;
    expect(changed.map(({ status }) => status)).toEqual(['finished', 'failed']);
    expect((await t.call('GET', `/api/systemusers/${id}`)).json.department).toBe('Legal');
    expect((await t.call('POST', '/api/v2/bulk/user/expires', { body: [{ id }] })).status).toBe(201);
    expect((await t.call('GET', `/api/systemusers/${id}`)).json.password_expired).toBe(true);
    expect((await t.call('POST', '/api/v2/bulk/user/unlocks', { body: [{ id }] })).status).toBe(201);
    expect((await events('user_unlocked')).length).toBe(1);
  });

  it('are no list of another organisation, nor for those who may only read', async () => {
    const { json } = await t.call('POST', '/api/v2/bulk/users', { body: [user('bulk.three')] });
    const results = `/api/v2/bulk/users/${json.jobId}/results`;
    expect((await t.call('GET', results, { key: t.keyOf(1) })).status).toBe(404);
    const reader = { key: t.keyOf(0, 'Read Only'), body: [user('bulk.four')] };
    expect((await t.call('POST', '/api/v2/bulk/users', reader)).status).toBe(403);
    for (const body of [{}, 'x', [1], Array.from({ length: 1_001 }, () => ({}))])
      expect((await t.call('POST', '/api/v2/bulk/users', { body })).status).toBe(400);
  });
});

describe('what is queued', () => {
  it('is listed by the call that queued it, and cancelled by it', async () => {
    const { json: command } = await t.call('POST', '/api/commands', {
      body: { name: 'Wait', command: 'id' },
    });
    const systems = (await t.call('GET', '/api/systems?limit=2')).list.map(({ id }) => id);
    const run = await t.call('POST', '/api/runCommand', { body: { _id: command._id, systems } });
    const id = run.json.workflowInstanceId;
    expect((await t.call('GET', '/api/v2/queuedcommand/workflows')).list).toMatchObject([
      { id, name: 'Wait', assignedCount: 2, pendingCount: 2 },
    ]);
    const other = { key: t.keyOf(1) };
    expect((await t.call('GET', '/api/v2/queuedcommand/workflows', other)).list).toEqual([]);
    expect((await t.call('DELETE', `/api/v2/commandqueue/${id}`, other)).status).toBe(404);
    expect((await t.call('DELETE', `/api/v2/commandqueue/${id}`)).status).toBe(204);
    await t.devices.answer();
    expect((await t.call('GET', `/api/commands/${command._id}/results`)).list).toEqual([]);
  });
});
