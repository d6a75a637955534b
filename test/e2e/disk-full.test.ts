import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyJournal } from '../../src/journal/verify.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard, until } from './running-guard.js';

/** A disk of its own needs a mount, and that needs root. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;
const DISK_BYTES = 4 * 1024 * 1024;

/** An upstream that answers everything, and counts. */
async function counting() {
  const upstream = { url: '', forwarded: 0, close: () => server.close() };
  const server = http.createServer((_request, response) => {
    upstream.forwarded += 1;
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}

/** A small disk of its own. */
function mountAt(folder: string): string {
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder]);
  return folder;
}

describe.skipIf(!canMount)('a journal whose disk is full', () => {
  let dir: string;
  let disk: string;
  let upstream: Awaited<ReturnType<typeof counting>>;
  let guard: GuardProcess;
  let key: string;

  beforeAll(async () => {
    upstream = await counting();
    const { url } = upstream;
    dir = guardFolder({
      upstreams: [
        { name: 'closed', url, prefixes: ['/closed'] },
        {
          name: 'open',
          url,
          prefixes: ['/open'],
          failPolicy: 'open',
          openapi: './openapi.json',
          privileges: { takeover: 4 },
        },
      ],
    });
    const paths = { '/open/takeover': { post: { operationId: 'takeover', responses: {} } } };
    writeFileSync(
      path.join(dir, 'openapi.json'),
      JSON.stringify({ openapi: '3.0.3', info: { title: 't', version: '1' }, paths }),
    );
    disk = mountAt(path.join(dir, 'disk'));
    mkdirSync(path.join(dir, 'data'));
    symlinkSync(disk, path.join(dir, 'data', 'journal'));
    guard = await startGuard(dir);
    const issued = await guard.admin('POST', '/v1/keys', { name: 'test' });
    key = ((await issued.json()) as { credential: string }).credential;
  });
  afterAll(async () => {
    await guard?.stop();
    execFileSync('umount', [disk]);
    upstream.close();
    removeFolder(dir);
  });

  const ask = async (method: string, pathname: string) =>
    (await fetch(`http://127.0.0.1:${guard.port}${pathname}`, { method, headers: { 'x-api-key': key } }))
      .status;

  it('refuses loudly, as each upstream was told to, and recovers by itself', async () => {
    expect([await ask('GET', '/closed'), await ask('POST', '/open/takeover')]).toEqual([200, 200]);
    const filler = path.join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(DISK_BYTES))).toThrow('ENOSPC');
    await until(async () => (await ask('GET', '/closed')) === 503);
    upstream.forwarded = 0;
    expect(await ask('GET', '/closed')).toBe(503);
    expect(await ask('POST', '/open/takeover')).toBe(503);
    expect(upstream.forwarded).toBe(0);
    expect(await ask('GET', '/open/list')).toBe(200);
    expect((await fetch(`${guard.adminUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${guard.adminUrl}/healthz`)).status).toBe(200);
    const before = (await (await guard.admin('GET', '/v1/keys')).json()) as { keys: unknown[] };
    const refused = await guard.admin('POST', '/v1/keys', { name: 'never' });
    expect(refused.status).toBe(503);
    await until(() => guard.stderr().includes('the journal cannot be written'));
    const after = (await (await guard.admin('GET', '/v1/keys')).json()) as { keys: unknown[] };
    expect(after.keys.length).toBe(before.keys.length);
    const metrics = await (await guard.admin('GET', '/metrics')).text();
    expect(metrics).toMatch(/^keyward_journal_up 0$/m);
    expect(metrics).toMatch(/^keyward_journal_lost_entries [1-9]/m);

    rmSync(filler);
    await until(async () => (await ask('GET', '/closed')) === 200);
    expect(await ask('POST', '/open/takeover')).toBe(200);
    expect((await guard.admin('POST', '/v1/keys', { name: 'again' })).status).toBe(201);
    await until(() => guard.stderr().includes('can be written again'));
    await guard.stop();
    expect((await verifyJournal(path.join(dir, 'data', 'journal'))).problem).toBeUndefined();
  }, 30_000);
});

describe.skipIf(!canMount)('a data directory whose disk is full', () => {
  let dir: string;
  let disk: string;
  let upstream: Awaited<ReturnType<typeof counting>>;
  let guard: GuardProcess;

  beforeAll(async () => {
    upstream = await counting();
    const { url } = upstream;
    dir = guardFolder({ upstreams: [{ name: 'api', url, failPolicy: 'open' }] });
    disk = mountAt(path.join(dir, 'data'));
    guard = await startGuard(dir);
  });
  afterAll(async () => {
    await guard?.stop();
    execFileSync('umount', [disk]);
    upstream.close();
    removeFolder(dir);
  });

  it('ends nothing, neither the process nor what it counts and learns', async () => {
    const issued = await guard.admin('POST', '/v1/keys', { name: 'test' });
    const { key, credential } = (await issued.json()) as { key: { id: string }; credential: string };
    const call = async () =>
      (await fetch(`http://127.0.0.1:${guard.port}/x`, { headers: { 'x-api-key': credential } })).status;
    expect(await call()).toBe(200);
    const filler = path.join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(DISK_BYTES))).toThrow('ENOSPC');
    for (let n = 0; n < 30; n++) expect(await call()).toBe(200);
    await until(() => /baselines could not be written/.test(guard.stderr()));
    await until(() => /usage could not be written/.test(guard.stderr()));
    expect(guard.stderr()).toContain('No space left on device');
    expect((await guard.admin('POST', `/v1/keys/${key.id}/baseline/reset`)).status).toBe(503);
    expect(await call()).toBe(200);

    rmSync(filler);
    await until(async () => (await guard.admin('POST', '/v1/keys', { name: 'again' })).status === 201);
    // No call comes after it: what could not be written is, all the same.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const { token } = guard;
    await guard.stop('SIGKILL');
    guard = await startGuard(dir);
    const shown = await guard.admin('GET', `/v1/keys/${key.id}`, undefined, token);
    expect(await shown.json()).toMatchObject({ usage: { accepted: upstream.forwarded } });
    const learned = await guard.admin('GET', `/v1/keys/${key.id}/baseline`, undefined, token);
    expect(await learned.json()).toMatchObject({ calls: upstream.forwarded });
  }, 40_000);
});
