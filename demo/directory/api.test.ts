import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemPorts } from './ids.js';
import type { JsonObject } from './model.js';
import { enqueue } from './queue.js';
import { type TestDirectory, testDirectory } from './testing/fixture.js';

let t: TestDirectory;
beforeAll(async () => {
  t = await testDirectory();
});
afterAll(() => t.close());

const first = async (path: string): Promise<string> =>
  String((await t.call('GET', `${path}?limit=1`)).list[0]?.id);
const lastEvents = async (count = 1): Promise<readonly JsonObject[]> =>
  (
    await t.call('POST', '/insights/directory/v1/events', {
      body: { service: ['all'], start_time: '2023-07-01T00:00:00Z', limit: count },
    })
  ).list;

describe('start data', () => {
  it('say the same of second factors in every field', async () => {
    const { list } = await t.call('GET', '/api/systemusers?limit=100');
    expect(new Set(list.map(({ totp_enabled }) => totp_enabled)).size).toBe(2);
    for (const { totp_enabled: has, mfa, mfaEnrollment } of list) {
      expect(mfa).toMatchObject({ configured: has });
      expect(mfaEnrollment).toMatchObject({ overallStatus: has ? 'ENROLLED' : 'NOT_ENROLLED' });
    }
  });
});

describe('v1', () => {
  it.each([
    'systemusers',
    'systems',
    'commands',
    'applications',
    'users',
    'organizations',
    'commandresults',
    'application-templates',
  ])('%s is listed with totals in the body', async (name) => {
    const { status, json, headers } = await t.call('GET', `/api/${name}?limit=1`);
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['totalCount', 'results']);
    expect(headers.get('x-total-count')).toBeNull();
  });

  it('a list past its end is empty, and no error', async () => {
    const { status, list, total } = await t.call('GET', '/api/systemusers?skip=99999');
    expect([status, list.length]).toEqual([200, 0]);
    expect(total).toBeGreaterThan(10);
  });

  it('paths are known in any letter case and with a slash at the end', async () => {
    for (const path of ['/api/Systemusers', '/api/systemusers/', '/API/systemusers'])
      expect((await t.call('GET', path)).status, path).toBe(200);
  });

  it('a user is made, found, changed and removed, and each is in the log', async () => {
    const made = await t.call('POST', '/api/systemusers', {
      body: { username: 'new.one', email: 'new.one@alder.example', firstname: 'New' },
      headers: { 'user-agent': 'curl/7.68.0', 'x-forwarded-for': '203.0.113.9, 198.51.100.7' },
    });
    expect(made.status).toBe(200);
    const id = String(made.json._id);
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect(made.json.id).toBe(id);
    expect((await lastEvents())[0]).toMatchObject({
      event_type: 'user_create',
      auth_method: 'api key',
      client_ip: '198.51.100.7',
      useragent: { name: 'curl', version: '7.68.0', major: '7' },
      resource: { type: 'user', id, username: 'new.one' },
      initiated_by: { type: 'admin', email: 'administrator.with.billing@alder.example' },
      organization: t.organization(0),
      success: true,
    });
    const found = await t.call('GET', '/api/systemusers?filter=username:$eq:new.one&fields=username');
    expect(found.list).toEqual([{ _id: id, id, username: 'new.one' }]);
    t.clock.now += 1_000;
    await t.call('PUT', `/api/systemusers/${id}`, { body: { firstname: 'Newer' } });
    expect((await lastEvents())[0]).toMatchObject({
      event_type: 'user_update',
      changes: [{ field: 'firstname', from: 'New', to: 'Newer' }],
    });
    const read = await t.call('GET', `/api/systemusers/${id}`);
    expect(read.json).toMatchObject({ firstname: 'Newer', email: 'new.one@alder.example' });
    t.clock.now += 1_000;
    expect((await t.call('DELETE', `/api/systemusers/${id}`)).status).toBe(200);
    expect((await lastEvents())[0]?.event_type).toBe('user_delete');
    expect((await t.call('GET', `/api/systemusers/${id}`)).json).toEqual({ message: 'Not Found' });
  });

  it('two users do not share a name, and a failed change leaves nothing', async () => {
    const body = { username: 'twin', email: 'twin@alder.example' };
    expect((await t.call('POST', '/api/systemusers', { body })).status).toBe(200);
    const before = (await t.call('GET', '/api/systemusers')).total;
    const again = await t.call('POST', '/api/systemusers', {
      body: { ...body, email: 'TWIN@alder.example', username: 'b' },
    });
    expect([again.status, again.json.message]).toEqual([409, 'email already exists']);
    expect((await t.call('GET', '/api/systemusers')).total).toBe(before);
  });

  it.each([
    ['resetmfa', { exclusion: true }, 'totp_delete_enrollment', { totp_enabled: false }],
    ['password', { password: 'long enough for all' }, 'user_password_set', { activated: true }],
    ['state/suspend', {}, 'user_suspended', { suspended: true }],
    ['state/activate', {}, 'user_activated', { suspended: false }],
    ['expire', {}, 'user_password_expired', { password_expired: true }],
  ])('POST {id}/%s', async (action, body, event, fields) => {
    t.clock.now += 1_000;
    const id = await first('/api/systemusers');
    const { status, json, text } = await t.call('POST', `/api/systemusers/${id}/${action}`, { body });
    expect(status).toBe(200);
    expect(json).toMatchObject(fields);
    expect(text).not.toContain('"password":');
    expect((await lastEvents())[0]).toMatchObject({ event_type: event, resource: { id } });
  });

  it('searches by body, and by nothing', async () => {
    const all = await t.call('POST', '/api/search/systems', { body: '' });
    expect(all.total).toBeGreaterThan(5);
    const some = await t.call('POST', '/api/search/systems', {
      body: { searchFilter: { searchTerm: 'DARWIN', fields: ['hostname'] }, fields: 'hostname os', limit: 2 },
    });
    expect(some.list.every(({ os }) => os === 'Mac OS X')).toBe(true);
    const filtered = await t.call('POST', '/api/search/systems', { body: { filter: ['os:$eq:Windows'] } });
    expect(filtered.total).toBeLessThan(all.total);
    const either = await t.call('POST', '/api/search/systems', {
      body: { filter: { or: ['os:eq:Windows', 'os:eq:Mac OS X', 'os:eq:Ubuntu'] } },
    });
    expect(either.total).toBe(all.total);
  });
});

describe('v2', () => {
  it.each([
    'usergroups',
    'systemgroups',
    'groups',
    'policies',
    'policytemplates',
    'ldapservers',
    'directories',
    'applemdms',
    'iplists',
    'roles',
    'authn/policies',
  ])('%s is a bare array with totals in a header', async (name) => {
    const { status, text, headers, list } = await t.call('GET', `/api/v2/${name}?limit=1`);
    expect(status).toBe(200);
    expect(text[0]).toBe('[');
    expect(headers.get('x-total-count')).toMatch(/^\d+$/);
    expect(list.some((each) => '_id' in each)).toBe(false);
  });

  it('members join and leave, and are reached through their group', async () => {
    const group = await t.call('POST', '/api/v2/usergroups', { body: { name: 'Reached' } });
    expect(group.status).toBe(201);
    const id = String(group.json.id);
    const user = await first('/api/systemusers');
    const system = await first('/api/systems');
    const post = (path: string, body: unknown) => t.call('POST', path, { body });
    expect(
      (await post(`/api/v2/usergroups/${id}/members`, { op: 'add', type: 'user', id: user })).status,
    ).toBe(204);
    expect((await t.call('GET', `/api/v2/usergroups/${id}/members`)).list).toEqual([
      { to: { type: 'user', id: user, attributes: null }, attributes: null },
    ]);
    const attributes = { sudo: { enabled: true, withoutPassword: false } };
    const tied = { op: 'add', type: 'system', id: system, attributes };
    expect((await post(`/api/v2/usergroups/${id}/associations`, tied)).status).toBe(204);
    const reached = (await t.call('GET', `/api/v2/users/${user}/systems?limit=100`)).list.find(
      (each) => each.id === system,
    );
    expect(reached).toMatchObject({ type: 'system', compiledAttributes: attributes });
    const users = (await t.call('GET', `/api/v2/systems/${system}/users?limit=100`)).list;
    expect(users.map((each) => each.id)).toContain(user);
    expect(
      (await t.call('GET', `/api/v2/users/${user}/memberof?limit=100`)).list.map((each) => each.id),
    ).toContain(id);
    await post(`/api/v2/usergroups/${id}/members`, { op: 'remove', type: 'user', id: user });
    expect((await t.call('GET', `/api/v2/usergroups/${id}/membership`)).list).toEqual([]);
    expect((await lastEvents())[0]).toMatchObject({
      event_type: 'association_change',
      association: { op: 'remove' },
    });
  });

  it('associations ask for their targets', async () => {
    const id = await first('/api/v2/usergroups');
    const path = `/api/v2/usergroups/${id}/associations`;
    expect((await t.call('GET', path)).json).toEqual({ message: 'targets is required' });
    expect((await t.call('GET', `${path}?targets=application`)).list.length).toBe(4);
    expect((await t.call('GET', `${path}?targets=nonsense`)).status).toBe(400);
  });
});

describe('commands', () => {
  it('run where they are told to, once, and devices answer', async () => {
    const body = { name: 'who', command: 'hostname', commandType: 'linux', user: '000000000000000000000000' };
    const command = String((await t.call('POST', '/api/commands', { body })).json._id);
    const systems = (await t.call('GET', '/api/systems?limit=2')).list;
    const ids = systems.map(({ id }) => id);
    const { status, json } = await t.call('POST', '/api/runCommand', {
      body: { _id: command, systemIds: ids },
    });
    expect(status).toBe(200);
    expect(json.queueIds).toHaveLength(2);
    await t.devices.answer();
    await t.devices.answer();
    const results = (
      await t.call('GET', `/api/commandresults?filter=workflowId:$eq:${json.workflowInstanceId}`)
    ).list;
    expect(results.map(({ systemId }) => systemId).sort()).toEqual([...ids].sort());
    expect(results[0]?.response).toMatchObject({ data: { exitCode: 0, output: `${results[0]?.system}\n` } });
    t.clock.now += 1_000;
    expect((await t.call('DELETE', `/api/commandresults/${results[0]?._id}`)).status).toBe(200);
    expect((await lastEvents())[0]?.event_type).toBe('commandresult_delete');
  });

  it('leave the entry of each simulated device, as agents do, whoever caused them', async () => {
    const [system] = (await t.call('GET', '/api/systems?limit=1')).list;
    const path = `/api/systems/${system?.id}/command/builtin`;
    const effects = async () =>
      (
        await t.call('POST', '/insights/directory/v1/events', {
          body: { service: ['systems'], start_time: '2023-07-01T00:00:00Z' },
        })
      ).list;
    t.clock.now += 60_000;
    const command = (await t.call('GET', '/api/commands')).list.find(({ name }) => name === 'Hostname');
    const body = { _id: command?._id, systems: [system?.id] };
    const { json } = await t.call('POST', '/api/runCommand', { body });
    await t.devices.answer();
    const caller = t.seeded.keys[0]?.email;
    expect((await effects()).find(({ run }) => run === (json.queueIds as string[])[0])).toMatchObject({
      ...{ event_type: 'command_result', service: 'systems', success: true, exit_code: 0 },
      resource: { type: 'command', id: command?._id, name: 'Hostname' },
      system: { id: system?.id, hostname: system?.hostname },
      correlation: { type: 'workflow', id: json.workflowInstanceId },
      requested_by: { type: 'admin', email: caller },
      initiated_by: { type: 'system', id: system?.id },
    });
    // What nobody called for is told apart by that.
    const injected = { id: null, name: 'x', command: 'id', user: '', sudo: false, timeoutMs: 1_000 };
    const what = { action: 'command' as const, command: injected, requestedBy: null };
    const ports = { now: () => t.clock.now, newId: systemPorts().newId };
    const { queueIds } = await t.store.change(() =>
      enqueue(t.store, ports, t.organization(0), [String(system?.id)], what),
    );
    await t.devices.answer();
    expect((await effects()).find(({ run }) => run === queueIds[0])).toMatchObject({ requested_by: null });
    // Built-in actions too: the device is what it says that it is, when it has done them.
    const state = async () => (await t.call('GET', `/api/systems/${system?.id}`)).json;
    const count = (await effects()).length;
    for (const [action, locked, active] of [
      [`${path}/lock`, true, true],
      [`/demo/systems/${system?.id}/unlock`, false, true],
      [`${path}/shutdown`, false, false],
      [`${path}/restart`, false, true],
      [`${path}/erase`, false, false],
    ] as const) {
      expect((await t.call('POST', action)).status, action).toBe(204);
      await t.devices.answer();
      expect(await state(), action).toMatchObject({ locked, active });
    }
    expect((await effects()).length).toBe(count + 5);
    expect(t.store.queued()).toEqual([]);
  });

  it('run by trigger on what they are tied to', async () => {
    expect((await t.call('POST', '/api/command/trigger/inventory')).json).toEqual({
      triggered: ['Inventory'],
    });
    expect(t.store.queued()).toHaveLength(3);
    await t.devices.answer();
    expect((await t.call('POST', '/api/command/trigger/nothing')).status).toBe(404);
    expect((await t.call('POST', '/api/runcommand', { body: {} })).json).toEqual({
      message: 'command id is required',
    });
  });

  it('on a group of devices do not reach others over their people', async () => {
    const make = async (path: string, body: unknown) =>
      String((await t.call('POST', path, { body })).json.id);
    const [inside = '', outside = ''] = (await t.call('GET', '/api/systems?limit=2')).list.map(({ id }) =>
      String(id),
    );
    const devices = await make('/api/v2/systemgroups', { name: 'few' });
    const people = await make('/api/v2/usergroups', { name: 'their people' });
    const command = await make('/api/commands', { name: 'x', command: 'x' });
    const add = (path: string, type: string, id: string) =>
      t.call('POST', path, { body: { op: 'add', type, id } });
    await add(`/api/v2/systemgroups/${devices}/members`, 'system', inside);
    await add(`/api/v2/usergroups/${people}/associations`, 'system_group', devices);
    await add(`/api/v2/usergroups/${people}/associations`, 'system', outside);
    await add(`/api/v2/commands/${command}/associations`, 'system_group', devices);
    const run = await t.call('POST', '/api/runCommand', { body: { _id: command } });
    expect(run.json.queueIds).toHaveLength(1);
    expect(t.store.queued().map(({ system }) => system)).toEqual([inside]);
  });
});
