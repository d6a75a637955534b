import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDemoBuilt } from '../../scripts/build.mjs';
import { type AgentProcess, spawnAgent, startAgent } from './running-agent.js';
import { type DirectoryProcess, startDirectoryProcess } from './running-directory.js';
import { removeFolder } from './running-guard.js';

type Item = Record<string, unknown>;
const BUILD_FIRST = 'npm run directory -- --help compiles the demo: what is there is older than its sources';
const AGENTS = 5;

let dir: string;
let directory: DirectoryProcess;
let adminKey: string;
let connectKey: string | undefined;
const agents: AgentProcess[] = [];

async function call(method: string, url: string, body?: unknown): Promise<Item> {
  const response = await fetch(`${directory.url}${url}`, {
    method,
    headers: { 'x-api-key': adminKey },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status, `${method} ${url}`).toBeLessThan(300);
  const text = await response.text();
  return text === '' ? {} : (JSON.parse(text) as Item);
}

const sandboxOf = (n: number) => path.join(dir, `device-${n}`);
const start = (n: number, systemId?: string) =>
  startAgent({ url: directory.url, connectKey, sandbox: sandboxOf(n), hostname: `device-${n}`, systemId });
const startDirectory = (port = 0) =>
  startDirectoryProcess(path.join(dir, 'directory'), [
    ...['--organisations', '1', '--users', '5', '--internal-port', '0', '--port', String(port)],
  ]);

async function run(command: string, systems: readonly string[], fields: Item = {}): Promise<string[]> {
  const made = await call('POST', '/api/commands', { name: command.slice(0, 50), command, ...fields });
  return (await call('POST', '/api/runCommand', { _id: made._id, systems })).queueIds as string[];
}

const resultsOf = async (systemId: string) =>
  (await call('GET', `/api/commandresults?limit=100&filter=systemId:$eq:${systemId}`)).results as Item[];
const result = async (id: string | undefined) =>
  (await call('GET', `/api/commandresults?filter=_id:$eq:${id}`)) as { results: Item[] };

async function resultWhenThere(id: string | undefined): Promise<Item> {
  await expect.poll(async () => (await result(id)).results.length, { timeout: 8_000 }).toBe(1);
  return (await result(id)).results[0] as Item;
}

const events = async (...types: string[]) => {
  const body = { service: ['all'], start_time: '2024-01-01', limit: 10_000, sort: 'ASC' };
  const all = (await call('POST', '/insights/directory/v1/events', body)) as unknown as Item[];
  return all.filter(({ event_type }) => types.includes(String(event_type)));
};
const system = (id: string) => call('GET', `/api/systems/${id}`);

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
  } catch {
    return '';
  }
}

beforeAll(async () => {
  expect(isDemoBuilt(), BUILD_FIRST).toBe(true);
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-agents-'));
  directory = await startDirectory();
  adminKey = directory.seeded.keys[0]?.apiKey ?? '';
  [connectKey] = Object.values(directory.seeded.connectKeys);
  agents.push(...(await Promise.all(Array.from({ length: AGENTS }, (_, n) => start(n)))));
}, 60_000);
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop('SIGKILL')));
  await directory?.stop();
  if (dir !== undefined) removeFolder(dir);
});

describe('device agents', () => {
  it('enrol with the connect key that the settings show, and report what they are', async () => {
    expect((await call('GET', '/api/settings')).CONNECT_KEY).toBe(connectKey);
    const { systemId } = agents[0]!;
    expect(await system(systemId)).toMatchObject({ hostname: 'device-0', arch: os.arch(), active: true });
    mkdirSync(path.join(sandboxOf(0), 'apps', 'editor-1.2'), { recursive: true });
    await call('POST', `/api/systems/${systemId}/command/builtin/restart`);
    const apps = async () =>
      (await call('GET', `/api/v2/systeminsights/apps?filter=system_id:eq:${systemId}`)) as unknown as Item[];
    await expect.poll(apps, { timeout: 5_000 }).toMatchObject([{ name: 'editor', bundle_version: '1.2' }]);
    expect(await events('system_create')).toHaveLength(AGENTS);
  });

  it('all run the same command at once, each in its own sandbox, with their own result and event', async () => {
    for (const [n, { sandbox }] of agents.entries())
      writeFileSync(path.join(sandbox, 'who'), `device ${n}\n`);
    const ids = agents.map(({ systemId }) => systemId);
    const queued = await run('cat who', ids);
    const results = await Promise.all(queued.map(resultWhenThere));
    expect(results.map(({ response }) => response)).toMatchObject(
      agents.map((_, n) => ({ data: { exitCode: 0, output: `device ${n}\n` } })),
    );
    const ran = await events('command_run', 'command_result');
    const made = ran.filter(({ event_type, resource }) => {
      return event_type === 'command_result' && (resource as Item).name === 'cat who';
    });
    const [call] = ran.filter(({ resource }) => (resource as Item).systems !== undefined);
    expect(made.map((event) => event.run).sort()).toEqual([...queued].sort());
    for (const event of made)
      expect(event).toMatchObject({
        ...{ service: 'systems', success: true, initiated_by: { type: 'system' } },
        requested_by: { email: directory.seeded.keys[0]?.email },
        ...{ correlation: call?.correlation, resource: call && { id: (call.resource as Item).id } },
      });
  });

  it('refuse hostile text, and say why', async () => {
    const { systemId, sandbox } = agents[1]!;
    for (const text of [
      'touch a; touch b',
      'touch $(id)',
      'touch `id`',
      'touch a\ntouch b',
      'touch \0',
      'touch ../a',
    ]) {
      const [id] = await run(text, [systemId]);
      const { response } = await resultWhenThere(id);
      expect(response).toMatchObject({
        data: { exitCode: 126 },
        error: expect.stringMatching(/^refused: ./),
      });
    }
    expect(readdirSync(sandbox)).toEqual(['who']);
  });

  it('end a command at its own time limit', async () => {
    const [id] = await run('sleep 60', [agents[1]!.systemId], { timeout: '1' });
    expect((await resultWhenThere(id)).exitCode).toBe(124);
  });

  it('run what was put into the queue from inside, and no call stands behind it', async () => {
    const before = (await events('command_run')).length;
    const { systemId } = agents[2]!;
    const token = readFileSync(path.join(dir, 'directory', 'internal-token'), 'utf8').trim();
    const inject = (bearer: string) =>
      fetch(`http://127.0.0.1:${directory.internalPort}/internal/commands/inject`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify({ systemIds: [systemId], command: 'echo injected' }),
      });
    expect((await inject('wrong')).status).toBe(401);
    const { queueIds } = (await (await inject(token)).json()) as { queueIds: string[] };
    expect(await resultWhenThere(queueIds[0])).toMatchObject({
      ...{ systemId, exitCode: 0, commandId: null, response: { data: { output: 'injected\n' } } },
    });
    expect((await events('command_run')).length).toBe(before);
    const effect = (await events('command_result')).find(({ run }) => run === queueIds[0]);
    expect(effect).toMatchObject({ requested_by: null, system: { id: systemId } });
  });

  it('keep policies and report them', async () => {
    const { systemId, sandbox } = agents[2]!;
    const statuses: string[] = [];
    for (const [name, values] of [
      ['agent_required_file', { path: 'etc/motd', content: 'welcome\n' }],
      ['agent_forbidden_names', { names: ['miner'] }],
      ['agent_sandbox_size', { bytesMax: 100 }],
    ] as const) {
      const given = Object.entries(values).map(([configFieldName, value]) => ({ configFieldName, value }));
      const policy = await call('POST', '/api/v2/policies', { name, template: { name }, values: given });
      statuses.push(`/api/v2/policies/${policy.id}/policystatuses`);
      const tie = { op: 'add', type: 'system', id: systemId };
      await call('POST', `/api/v2/policies/${policy.id}/associations`, tie);
    }
    writeFileSync(path.join(sandbox, 'miner'), '');
    writeFileSync(path.join(sandbox, 'big'), 'x'.repeat(200));
    const states = () =>
      Promise.all(statuses.map(async (url) => ((await call('GET', url)) as unknown as Item[])[0]));
    const ends = { systemID: systemId, startedAt: expect.any(String) };
    await expect.poll(states, { timeout: 5_000 }).toMatchObject([
      { state: 'success', success: true, ...ends },
      { state: 'success', success: true, ...ends },
      { state: 'failed', success: false, detail: expect.stringContaining('of 100 bytes'), ...ends },
    ]);
    expect(readFileSync(path.join(sandbox, 'etc', 'motd'), 'utf8')).toBe('welcome\n');
    expect(existsSync(path.join(sandbox, 'miner'))).toBe(false);
  });

  it('locked: take no command until unlocked', async () => {
    const { systemId } = agents[3]!;
    await call('POST', `/api/systems/${systemId}/command/builtin/lock`);
    await expect.poll(async () => (await system(systemId)).locked, { timeout: 5_000 }).toBe(true);
    const [id] = await run('echo late', [systemId]);
    const [other] = await run('echo now', [agents[1]!.systemId]);
    await resultWhenThere(other);
    expect((await result(id)).results).toEqual([]);
    await call('POST', `/demo/systems/${systemId}/unlock`);
    await resultWhenThere(id);
    expect((await system(systemId)).locked).toBe(false);
  });
});

describe('kills', () => {
  it('an agent killed in a command reports it as interrupted and does not run it again', async () => {
    const { systemId, sandbox } = agents[0]!;
    const [id] = await run('sleep 61', [systemId]);
    const [next] = await run('touch after', [systemId]);
    const journal = path.join(`${sandbox}.agent`, 'runs', `${id}.json`);
    await expect
      .poll(() => existsSync(journal) && readFileSync(journal, 'utf8'), { timeout: 5_000 })
      .toContain('pid');
    const { process } = JSON.parse(readFileSync(journal, 'utf8')) as { process: { pid: number } };
    await agents[0]!.stop('SIGKILL');
    agents[0] = await start(0, systemId);
    const { exitCode, response } = await resultWhenThere(id);
    expect(exitCode).toBe(137);
    expect(response).toMatchObject({ error: expect.stringContaining('not run again') });
    // What it had started is gone with it, or a zombie that nobody waits for.
    expect(stateOf(process.pid)).toMatch(/^$|Z/);
    await resultWhenThere(next);
    expect((await events('command_result')).filter(({ run }) => run === id)).toHaveLength(1);
  });

  it('a directory killed while agents work: they come back, nothing is lost, nothing runs twice', async () => {
    const targets = agents.slice(0, 3);
    const queued: string[] = [];
    const runs = Array.from({ length: 8 }, async (_, n) => {
      queued.push(
        ...(await run(
          `mkdir once-${n}`,
          targets.map(({ systemId }) => systemId),
        )),
      );
    });
    await Promise.all(runs);
    await directory.stop('SIGKILL');
    directory = await startDirectory(directory.port);
    // mkdir fails the second time.
    for (const id of queued) expect((await resultWhenThere(id)).exitCode).toBe(0);
    const made = (await events('command_result'))
      .map(({ run }) => run)
      .filter((id) => queued.includes(String(id)));
    expect(made.sort()).toEqual([...queued].sort());
    for (const { systemId } of targets)
      expect((await resultsOf(systemId)).filter(({ name }) => String(name).startsWith('mkdir'))).toHaveLength(
        8,
      );
  }, 30_000);
});

describe('ends', () => {
  it('a shut down device ends; what is queued runs when it is started again', async () => {
    const { systemId } = agents[3]!;
    await call('POST', `/api/systems/${systemId}/command/builtin/shutdown`);
    expect(await agents[3]!.ended()).toBe(0);
    expect((await system(systemId)).active).toBe(false);
    const [id] = await run('echo later', [systemId]);
    agents[3] = await start(3, systemId);
    await resultWhenThere(id);
  });

  it('an erase empties the sandbox and ends the agent, whose key opens nothing any more', async () => {
    const { systemId, sandbox } = agents[4]!;
    mkdirSync(path.join(sandbox, 'deep', 'er'), { recursive: true });
    await call('POST', `/api/systems/${systemId}/command/builtin/erase`);
    expect(await agents[4]!.ended()).toBe(0);
    expect(readdirSync(sandbox)).toEqual([]);
    expect(existsSync(`${sandbox}.agent`)).toBe(false);
    expect((await system(systemId)).active).toBe(false);
    const erased = (await events('command_result')).filter(
      ({ resource }) => (resource as Item).name === 'erase',
    );
    expect(erased).toMatchObject([{ system: { id: systemId }, success: true }]);
  });

  it('a removed device is refused, and its agent ends and says so', async () => {
    await call('DELETE', `/api/systems/${agents[3]!.systemId}`);
    expect(await agents[3]!.ended()).toBe(3);
  });

  it('a wrong connect key enrols nothing', async () => {
    const sandbox = sandboxOf(9);
    const child = spawnAgent({ url: directory.url, connectKey: 'wrong', sandbox, hostname: 'stranger' });
    expect((await once(child, 'exit'))[0]).toBe(3);
    expect((await call('GET', '/api/systems?filter=hostname:$eq:stranger')).totalCount).toBe(0);
  });
});
