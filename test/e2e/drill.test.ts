import { readdirSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, type GuardProcess, guardFolder, removeFolder, startGuard, until } from './running-guard.js';

interface Report {
  readonly keys: string[];
  readonly tenants: string[];
  readonly practice: boolean;
  readonly firstFindingMs?: number;
  readonly callsBeforeFinding: number;
  readonly calls: number;
  readonly privilegedDone: number;
  readonly privilegedStopped: number;
  readonly incidents: number;
  readonly found: number;
  readonly wronglyFound: number;
  readonly place: string;
  readonly receipts: number;
  readonly probes: number;
  readonly acceptedAfter: number;
  readonly notices: number;
}

let dir: string;
let guard: GuardProcess;
let upstream: http.Server;
let requests = 0;

beforeAll(async () => {
  upstream = http.createServer((_, response) => {
    requests += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  dir = guardFolder({ upstreams: [{ name: 'directory', url, catalog: 'jumpcloud' }] });
  guard = await startGuard(dir);
});
afterAll(async () => {
  await guard.stop();
  upstream.close();
  removeFolder(dir);
});

async function drilled(...args: string[]): Promise<{ report: Report; code: number }> {
  const { code, stdout, stderr } = await cli(['drill', '--config', guard.configFile, '--json', ...args]);
  if (stdout === '') throw new Error(stderr);
  return { report: JSON.parse(stdout) as Report, code };
}

const copies = () => readdirSync(os.tmpdir()).filter((name) => name.startsWith('keyward-drill-'));

describe('keyward drill', () => {
  it('plays with keys of its own where none is known: noticed, scoped, contained, proved and told', async () => {
    const before = copies();
    const { report, code } = await drilled('--enforce', '--keys', '4');
    expect(report).toMatchObject({ practice: true, found: 4, incidents: 1, receipts: 4, acceptedAfter: 0 });
    expect(report.probes).toBe(16);
    expect(report.callsBeforeFinding).toBeLessThan(4);
    expect(report.notices).toBe(report.tenants.length);
    expect(report.privilegedDone).toBe(0);
    expect(report.privilegedStopped).toBeGreaterThan(8);
    expect(code).toBe(0);
    expect(copies()).toEqual(before);
  });

  it('tells the truth where the detector only observes: what was done is counted as done', async () => {
    const { report } = await drilled();
    expect(report.privilegedStopped).toBe(0);
    expect(report.privilegedDone).toBeGreaterThan(8);
  });

  it('steals known keys on a copy, and leaves the running guard as it was', async () => {
    const issued = (await (
      await guard.admin('POST', '/v1/keys', { name: 'hr', tenant: 'acme', principal: 'hr' })
    ).json()) as { key: { id: string }; credential: string };
    const call = () =>
      fetch(`http://127.0.0.1:${guard.port}/api/systemusers`, {
        headers: { 'x-api-key': issued.credential, 'user-agent': 'hr-sync/1.0' },
      });
    for (let n = 0; n < 60; n++) await (await call()).text();
    const usage = async () =>
      (
        (await (await guard.admin('GET', `/v1/keys/${issued.key.id}`)).json()) as {
          usage: { accepted: number };
        }
      ).usage;
    // Counters and baselines are written once a second.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const reached = requests;
    const { report } = await drilled('--keys', '1');
    expect(report).toMatchObject({ practice: false, keys: [issued.key.id], acceptedAfter: 0, receipts: 1 });
    expect(requests).toBe(reached);
    expect((await call()).status).toBe(200);
    await until(async () => (await usage()).accepted === 61);
    const { incidents } = (await (await guard.admin('GET', '/v1/incidents')).json()) as {
      incidents: unknown[];
    };
    expect(incidents).toEqual([]);
  });

  it('is not taken for a thief of the past, who came from the same place with the same tool', async () => {
    const { port } = upstream.address() as AddressInfo;
    const other = guardFolder({
      upstreams: [{ name: 'directory', url: `http://127.0.0.1:${port}`, catalog: 'jumpcloud' }],
      ...{ trustedProxies: ['127.0.0.1'], detector: { alarmsPerThousandKeyDays: 500 } },
    });
    const real = await startGuard(other);
    const issue = async (tenant: string) =>
      (await (await real.admin('POST', '/v1/keys', { name: tenant, tenant, principal: tenant })).json()) as {
        key: { id: string };
        credential: string;
      };
    const call = async (key: string, from: string, agent: string, path = 'systemusers') => {
      const headers = { 'x-api-key': key, 'x-forwarded-for': from, 'user-agent': agent };
      await (await fetch(`http://127.0.0.1:${real.port}/api/${path}`, { headers })).text();
    };
    try {
      const [stolen, kept] = [await issue('once'), await issue('now')];
      for (let n = 0; n < 60; n++)
        for (const { credential } of [stolen, kept]) await call(credential, '87.128.0.7', 'sync/1.0');
      for (let n = 0; n < 12; n++)
        await call(stolen.credential, '185.220.101.5', 'python-httpx/0.27.0', `systems/${n}`);
      await real.admin('POST', `/v1/keys/${stolen.key.id}/revoke`, { why: 'stolen' });
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      const { stdout } = await cli(['drill', '-c', real.configFile, '--json', '--keys', '1']);
      const report = JSON.parse(stdout) as Report;
      expect(report).toMatchObject({ keys: [kept.key.id], found: 1, wronglyFound: 0, notices: 1 });
      expect(report.place).not.toBe('185.220.101.5');
    } finally {
      await real.stop();
      removeFolder(other);
    }
  }, 30_000);

  it.each([
    { in: 'authorization', scheme: 'SSWS' },
    { in: 'basic', part: 'password' },
    { in: 'query', name: 'token' },
    { in: 'cookie', name: 'session' },
  ])('presents keys where clients put them: %j', async (source) => {
    const url = 'http://127.0.0.1:9';
    const other = guardFolder({
      upstreams: [{ name: 'directory', url, catalog: 'jumpcloud', credentials: [source] }],
    });
    try {
      const { stdout } = await cli(['drill', '--config', `${other}/keyward.yaml`, '--json', '--keys', '2']);
      const report = JSON.parse(stdout) as Report;
      expect(report).toMatchObject({ found: 2, acceptedAfter: 0 });
      expect(report.privilegedDone).toBeGreaterThan(4);
    } finally {
      removeFolder(other);
    }
  });

  it('says what is wrong with a configuration, and leaves nothing behind', async () => {
    const before = copies();
    const { code, stderr } = await cli(['drill', '--config', '/nowhere.yaml']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\.yaml/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await cli(['drill', '--config', guard.configFile, '--keys', 'x'])).code).toBe(2);
    expect(copies()).toEqual(before);
  });
});
