import { once } from 'node:events';
import { mkdtempSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, Visitor } from '../../demo/directory/testing/people.js';
import { isDemoBuilt } from '../../scripts/build.mjs';
import { type DirectoryProcess, startDirectoryProcess } from './running-directory.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard } from './running-guard.js';

type Item = Record<string, unknown>;
const BUILD_FIRST = 'npm run directory -- --help compiles the demo: what is there is older than its sources';

/**
 * Asks as the JumpCloud integration of JupiterOne does (its npm package is not in the public registry): `x-org-id`
 * even when empty, pages by 100 until one is empty, 404 taken for an empty collection, no other answer but 200.
 */
async function everything(base: string, key: string, resource: string): Promise<Item[]> {
  const all: Item[] = [];
  for (let pages = 0; pages < 50; pages++) {
    const url = `${base}/api/${resource}?limit=100&skip=${all.length}`;
    const headers = { 'x-org-id': '', 'x-api-key': key, contentType: 'application/json' };
    const response = await fetch(url, { headers });
    if (response.status === 404) return all;
    expect(response.status, `${url} ${await response.clone().text()}`).toBe(200);
    const json = (await response.json()) as Item[] | { results: Item[] };
    const page = Array.isArray(json) ? json : json.results;
    if (page.length === 0) return all;
    all.push(...page);
  }
  throw new Error('The pages do not end.');
}

/** The steps of that integration: everything, and what each thing is tied to. */
async function integration(base: string, key: string) {
  const [users, groups, apps] = [
    await everything(base, key, 'systemusers'),
    await everything(base, key, 'v2/usergroups'),
    await everything(base, key, 'applications'),
  ];
  const members = [];
  for (const { id } of groups) members.push(...(await everything(base, key, `v2/usergroups/${id}/members`)));
  const appUsers = await everything(base, key, `v2/applications/${apps[0]?.id}/users`);
  const appGroups = await everything(base, key, `v2/applications/${apps[0]?.id}/usergroups`);
  const none = await everything(base, key, 'applemdms');
  const organizations = await everything(base, key, 'organizations');
  return { users, groups, apps, members, appUsers, appGroups, none, organizations };
}

let dir: string;
let directory: DirectoryProcess;
let guardDir: string;
let guard: GuardProcess;
let adminKey: string;
let guardKey: string;

beforeAll(async () => {
  expect(isDemoBuilt(), BUILD_FIRST).toBe(true);
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-directory-'));
  directory = await startDirectoryProcess(dir, [
    '--seed',
    '3',
    '--organisations',
    '2',
    '--users',
    '60',
    '--behind-proxy',
  ]);
  adminKey = directory.seeded.keys[0]?.apiKey ?? '';
  guardDir = guardFolder({ upstreams: [{ name: 'directory', url: directory.url, catalog: 'jumpcloud' }] });
  guard = await startGuard(guardDir);
  const sealed = { upstream: 'directory', header: 'x-api-key', secret: adminKey };
  expect((await guard.admin('PUT', '/v1/sealed/first', sealed)).status).toBe(200);
  const issued = await guard.admin('POST', '/v1/keys', {
    name: 'inventory',
    sealed: 'first',
    upstreams: ['directory'],
  });
  expect(issued.status, await issued.clone().text()).toBe(201);
  guardKey = ((await issued.json()) as { credential: string }).credential;
}, 60_000);
afterAll(async () => {
  await guard?.stop();
  await directory?.stop();
  for (const each of [dir, guardDir]) if (each !== undefined) removeFolder(each);
});

describe('the directory as a process', () => {
  it('serves a real integration to its end, and the same through the guard', async () => {
    const direct = await integration(directory.url, adminKey);
    expect(direct.users.length).toBeGreaterThanOrEqual(60);
    expect(new Set(direct.users.map(({ _id }) => _id)).size).toBe(direct.users.length);
    // Everyone is in one team, and every team has every application.
    expect(direct.members.length).toBe(direct.users.length);
    expect(direct.appUsers.length).toBe(direct.users.length);
    expect(direct.appGroups.length).toBe(direct.groups.length);
    expect(direct.none).toEqual([]);
    const guarded = await integration(`http://127.0.0.1:${guard.port}`, guardKey);
    expect(guarded).toEqual(direct);
  });

  it('takes writes, runs commands and logs the client, through the guard', async () => {
    const call = async (method: string, url: string, body?: unknown) => {
      const response = await fetch(`http://127.0.0.1:${guard.port}${url}`, {
        method,
        headers: { 'x-api-key': guardKey, 'content-type': 'application/json', 'user-agent': 'hr-sync/2.0' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(response.status, `${method} ${url}`).toBeLessThan(300);
      return (await response.json()) as Item;
    };
    const started = new Date(Date.now() - 1_000).toISOString();
    const command = await call('POST', '/api/commands/', { name: 'who', command: 'hostname' });
    const systems = (await call('GET', '/api/systems?limit=3')).results as Item[];
    const { queueIds } = await call('POST', '/api/runCommand', {
      _id: command._id,
      systems: systems.map(({ _id }) => _id),
    });
    expect(queueIds).toHaveLength(3);
    await expect
      .poll(
        async () => (await call('GET', `/api/commandresults?filter=commandId:$eq:${command._id}`)).totalCount,
        { timeout: 5_000 },
      )
      .toBe(3);
    const events = await call('POST', '/insights/directory/v1/events', {
      service: ['all'],
      start_time: started,
      sort: 'ASC',
    });
    expect(events).toMatchObject([
      {
        event_type: 'command_create',
        client_ip: '127.0.0.1',
        useragent: { name: 'hr-sync' },
        auth_method: 'api key',
      },
      { event_type: 'command_run', resource: { name: 'who' } },
      ...Array.from({ length: 3 }, () => ({ event_type: 'command_result', resource: { name: 'who' } })),
    ]);
  });

  it('reads the body of a GET, as the serverless app of the real service sends it, through the guard', async () => {
    const get = async (port: number, key: string, body: string) => {
      const headers = { 'x-api-key': key, 'content-type': 'application/json' };
      const options = { method: 'GET', headers: { ...headers, 'content-length': Buffer.byteLength(body) } };
      const request = http.request(`http://127.0.0.1:${port}/api/systemusers?limit=9`, options);
      request.end(body);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return {
        status: response.statusCode,
        json: (await new Response(Readable.toWeb(response) as ReadableStream).json()) as Item,
      };
    };
    const body = JSON.stringify({ fields: ['username'], skip: 1, limit: 2, filter: 'sudo:$eq:false' });
    const { status, json } = await get(directory.port, adminKey, body);
    expect(status).toBe(200);
    const results = json.results as Item[];
    expect(results.map((each) => Object.keys(each).sort())).toEqual(
      Array.from({ length: 2 }, () => ['_id', 'id', 'username']),
    );
    expect((await get(guard.port, guardKey, body)).json).toEqual(json);
    for (const wrong of ['{', '[]', '{"$where":1}', '{"limit":-1}'])
      expect((await get(directory.port, adminKey, wrong)).status, wrong).toBe(400);
    expect((await get(directory.port, adminKey, `"${'x'.repeat(1024 * 1024)}"`)).status).toBe(413);
  });

  it('a guarded key does not open the directory, nor the directory key the guard', async () => {
    const status = async (base: string, key: string) =>
      (await fetch(`${base}/api/systemusers`, { headers: { 'x-api-key': key } })).status;
    expect(await status(directory.url, guardKey)).toBe(401);
    expect(await status(`http://127.0.0.1:${guard.port}`, adminKey)).toBe(401);
  });

  it('listens on the loopback interface, and keeps its keys to its owner', async () => {
    expect(statSync(path.join(dir, 'keys.json')).mode & 0o077).toBe(0);
    expect(statSync(dir).mode & 0o077).toBe(0);
    const others = Object.values(os.networkInterfaces())
      .flat()
      .filter((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    for (const each of others)
      await expect(
        fetch(`http://${each?.address}:${directory.port}/`, { signal: AbortSignal.timeout(2_000) }),
      ).rejects.toThrow();
  });
});

describe('a directory that is told to stop', () => {
  it('ends within a second, whatever is open, queued or under way', async () => {
    const own = mkdtempSync(path.join(os.tmpdir(), 'keyward-directory-'));
    try {
      const args = ['--organisations', '1', '--users', '200', '--device-ms', '10'];
      const { url, port, seeded, stop } = await startDirectoryProcess(own, args);
      const headers = { 'x-api-key': seeded.keys[0]?.apiKey ?? '' };
      const systems = (await everything(url, headers['x-api-key'], 'systems')).map(({ _id }) => _id);
      const [command] = await everything(url, headers['x-api-key'], 'commands');
      const run = () =>
        fetch(`${url}/api/runCommand`, {
          ...{ method: 'POST', headers, body: JSON.stringify({ _id: command?._id, systems }) },
        });
      for (let n = 0; n < 10; n++) expect((await run()).status).toBe(200);
      const half = net.connect(port, '127.0.0.1').on('error', () => undefined);
      half.write('POST /api/systemusers HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{');
      const pending = Promise.allSettled(Array.from({ length: 20 }, run));
      const started = performance.now();
      expect(await stop()).toBe(0);
      expect(performance.now() - started).toBeLessThan(1_000);
      await pending;
    } finally {
      removeFolder(own);
    }
  });
});

describe('a directory that is killed', () => {
  it('has everything it acknowledged when it is back, each with its event', async () => {
    const own = mkdtempSync(path.join(os.tmpdir(), 'keyward-directory-'));
    try {
      const first = await startDirectoryProcess(own, ['--organisations', '1', '--users', '5']);
      const key = first.seeded.keys[0]?.apiKey ?? '';
      const headers = { 'x-api-key': key };
      const acknowledged: string[] = [];
      const write = async (n: number) => {
        const body = JSON.stringify({ name: `group ${n}` });
        const response = await fetch(`${first.url}/api/v2/usergroups`, { method: 'POST', headers, body });
        if (response.status === 201) acknowledged.push(`group ${n}`);
      };
      const writer = async (from: number) => {
        for (let n = from; n < from + 1_000; n++) await write(n);
      };
      const writers = Promise.allSettled([0, 1_000, 2_000].map(writer));
      await expect.poll(() => acknowledged.length, { timeout: 15_000 }).toBeGreaterThan(60);
      const user = first.seeded.passwords.find(
        ({ kind, totpSecret }) => kind === 'user' && totpSecret !== null,
      );
      const visitor = new Visitor(`http://localhost:${first.port}`);
      const code = codeOf(user?.totpSecret ?? '', Date.now());
      await visitor.logIn(user?.email ?? '', user?.password);
      expect((await visitor.submit('/mfa', { code })).status).toBe(303);
      await first.stop('SIGKILL');
      await writers;
      const second = await startDirectoryProcess(own, ['--port', String(first.port)]);
      const groups = await everything(second.url, key, 'v2/usergroups');
      const names = new Set(groups.map(({ name }) => name));
      expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
      const search_term = { and: [{ event_type: 'group_create' }] };
      const body = JSON.stringify({ service: ['all'], start_time: '2023-01-01', limit: 10_000, search_term });
      const asked = await fetch(`${second.url}/insights/directory/v1/events`, {
        method: 'POST',
        headers,
        body,
      });
      const created = ((await asked.json()) as { resource: Item }[]).map(({ resource }) => resource.name);
      // Neither a change without its event nor an event without its change.
      expect(created.sort()).toEqual([...names].filter((name) => String(name).startsWith('group ')).sort());
      // Who was logged in still is, and a code that was taken is taken for good.
      expect((await visitor.get('/apps')).url).toBe('/apps');
      const again = new Visitor(`http://localhost:${second.port}`);
      await again.logIn(user?.email ?? '', user?.password);
      expect((await again.submit('/mfa', { code })).status).toBe(401);
      const exited = once(second.child, 'exit');
      second.child.stdin?.end();
      expect((await exited)[0]).toBe(0);
    } finally {
      removeFolder(own);
    }
  }, 60_000);
});
