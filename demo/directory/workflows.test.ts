import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JUMPCLOUD } from '../../world/jumpcloud.js';
import type { JsonObject } from './model.js';
import { type TestDirectory, testDirectory } from './testing/fixture.js';

/** Every operation that the world's principals use, by its name in the catalog, is answered. */

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

const catalog = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../../catalogs/jumpcloud.json'), 'utf8'),
) as { operations: readonly Operation[] };
const flows = [
  ...JUMPCLOUD.services.flatMap((service) => service.flows),
  ...JUMPCLOUD.handFlows,
  ...JUMPCLOUD.thefts.map(({ flow }) => flow),
];
const names = [...new Set(flows.flat().map(({ operation }) => operation))].sort();

let t: TestDirectory;
beforeAll(async () => {
  t = await testDirectory(1);
  await t.call('POST', '/api/v2/authn/policies', { body: { name: 'Portal' } });
});
afterAll(() => t.close());

/** The first object of what stands before the parameter in the path. */
async function filled(pattern: string): Promise<string> {
  const segments = pattern.split('/');
  for (const [i, segment] of segments.entries()) {
    if (!segment.startsWith('{')) continue;
    // These are listed by v1 alone.
    const before = segments
      .slice(0, i)
      .join('/')
      .replace(/v2\/(?=applications|commands|systems$)/, '');
    // Removed by another step, a command is made anew.
    segments[i] = before === '/api/commands' ? await newCommand() : await first(before);
  }
  return segments.join('/');
}

async function first(list: string): Promise<string> {
  const { list: found } = await t.call('GET', `${list}?limit=1`);
  return String(found[0]?.id);
}

const newCommand = async () =>
  String((await t.call('POST', '/api/commands', { body: { name: 'x', command: 'id' } })).json._id);

async function bodyOf(operation: string): Promise<JsonObject | undefined> {
  const tie = async (type: string, list: string) => ({ op: 'add', type, id: await first(list) });
  switch (operation) {
    case 'systemusers.create':
      return { username: 'new.one', email: 'new.one@alder.example' };
    case 'systemusers.update':
      return { firstname: 'New' };
    case 'systemusers.password':
      return { password: 'Correct-horse-battery-staple-1' };
    case 'systemusers.resetmfa':
      return { exclusion: true, exclusionUntil: '2023-07-12T00:00:00Z' };
    case 'systemusers.sshkeys.create':
      return { name: 'laptop', public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ user' };
    case 'users.create':
      return { email: 'admin.two@alder.example', roleName: 'Manager' };
    case 'users.update':
      return { firstname: 'New' };
    case 'commands.create':
    case 'commands.update':
      return { name: 'Patch', command: 'hostname' };
    case 'runcommand':
      return { _id: await newCommand(), systemIds: [await first('/api/systems')] };
    case 'applications.update':
      return { config: { acsUrl: { value: 'https://acs.example' } } };
    case 'organizations.update':
      return { displayName: 'Alder' };
    case 'v2.policies.update':
    case 'v2.usergroups.update':
    case 'v2.authn.policies.patch':
      return { name: 'Renamed' };
    case 'v2.usergroups.members.create':
      return tie('user', '/api/systemusers');
    case 'v2.applications.associations.create':
      return tie('user_group', '/api/v2/usergroups');
    case 'v2.commands.associations.create':
      return tie('system', '/api/systems');
    case 'v2.systems.associations.create':
      return tie('user', '/api/systemusers');
    case 'insights.directory.v1.events':
      return { service: ['all'], start_time: '2023-01-01' };
    default:
      return undefined;
  }
}

describe('operations of the world', () => {
  it('are there to check', () => {
    expect(names.length).toBeGreaterThan(50);
  });

  it.each(names)('%s', async (name) => {
    const operation = catalog.operations.find((each) => each.name === name);
    expect(operation).toBeDefined();
    const { method, path: pattern } = operation as Operation;
    const query = name.endsWith('associations.get') ? '?targets=user' : '';
    const url = `${await filled(pattern)}${query}`;
    const body = await bodyOf(name);
    const answer = await t.call(method, url, body === undefined ? {} : { body });
    expect(answer.status, `${method} ${url} ${answer.text}`).toBeGreaterThanOrEqual(200);
    expect(answer.status, `${method} ${url} ${answer.text}`).toBeLessThan(300);
  });
});

describe('System Insights of simulated devices', () => {
  it.each([
    'apps',
    'programs',
    'os_version',
    'disk_encryption',
    'users',
    'user_ssh_keys',
    'system_info',
    'interface_addresses',
  ])('%s has rows, each with its device', async (table) => {
    const { list, total } = await t.call('GET', `/api/v2/systeminsights/${table}?limit=100`);
    expect(total).toBe(list.length);
    expect(list.length).toBeGreaterThan(0);
    const systems = await t.call('GET', '/api/systems?limit=100');
    const ids = systems.list.map(({ id }) => id);
    for (const row of list) {
      expect(ids).toContain(row.system_id);
      expect(row.id).toBeUndefined();
    }
    const one = list[0]?.system_id;
    const own = await t.call('GET', `/api/v2/systeminsights/${one}/${table}`);
    expect(own.list.every(({ system_id }) => system_id === one)).toBe(true);
    expect(own.list.length).toBeLessThanOrEqual(list.length);
  });

  it('a table that nobody has rows for is empty, one that there is not is not found', async () => {
    expect(await t.call('GET', '/api/v2/systeminsights/battery')).toMatchObject({ status: 200, total: 0 });
    expect((await t.call('GET', '/api/v2/systeminsights/nothing')).status).toBe(404);
  });
});
