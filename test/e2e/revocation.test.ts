import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type http from 'node:http';
import http2 from 'node:http2';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { RevocationReceipt } from '../../src/engine/ports.js';
import { issueInput } from '../../src/keys/inputs.js';
import { receiptProblem } from '../../src/keys/receipt.js';
import { guarded, raw } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { call, connect } from './http2-client.js';
import {
  cli,
  type GatewayProcess,
  type GuardProcess,
  guardFolder,
  removeFolder,
  startGateway,
  startGuard,
  until,
  writeConfig,
} from './running-guard.js';

const root = path.resolve(import.meta.dirname, '../..');
const LEASE_MS = 1_000;
const run = promisify(execFile);

it('0 accepted after acknowledgement: load, stops, kills and wrong clocks, judged by the upstream', async () => {
  const { stdout } = await run(
    process.execPath,
    [
      path.join(root, 'bench/revoke/run.mjs'),
      ...['--revocations', '300', '--gateways', '2', '--faults', '5', '--lanes', '4', '--json'],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const result = JSON.parse(stdout) as Record<string, number> & { receipts: Record<string, number> };
  expect(result).toMatchObject({ revocations: 300, acceptedAfterAcknowledgement: 0, probesAccepted: 0 });
  expect(result.probes).toBe(900);
  expect(result.acceptedAtUpstream).toBeGreaterThan(1_000);
  expect(result.receipts).toMatchObject({ inexact: 0 });
  expect(result.receipts.leaseExpired).toBeGreaterThan(0);
}, 60_000);

it('the judge of that test sees a request with a dead key', async () => {
  const child = spawn(process.execPath, [path.join(root, 'bench/revoke/upstream.mjs')]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${(JSON.parse(String(line)) as { port: number }).port}`;
  const ask = (headers: Record<string, string>) => fetch(`${url}/x`, { headers });
  await ask({ 'x-api-key': 'a' });
  await fetch(`${url}/judge/dead`, { method: 'POST', body: '["a"]' });
  await ask({ 'x-api-key': 'b' });
  await ask({ 'x-api-key': 'a' });
  await ask({ 'x-api-key': 'c', 'x-probe': 'dead' });
  const { accepted, late } = (await (await fetch(`${url}/judge/report`)).json()) as {
    accepted: number;
    late: { key: string }[];
  };
  child.kill();
  expect(accepted).toBe(4);
  expect(late.map(({ key }) => key)).toEqual(['a', 'c']);
});

describe('a guard and its gateways', () => {
  let upstream: HttpUpstream;
  let dir: string;
  let guard: GuardProcess;
  let token: string;
  let gateways: GatewayProcess[] = [];
  /** Held by the upstream until the test lets them go. */
  let held: http.ServerResponse[] = [];

  beforeAll(async () => {
    upstream = await httpUpstream((request, response) => {
      if (request.url === '/slow') held.push(response);
      else response.end('ok');
    });
  });
  afterAll(() => upstream.close());
  afterEach(async () => {
    for (const each of gateways) await each.stop('SIGKILL');
    await guard.stop();
    for (const response of held) response.end();
    held = [];
    removeFolder(dir);
  });

  async function begin(names: readonly string[], settings: Record<string, unknown> = {}): Promise<void> {
    dir = guardFolder({ upstreams: [{ name: 'api', url: upstream.url }], gateways: settings });
    guard = await startGuard(dir);
    token = guard.token as string;
    gateways = await Promise.all(names.map((name) => startGateway(dir, name)));
    await untilLive(names.length);
  }

  async function untilLive(count: number): Promise<void> {
    await until(async () => {
      const { gateways: all } = (await (await guard.admin('GET', '/v1/status', undefined, token)).json()) as {
        gateways: { live: boolean }[];
      };
      return all.filter(({ live }) => live).length === count;
    });
  }

  async function issue(name = 'k'): Promise<{ id: string; credential: string }> {
    const response = await guard.admin('POST', '/v1/keys', { name }, token);
    const { key, credential } = (await response.json()) as { key: { id: string }; credential: string };
    return { id: key.id, credential };
  }

  async function revoke(id: string): Promise<RevocationReceipt> {
    const response = await guard.admin('POST', `/v1/keys/${id}/revoke`, { why: 'stolen' }, token);
    expect(response.status).toBe(200);
    return ((await response.json()) as { receipt: RevocationReceipt }).receipt;
  }

  /** Status, and the reason of a refusal. */
  async function ask(port: number, credential: string, pathname = '/x'): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}${pathname}`, {
      headers: { 'x-api-key': credential },
    });
    const text = await response.text();
    return response.ok
      ? String(response.status)
      : `${response.status} ${(JSON.parse(text) as { reason: string }).reason}`;
  }

  const part = (receipt: RevocationReceipt, name: string) =>
    receipt.gateways.find((each) => each.name === name);

  it('a signed receipt names every gateway and its last acceptance; the tombstone counts later uses', async () => {
    await begin(['east', 'west']);
    const { id, credential } = await issue();
    for (const { port } of gateways) expect(await ask(port, credential)).toBe('200');
    const env = { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token };
    const revoked = await cli(['keys', 'revoke', id, '--why', 'stolen', '--json'], env);
    const [receipt] = JSON.parse(revoked.stdout) as [RevocationReceipt];
    for (const port of [guard.port, ...gateways.map((each) => each.port)])
      expect(await ask(port, credential)).toBe('401 key_revoked');

    expect(receipt).toMatchObject({ keys: [id], by: 'bootstrap', why: 'stolen', exact: true });
    expect(receipt.gateways.map(({ name }) => name).sort()).toEqual(['control', 'east', 'west']);
    expect(part(receipt, 'control')?.lastAcceptance[id]).toBeNull();
    for (const name of ['east', 'west']) {
      const { lastAcceptance, acknowledgedAt } = part(receipt, name) as RevocationReceipt['gateways'][number];
      expect(lastAcceptance[id]?.request).toMatch(/-1$/);
      expect(Date.parse(lastAcceptance[id]?.time as string)).toBeLessThanOrEqual(
        Date.parse(acknowledgedAt as string),
      );
    }
    expect(receiptProblem(receipt)).toBeUndefined();
    expect(await revoke(id)).toEqual(receipt);

    const file = path.join(dir, 'receipt.json');
    writeFileSync(file, (await cli(['receipts', 'show', receipt.id, '--json'], env)).stdout);
    const good = await cli(['receipts', 'verify', file, '--public-key', receipt.publicKey]);
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toContain('refused by all 3 gateways');
    writeFileSync(file, JSON.stringify({ ...receipt, why: 'lost' }));
    expect(await cli(['receipts', 'verify', file])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BAD'),
    });
    expect((await cli(['receipts', 'list'], env)).stdout).toContain(receipt.id);
    expect((await cli(['receipts', 'show', 'r_0'], env)).stderr).toContain('no receipt');

    const metrics = await (await guard.admin('GET', '/metrics', undefined, token)).text();
    expect(metrics).toMatch(/^keyward_gateways_live 2$/m);
    expect(metrics).toMatch(/^keyward_revocation_duration_seconds_count 1$/m);
    const entries = (query: string) =>
      guard.admin('GET', `/v1/journal?kind=decision${query}`, undefined, token);
    expect(await (await entries('&gateway=east')).text()).toContain('"decision":"allow"');
    expect(await (await entries('')).text()).not.toContain('"decision":"allow"');
    expect((await entries('&gateway=north')).status).toBe(404);

    // Counted at the gateways, seen at the control process.
    await until(async () => {
      const key = (await (await guard.admin('GET', `/v1/keys/${id}`, undefined, token)).json()) as {
        usage: { accepted: number; refused: number; lastRefusedAddress: string };
      };
      return (
        key.usage.accepted === 2 && key.usage.refused === 3 && key.usage.lastRefusedAddress === '127.0.0.1'
      );
    });
    for (const each of gateways) expect(await each.stop()).toBe(0);
    const journal = await cli(['journal', 'verify', '--data', path.join(dir, 'data'), '--gateway', 'east']);
    expect(journal.stdout).toContain('good:');
    const shown = await cli(['journal', 'show', '--data', path.join(dir, 'data'), '--gateway', 'east']);
    expect(shown.stdout).toContain('key_revoked');
  }, 30_000);

  it('many keys at once: one receipt, all or none; suspending and rotating reach every gateway, too', async () => {
    await begin(['east']);
    const [east] = gateways as [GatewayProcess];
    const keys = await Promise.all([issue('a'), issue('b'), issue('c'), issue('d')]);
    const [a, b, c, d] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
    for (const { credential } of keys) expect(await ask(east.port, credential)).toBe('200');
    const many = (ids: string[]) => guard.admin('POST', '/v1/keys/revoke', { keys: ids, why: 'leak' }, token);
    expect((await many([a.id, 'no-such-key'])).status).toBe(404);
    expect(await ask(east.port, a.credential)).toBe('200');
    const { receipts } = (await (await many([a.id, b.id, a.id])).json()) as { receipts: RevocationReceipt[] };
    expect(receipts).toHaveLength(1);
    expect(receipts[0]?.keys).toEqual([a.id, b.id]);
    for (const { credential } of [a, b]) expect(await ask(east.port, credential)).toBe('401 key_revoked');
    await guard.admin('POST', `/v1/keys/${c.id}/suspend`, { why: 'odd' }, token);
    expect(await ask(east.port, c.credential)).toBe('401 key_suspended');
    await guard.admin('POST', `/v1/keys/${c.id}/resume`, undefined, token);
    expect(await ask(east.port, c.credential)).toBe('200');
    await guard.admin('PATCH', `/v1/keys/${c.id}`, { limits: { operations: { allow: ['nothing'] } } }, token);
    expect(await ask(east.port, c.credential)).toBe('403 operation_denied');
    const rotated = await guard.admin('POST', `/v1/keys/${d.id}/rotate`, {}, token);
    expect(await ask(east.port, d.credential)).toBe('401 key_rotated');
    expect(await ask(east.port, ((await rotated.json()) as { credential: string }).credential)).toBe('200');
    await guard.admin(
      'PUT',
      '/v1/tenants/default',
      { name: 'all', locations: { deny: [{ cidr: '127.0.0.0/8' }] } },
      token,
    );
    expect(await ask(east.port, c.credential)).toMatch(/^403/);
  }, 30_000);

  it('a gateway that stood still accepts nothing until it has caught up', async () => {
    await begin(['east']);
    const [east] = gateways as [GatewayProcess];
    const [dead, alive] = [await issue(), await issue()];
    for (const { credential } of [dead, alive]) expect(await ask(east.port, credential)).toBe('200');
    east.child.kill('SIGSTOP');
    const startedMs = performance.now();
    const receipt = await revoke(dead.id);
    const ms = performance.now() - startedMs;
    expect(part(receipt, 'east')?.leaseExpiredAt).toBeDefined();
    expect(receipt.exact).toBe(true);
    expect(ms).toBeGreaterThan(LEASE_MS / 2);
    expect(ms).toBeLessThan(LEASE_MS * 1.5);
    // Sent after the acknowledgement, and waiting in the socket when it wakes up.
    const answers = Promise.all([ask(east.port, dead.credential), ask(east.port, alive.credential)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    east.child.kill('SIGCONT');
    const [ofDead, ofAlive] = await answers;
    expect(ofDead).toMatch(/^(?:401 key_revoked|503 lease_expired)$/);
    expect(ofAlive).toMatch(/^(?:200|503 lease_expired)$/);
    await until(async () => (await ask(east.port, alive.credential)) === '200');
    expect(await ask(east.port, dead.credential)).toBe('401 key_revoked');
  }, 30_000);

  it('killed: the lease of a gateway runs out; without the control process gateways stop, and come back', async () => {
    await begin(['east', 'west']);
    const [east, west] = gateways as [GatewayProcess, GatewayProcess];
    const [first, second, alive] = [await issue(), await issue(), await issue()];
    await east.stop('SIGKILL');
    expect(part(await revoke(first.id), 'east')?.leaseExpiredAt).toBeDefined();
    expect(await ask(west.port, alive.credential)).toBe('200');

    // It holds a lease that the next control process has not granted, and cannot answer.
    west.child.kill('SIGSTOP');
    await guard.stop('SIGKILL');
    guard = await startGuard(dir);
    const receipt = await revoke(second.id);
    expect(part(receipt, 'west')?.leaseExpiredAt).toBeDefined();
    expect(receipt.exact).toBe(true);
    await guard.stop('SIGKILL');
    west.child.kill('SIGCONT');
    await until(async () => (await ask(west.port, alive.credential)) === '503 lease_expired');
    const refused = await fetch(`http://127.0.0.1:${west.port}/x`, {
      headers: { 'x-api-key': alive.credential },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await west.health()).toContain('stale');
    guard = await startGuard(dir);
    await until(async () => (await ask(west.port, alive.credential)) === '200');
    expect(await west.health()).toBe('ready\n');
    expect(await ask(west.port, second.credential)).toBe('401 key_revoked');
  }, 60_000);

  it('withoutLease: continue goes on, loudly, and no receipt calls it exact', async () => {
    await begin(['east'], { withoutLease: 'continue' });
    const [east] = gateways as [GatewayProcess];
    const [dead, alive] = [await issue(), await issue()];
    expect(await ask(east.port, dead.credential)).toBe('200');
    east.child.kill('SIGSTOP');
    const receipt = await revoke(dead.id);
    expect(receipt.exact).toBe(false);
    expect(part(receipt, 'east')).toMatchObject({ acceptsWithoutLease: true });
    // It has no lease any more, and still is not left out.
    expect((await revoke((await issue()).id)).exact).toBe(false);
    await guard.stop('SIGKILL');
    east.child.kill('SIGCONT');
    await until(async () => (await east.health()).includes('stale'));
    expect(await ask(east.port, alive.credential)).toBe('200');
    // The store can still be read: what it missed it finds there.
    await until(async () => (await ask(east.port, dead.credential)) === '401 key_revoked');
    expect(east.stderr()).toContain('GOING ON');
    await east.stop('SIGKILL');
    guard = await startGuard(dir);
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 1.2));
    expect((await revoke((await issue()).id)).exact).toBe(false);
    gateways = [await startGateway(dir, 'east')];
    await untilLive(1);
    expect((await revoke(alive.id)).exact).toBe(true);
  }, 60_000);

  it.each(['finish', 'abort'] as const)(
    'in flight: %s',
    async (inFlight) => {
      await begin(['east'], { inFlight });
      const [east] = gateways as [GatewayProcess];
      const { id, credential } = await issue();
      const slow = [guard.port, east.port].map((port) =>
        ask(port, credential, '/slow').catch((error: Error) => error.name),
      );
      await until(() => held.length === 2);
      const receipt = await revoke(id);
      const answers = { leftRunning: inFlight === 'finish' ? 2 : 0, aborted: inFlight === 'abort' ? 2 : 0 };
      expect(receipt.inFlight).toEqual({ policy: inFlight, ...answers });
      if (inFlight === 'finish') for (const response of held) response.end('late');
      const expected = inFlight === 'finish' ? '200' : 'TypeError';
      expect(await Promise.all(slow)).toEqual([expected, expected]);
    },
    30_000,
  );

  it('says why a gateway cannot start or is not wanted', async () => {
    await begin(['east']);
    const args = ['gateway', '--config', guard.configFile];
    const taken = await cli([...args, '--name', 'east']);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('already written by process') });
    expect(await cli([...args, '--name', 'East!'])).toMatchObject({ code: 1 });
    const empty = guardFolder({ upstreams: [{ name: 'api', url: upstream.url }] });
    const early = await cli(['gateway', '--config', path.join(empty, 'keyward.yaml'), '--name', 'east']);
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('start keyward up there first') });
    writeConfig(empty, { upstreams: [{ name: 'api', url: upstream.url }], gateways: { renewMs: 900 } });
    const wrong = await cli(['config', 'validate', path.join(empty, 'keyward.yaml')]);
    expect(wrong.stderr).toContain('gateways.renewMs: must be a third of leaseMs or less');
    removeFolder(empty);
  }, 30_000);
});

it('a request that waited for a connection while its key was revoked is refused, and never sent', async () => {
  const open: (() => void)[] = [];
  const api = await guarded(
    (socket, received) => {
      if (received.endsWith('\r\n\r\n'))
        open.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    },
    { connectionsMax: 1 },
  );
  const request = (pathname: string) =>
    `GET ${pathname} HTTP/1.1\r\nHost: x\r\nx-api-key: ${api.key}\r\n\r\n`;
  const first = raw(api.port, request('/first'), 1_500);
  await until(() => open.length === 1);
  const second = raw(api.port, request('/second'), 1_500);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { receipt } = await api.running.keys.revoke('test', api.keyId, 'stolen');
  expect(receipt.inFlight).toEqual({ policy: 'finish', leftRunning: 1, aborted: 0 });
  open[0]?.();
  expect(await first).toMatch(/^HTTP\/1.1 200/);
  expect(await second).toMatch(/^HTTP\/1.1 401[\s\S]*key_revoked/);
  expect(api.received()).toContain('/first');
  expect(api.received()).not.toContain('/second');
  await api.close();
});

it('aborting cuts HTTP/2 streams and tunnels of the dead key, and of no other', async () => {
  const slow: http.ServerResponse[] = [];
  const server = await httpUpstream((_request, response) => {
    response.write('begun');
    slow.push(response);
  });
  const sockets = new WebSocketServer({ server: server.server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const api = await guarded(() => undefined, { url: server.url }, { gateways: { inFlight: 'abort' } });
  const session = await connect(`http://127.0.0.1:${api.port}`);
  try {
    const { key, credential } = await api.running.keys.issue('test', issueInput.parse({ name: 'living' }));
    const both = [api.key, credential];
    const dial = (each: string) =>
      new WebSocket(`ws://127.0.0.1:${api.port}/chat`, { headers: { 'x-api-key': each } });
    const [dead, living] = both.map(dial) as [WebSocket, WebSocket];
    const streams = both.map((each) => call(session, { ':path': '/slow', 'x-api-key': each }));
    await Promise.all([once(dead, 'open'), once(living, 'open')]);
    await until(() => slow.length === 2);
    const closed = once(dead, 'close');
    const { receipt } = await api.running.keys.revoke('test', api.keyId, 'stolen');
    expect(receipt.inFlight).toEqual({ policy: 'abort', leftRunning: 0, aborted: 2 });
    expect((await closed)[0]).toBe(1006);
    expect(await streams[0]).toMatchObject({ rstCode: http2.constants.NGHTTP2_INTERNAL_ERROR });
    living.send('still here');
    expect(String((await once(living, 'message'))[0])).toBe('still here');
    for (const response of slow) response.end(', ended');
    expect(await streams[1]).toMatchObject({ status: 200, body: 'begun, ended', rstCode: 0 });
    expect(api.running.keys.show(key.id).revoked).toBeUndefined();
    living.terminate();
  } finally {
    session.destroy();
    await api.close();
    server.close();
  }
});
