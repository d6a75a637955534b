import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { raw } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import {
  cli,
  type GatewayProcess,
  type GuardProcess,
  guardFolder,
  removeFolder,
  startGateway,
  startGuard,
} from './running-guard.js';
import { dial } from './stranger.js';

const OWNER = { address: '198.51.100.7', agent: 'python-requests/2.31.0' };
const THIEF = { address: '203.0.113.66', agent: 'curl/8.4.0' };
const COMMAND = 'POST /api/runCommand';

// Silent gateways are waited for, and processes started.
vi.setConfig({ testTimeout: 60_000 });

interface Key {
  readonly id: string;
  readonly credential: string;
}

let upstream: HttpUpstream;
let dir: string;
let guard: GuardProcess;
let east: GatewayProcess;
let key: Key;

beforeAll(async () => {
  upstream = await httpUpstream((_, response) => response.end('ok'));
  dir = guardFolder({
    upstreams: [{ name: 'api', url: upstream.url, catalog: 'jumpcloud' }],
    trustedProxies: ['127.0.0.1'],
    detector: { mode: 'enforce' },
  });
  guard = await startGuard(dir);
  east = await startEast();
  key = await issue();
  await learnAt(east);
});
afterAll(async () => {
  await east?.stop();
  await guard?.stop();
  upstream?.close();
  removeFolder(dir);
});

async function issue(): Promise<Key> {
  const issued = await guard.admin('POST', '/v1/keys', { name: 'k' });
  const { key: record, credential } = (await issued.json()) as { key: { id: string }; credential: string };
  return { id: record.id, credential };
}

function requestOf(who: typeof OWNER, line: string, of = key): string {
  return `${line} HTTP/1.1\r\nHost: api\r\nx-api-key: ${of.credential}\r\nX-Forwarded-For: ${who.address}\r\nUser-Agent: ${who.agent}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
}

const ask = (who: typeof OWNER, line: string, at = east, of = key) =>
  raw(at.port, requestOf(who, line, of), 20);

async function learnAt(gateway: GatewayProcess, of = key): Promise<void> {
  for (let n = 0; n < 60; n++)
    await ask(OWNER, n % 2 === 0 ? 'GET /api/systemusers' : 'GET /api/v2/usergroups', gateway, of);
}

async function untilHeld(line: string, at = east): Promise<string> {
  for (let n = 0; n < 15; n++) {
    const hold = /"hold":"(h_[\w-]+)"/.exec(await ask(THIEF, line, at))?.[1];
    if (hold !== undefined) return hold;
  }
  throw new Error('nothing was held');
}

async function gateways(): Promise<{ name: string; pid: number; connected: boolean; live: boolean }[]> {
  const answer = await guard.admin('GET', '/v1/status');
  return ((await answer.json()) as { gateways: Awaited<ReturnType<typeof gateways>> }).gateways;
}

/** Names of gateways that hold a lease. */
const live = async () => (await gateways()).filter((each) => each.live).map(({ name }) => name);

/** Once it has joined: before, the control process answers for itself alone. */
async function startEast(): Promise<GatewayProcess> {
  const started = await startGateway(dir, 'east');
  const joined = async () =>
    (await gateways()).some((each) => each.pid === started.child.pid && each.connected && each.live);
  await vi.waitUntil(joined, { timeout: 5_000 });
  return started;
}

const keyward = (...args: string[]) =>
  cli(args, { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: guard.token as string });

const listed = async () =>
  ((await (await guard.admin('GET', '/v1/holds?state=pending')).json()) as { holds: unknown[] }).holds;

describe('what a further gateway holds', () => {
  it('is listed, approved and denied through the control process, each in the journal', async () => {
    const hold = await untilHeld(COMMAND);
    expect((await keyward('holds', 'list')).stdout).toMatch(new RegExp(`${hold} +pending`));
    const shown = await keyward('holds', 'show', hold);
    expect(shown.stdout).toMatch(/gateway east[\s\S]*never used by this key/);
    expect(await keyward('holds', 'approve', hold)).toMatchObject({
      code: 0,
      stdout: `${hold} is approved.\n`,
    });
    expect(await ask(THIEF, COMMAND)).toMatch(/^HTTP\/1\.1 200/);
    expect(await ask(THIEF, COMMAND)).toMatch(/^HTTP\/1\.1 403/);
    expect(await keyward('holds', 'approve', hold)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('used already'),
    });

    const second = await untilHeld('DELETE /api/systems/5f1b2c3d4e5f6a7b8c9d0e1f');
    expect((await keyward('baseline', 'show', key.id)).stdout).toMatch(/ready[\s\S]*quarantined +[1-9]/);
    expect(await keyward('holds', 'deny', second)).toMatchObject({ code: 0 });
    expect((await keyward('baseline', 'show', key.id)).stdout).toMatch(/quarantined +0/);
    const acts = await keyward('journal', 'export', '-d', `${dir}/data`);
    expect(acts.stdout).toContain(
      `"hold.approve","target":"${hold}","detail":{"key":"${key.id}","gateway":"east"}`,
    );
    expect(acts.stdout).toContain('hold.deny');
  });

  it('is listed whole, however much waits', async () => {
    const before = (await listed()).length;
    for (let n = 0; n < 45; n++) await ask(THIEF, `${COMMAND}?n=${n}`);
    expect((await listed()).length).toBe(before + 45);
  });

  it('does not lose its gateway over what an operator looks for', async () => {
    const hold = await untilHeld(`${COMMAND}?after`);
    for (const path of ['/v1/holds?key=', `/v1/holds?key=${'k'.repeat(200)}`]) {
      expect(await (await guard.admin('GET', path)).json()).toEqual({ holds: [], silent: [] });
      expect(await (await guard.admin('GET', '/v1/holds')).text()).toContain(hold);
    }
    expect((await guard.admin('GET', `/v1/holds/${'h'.repeat(200)}`)).status).toBe(404);
    expect((await guard.admin('GET', `/v1/holds/${hold}`)).status).toBe(200);
  });

  it('keeps its approval while the gateway has no lease, and counts as one accepted call', async () => {
    const line = `${COMMAND}?lease`;
    const hold = await untilHeld(line);
    expect(await keyward('holds', 'approve', hold)).toMatchObject({ code: 0 });
    const accepted = async () => {
      const shown = (await (await guard.admin('GET', `/v1/keys/${key.id}`)).json()) as {
        usage: { accepted: number };
      };
      return shown.usage.accepted;
    };
    const noLease = /^HTTP\/1\.1 503 [\s\S]*lease_expired/;
    const slow = dial(east.port);
    const whole = requestOf(THIEF, line);
    slow.socket.write(whole.slice(0, -1));
    guard.child.kill('SIGSTOP');
    await expect.poll(() => ask(OWNER, 'GET /api/systemusers'), { timeout: 10_000 }).toMatch(noLease);
    expect(await ask(THIEF, line)).toMatch(noLease);
    slow.socket.write(whole.slice(-1));
    await expect.poll(slow.answer).toMatch(noLease);
    guard.child.kill('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = await accepted();
    expect(await ask(THIEF, line)).toMatch(/^HTTP\/1\.1 200/);
    expect(await ask(THIEF, line)).toMatch(/^HTTP\/1\.1 403/);
    await expect.poll(accepted, { timeout: 5_000 }).toBe(before + 1);
  });

  it('waits no longer than two seconds for a gateway that does not answer', async () => {
    const hold = await untilHeld(`${COMMAND}?again`);
    east.child.kill('SIGSTOP');
    // What it holds, knows and has spent is missing: nobody is told that this is all.
    const reads = ['holds list', 'holds list --json', 'baseline budget', `baseline show ${key.id}`];
    const [list, json, ...others] = await Promise.all(reads.map((line) => keyward(...line.split(' '))));
    expect([list?.stdout, json?.stdout]).toEqual(['Nothing waits elsewhere.\n', '[]\n']);
    for (const { code, stderr } of [list, json, ...others].filter((each) => each !== undefined))
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^keyward: No answer from gateway east: /)]);
    const startedMs = performance.now();
    const answer = await (await guard.admin('GET', '/v1/alarm-budget')).json();
    expect(answer).toMatchObject({ silent: ['east'] });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect((await keyward('holds', 'approve', hold)).stderr).toContain(
      `There is no hold ${hold}, save where nobody answers: gateway east.`,
    );
    // What was not done everywhere is not said to be done.
    expect(await keyward('baseline', 'discard', key.id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('save where nobody answers: gateway east'),
    });
    east.child.kill('SIGCONT');
    expect(await keyward('baseline', 'discard', key.id)).toMatchObject({ code: 0 });
    expect((await keyward('baseline', 'show', key.id)).stdout).toContain('ready');
  });

  it('stays in quarantine where a false alarm is closed while its gateway is silent: the operator is told', async () => {
    await untilHeld(`${COMMAND}?false`);
    const open = async () => {
      const answer = await guard.admin('GET', '/v1/incidents?state=open');
      const { incidents } = (await answer.json()) as { incidents: { id: string; keys: string[] }[] };
      return incidents.filter(({ keys }) => keys.includes(key.id)).map(({ id }) => id);
    };
    await expect.poll(open, { timeout: 5_000 }).toHaveLength(1);
    const [incident = ''] = await open();
    east.child.kill('SIGSTOP');
    const closed = await keyward('incidents', 'close', incident, '--as', 'false_alarm', '--why', 'us');
    east.child.kill('SIGCONT');
    expect([closed.code, closed.stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`${incident} is closed\\. The release .* ${key.id} is done, save .* gateway east`),
      ),
    ]);
    expect(await open()).toEqual([]);
    expect(await keyward('baseline', 'release', key.id)).toMatchObject({ code: 0 });
  });

  it('is forgotten with all that the key did by a reset, stopped, gone or killed: of that key alone', async () => {
    const other = await issue();
    await learnAt(east, other);
    const standing = async ({ id }: Key) =>
      (await (await guard.admin('GET', `/v1/keys/${id}/baseline`)).json()) as object;
    const forgotten = { calls: 0, warming: true, silent: [] };
    const reset = async () => expect((await keyward('baseline', 'reset', key.id)).stdout).toMatch(/anew/);

    east.child.kill('SIGSTOP');
    await reset();
    east.child.kill('SIGCONT');
    await expect.poll(() => standing(key), { timeout: 5_000 }).toMatchObject(forgotten);

    await learnAt(east);
    expect(await standing(key)).toMatchObject({ calls: 60, warming: false });
    await east.stop();
    await reset();
    east = await startEast();
    await expect.poll(() => standing(key), { timeout: 5_000 }).toMatchObject(forgotten);

    await learnAt(east);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await reset();
    await east.stop('SIGKILL');
    east = await startEast();
    await expect.poll(() => standing(key), { timeout: 5_000 }).toMatchObject(forgotten);
    expect(await standing(other)).toMatchObject({ calls: 60, warming: false });
    // It begins anew, and is as good as any other beginning.
    await learnAt(east);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await east.stop('SIGKILL');
    east = await startEast();
    await expect.poll(() => standing(key), { timeout: 5_000 }).toMatchObject({ calls: 60, silent: [] });
  });

  it('holds up nothing but what it was asked about: a hold elsewhere is decided, a key revoked', async () => {
    const west = await startGateway(dir, 'west');
    try {
      await learnAt(west);
      const hold = await untilHeld(`${COMMAND}?west`, west);
      const issued = await guard.admin('POST', '/v1/keys', { name: 'other' });
      const { key: other } = (await issued.json()) as { key: { id: string } };
      east.child.kill('SIGSTOP');
      await expect.poll(live, { timeout: 5_000 }).toEqual(['west']);
      const done: string[] = [];
      const act = async (what: string, pathname: string, body?: object) => {
        const { status } = await guard.admin('POST', pathname, body);
        done.push(`${what} ${status}`);
      };
      const release = act('release', `/v1/keys/${key.id}/baseline/release`);
      await act('approve', `/v1/holds/${hold}/approve`, {});
      await act('revoke', `/v1/keys/${other.id}/revoke`, { why: 'left' });
      await release;
      expect(done).toEqual(['approve 200', 'revoke 200', 'release 409']);
    } finally {
      east.child.kill('SIGCONT');
      await west.stop();
    }
  });

  it('is missing in a list that says so as long as its gateway may run, cut off or not', async () => {
    const silent = async () =>
      ((await (await guard.admin('GET', '/v1/holds')).json()) as { silent: string[] }).silent;
    expect(await silent()).toEqual([]);
    await east.stop('SIGKILL');
    const startedMs = performance.now();
    expect(await silent()).toEqual(['east']);
    expect(performance.now() - startedMs).toBeLessThan(500);
    east = await startEast();
    await expect.poll(silent).toEqual([]);
    await east.stop('SIGKILL');
    await expect.poll(silent, { timeout: 5_000 }).toEqual([]);
    expect(await keyward('holds', 'list')).toMatchObject({ code: 0, stdout: 'Nothing waits.\n' });
  });
});
