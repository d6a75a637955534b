import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalsOf } from '../../src/incidents/follow.js';
import { leadOf } from '../../src/incidents/lead.js';
import { readEntries } from '../../src/journal/read.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import {
  cli,
  type GuardProcess,
  guardFolder,
  removeFolder,
  startGateway,
  startGuard,
  until,
  writeConfig,
} from './running-guard.js';

interface PlanView {
  readonly id: string;
  readonly state: string;
  readonly steps: readonly { readonly key: string; readonly state: string; readonly note?: string }[];
}
interface KeyView {
  readonly id: string;
  readonly state: string;
  readonly limits: Record<string, unknown>;
}

let upstream: HttpUpstream;
let dir: string;
let guard: GuardProcess;
let token: string;

const settings = () => ({
  upstreams: [{ name: 'api', url: upstream.url, catalog: 'jumpcloud' }],
  trustedProxies: ['127.0.0.1'],
  detector: { mode: 'observe', alarmsPerThousandKeyDays: 500 },
});

beforeEach(async () => {
  upstream = await httpUpstream((_request, response) => response.end('ok'));
  dir = guardFolder(settings());
  guard = await startGuard(dir);
  token = guard.token as string;
});
afterEach(async () => {
  await guard.stop('SIGKILL');
  upstream.close();
  removeFolder(dir);
});

interface Key {
  readonly id: string;
  readonly credential: string;
}

async function ask<T>(method: string, pathname: string, body?: unknown): Promise<T> {
  const response = await guard.admin(method, pathname, body, token);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${pathname}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

async function issue(count: number, tenant = 'acme'): Promise<Key[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const input = { name: `k${n}`, tenant, principal: `p${n}` };
      const { key, credential } = await ask<{ key: KeyView; credential: string }>('POST', '/v1/keys', input);
      return { id: key.id, credential };
    }),
  );
}

async function restart(): Promise<void> {
  await guard.stop('SIGKILL');
  guard = await startGuard(dir);
}

const onceEach = (keys: readonly { id: string }[]) => new Map(keys.map(({ id }) => [id, 1]));

/**
 * Acts of a kind in the journal, by key. An act is in the journal before it takes effect: one that a kill came between is
 * there again, with the same key last before the kill, and counts once.
 */
async function acts(action: string): Promise<Map<string, number>> {
  let last = '';
  const counts = new Map<string, number>();
  for await (const entry of readEntries(path.join(dir, 'data', 'journal'), { kind: 'act' }))
    if (entry.kind === 'act' && entry.action === action && entry.target !== last) {
      last = entry.target;
      counts.set(entry.target, (counts.get(entry.target) ?? 0) + 1);
    }
  return counts;
}

/** Starts a plan over all keys and kills the guard twice while it is under way. */
async function killedPlan(measure: string, keys: number, options: object = {}): Promise<PlanView> {
  const plan = await ask<PlanView>('POST', '/v1/containments', {
    ...{ measure, why: 'harvest', tenant: 'acme', waveKeys: 1_000, gapSeconds: 0 },
    ...options,
  });
  expect(plan.steps).toHaveLength(keys);
  await ask('POST', `/v1/containments/${plan.id}/start`);
  const show = () => ask<PlanView>('GET', `/v1/containments/${plan.id}`);
  for (const share of [0.2, 0.6]) {
    await until(async () => {
      const done = (await show()).steps.filter(({ state }) => state === 'done').length;
      expect(done).toBeLessThan(keys);
      return done > share * keys;
    });
    await restart();
  }
  await until(async () => !['running'].includes((await show()).state));
  return show();
}

describe('a containment plan over kill -9', () => {
  const KEYS = 200;

  it('suspends each key once, ends by itself, and can be undone', async () => {
    const keys = await issue(KEYS);
    const plan = await killedPlan('suspend', KEYS);
    expect(plan.state).toBe('done');
    expect(plan.steps.every(({ state }) => state === 'done')).toBe(true);
    expect(await acts('key.suspend')).toEqual(onceEach(keys));
    await ask('POST', `/v1/containments/${plan.id}/undo`);
    const { keys: after } = await ask<{ keys: KeyView[] }>('GET', '/v1/keys?limit=1000');
    expect(after.filter(({ state }) => state !== 'active')).toEqual([]);
  }, 30_000);

  it('rotates each key once and loses no successor', async () => {
    const keys = await issue(KEYS);
    const plan = await killedPlan('rotate', KEYS, { overlapSeconds: 3_600 });
    expect(plan.state).toBe('done');
    expect(await acts('key.rotate')).toEqual(onceEach(keys));
    const { keys: all } = await ask<{ keys: KeyView[] }>('GET', '/v1/keys?limit=1000');
    expect(all).toHaveLength(2 * KEYS);
    const { successors } = await ask<{ successors: { old: string; credential: string }[] }>(
      'POST',
      `/v1/containments/${plan.id}/successors`,
    );
    expect(successors.map(({ old }) => old).sort()).toEqual(keys.map(({ id }) => id).sort());
    for (const { credential } of successors.slice(0, 20)) {
      const response = await fetch(`http://127.0.0.1:${guard.port}/api/systemusers`, {
        headers: { 'x-api-key': credential },
      });
      expect(response.status).toBe(200);
    }
  }, 30_000);

  it('narrows each key once, and an undo gives back what it could do before', async () => {
    const keys = await issue(KEYS);
    const plan = await killedPlan('narrow', KEYS);
    expect(plan.state).toBe('done');
    expect(await acts('key.change')).toEqual(onceEach(keys));
    await ask('POST', `/v1/containments/${plan.id}/undo`);
    const { keys: after } = await ask<{ keys: KeyView[] }>('GET', '/v1/keys?limit=1000');
    expect(after.filter(({ limits }) => Object.keys(limits).length > 0)).toEqual([]);
  }, 30_000);
});

const THIEF = { 'x-forwarded-for': '185.220.101.5', 'user-agent': 'python-httpx/0.24.1' };
const ownerOf = (n: number) => ({
  'x-forwarded-for': `87.128.${n}.7`,
  'user-agent': 'python-requests/2.31.0',
});

/** Status of a call, and the reason of a refusal; 0 where nobody answered. */
async function call(
  credential: string,
  from: Record<string, string>,
  line = 'GET /api/systemusers',
  port = guard.port,
): Promise<string> {
  const [method = '', pathname = ''] = line.split(' ');
  const init = {
    method,
    headers: { ...from, 'x-api-key': credential },
    ...(method === 'POST' ? { body: '{}' } : {}),
  };
  try {
    const response = await fetch(`http://127.0.0.1:${port}${pathname}`, init);
    const text = await response.text();
    return response.ok ? '200' : `${response.status} ${(JSON.parse(text) as { reason: string }).reason}`;
  } catch {
    return '0';
  }
}

/** The owners of some keys at work, until the guard knows them. */
async function learned(count: number, port?: number): Promise<Key[]> {
  const keys = await issue(count);
  await Promise.all(
    keys.map(async ({ credential }, n) => {
      for (let i = 0; i < 60; i++) await call(credential, ownerOf(n), undefined, port);
    }),
  );
  return keys;
}

interface IncidentView {
  readonly id: string;
  readonly keys: readonly string[];
  readonly findings: number;
}

/** Requests with a finding in all journals. */
async function findingsInJournals(): Promise<number> {
  const requests = new Set<string>();
  for (const journal of journalsOf(path.join(dir, 'data')))
    for await (const entry of readEntries(journal, { kind: 'decision' }))
      if (entry.kind === 'decision' && leadOf(entry) !== undefined) requests.add(entry.request);
  return requests.size;
}

async function findingsInIncidents(): Promise<number> {
  const { incidents } = await ask<{ incidents: IncidentView[] }>('GET', '/v1/incidents');
  return incidents.reduce((sum, { findings }) => sum + findings, 0);
}

it('incidents have each finding once, whenever the guard was killed', async () => {
  const keys = await learned(4);
  await guard.stop();
  guard = await startGuard(dir);
  let over = false;
  const thief = async ({ credential }: { credential: string }) => {
    for (let n = 0; !over; n++)
      await call(credential, THIEF, n % 2 === 0 ? 'POST /api/runCommand' : undefined);
  };
  const thieves = keys.map(thief);
  for (const ms of [300, 750, 520, 130, 610]) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await restart();
    const now = await findingsInJournals();
    expect(await findingsInIncidents()).toBeGreaterThanOrEqual(now);
  }
  over = true;
  await Promise.all(thieves);
  await restart();
  const inJournals = await findingsInJournals();
  expect(inJournals).toBeGreaterThan(100);
  expect(await findingsInIncidents()).toBe(inJournals);
  await restart();
  expect(await findingsInIncidents()).toBe(inJournals);
}, 30_000);
const run = promisify(execFile);
const keyward = (line: string, ...more: string[]) =>
  cli([...line.split(' '), ...more], { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token });

it('a theft at a second gateway: found, told, proved, and stopped there, by the command line', async () => {
  const gateway = await startGateway(dir, 'east');
  try {
    await until(async () => {
      const { gateways } = await ask<{ gateways: { live: boolean }[] }>('GET', '/v1/status');
      return gateways.some(({ live }) => live);
    });
    const [stolen, other] = (await learned(2, gateway.port)) as [Key, Key];
    // Some at the control process, too: the report has to cover both journals.
    for (let n = 0; n < 30; n++) await call(stolen.credential, ownerOf(0));
    for (let n = 0; n < 12; n++) {
      await call(stolen.credential, THIEF, n % 2 === 0 ? 'POST /api/runCommand' : undefined, gateway.port);
      await call(other.credential, ownerOf(1), undefined, gateway.port);
    }
    let incident: IncidentView | undefined;
    await until(async () => {
      const { incidents } = await ask<{ incidents: IncidentView[] }>('GET', '/v1/incidents');
      incident = incidents[0];
      return incidents.length === 1 && incident?.findings === (await findingsInJournals());
    });
    const id = incident?.id as string;
    expect(incident?.keys).toEqual([stolen.id]);
    expect((await keyward('incidents list')).stdout).toContain(id);
    expect((await keyward(`incidents show ${id}`)).stdout).toContain('185.220.101.0/24');
    const radius = await keyward(`incidents radius ${id}`);
    expect(radius.stdout).toMatch(/runcommand +6 +0 +6 +0/);
    // More than the 60 at either place; the interval's first calls are on the other side.
    expect(Number(/before: (\d+) calls/.exec(radius.stdout)?.[1])).toBeGreaterThan(80);
    expect(radius.stdout).toContain(`${other.id} (acme): no operation since then outside its own pattern`);

    const bundle = path.join(dir, 'bundle');
    expect(await keyward(`incidents bundle ${id} -o`, bundle)).toMatchObject({ code: 0, stderr: '' });
    const { stdout: verified } = await cli(['journal', 'verify', '-d', path.join(dir, 'data')]);
    const publicKey = /MCowBQ[\w-]+/.exec(verified)?.[0] as string;
    const proofs = path.join(bundle, 'proofs.ndjson');
    const check = () => run(process.execPath, [path.join(bundle, 'verify-proof.mjs'), proofs, publicKey]);
    expect((await check()).stdout).toMatch(/^OK: 12 entries/);
    writeFileSync(proofs, readFileSync(proofs, 'utf8').replace('runcommand', 'readcommand'));
    await expect(check()).rejects.toThrow('NOT PROVED');

    const plan = ['--incident', id, '--why', 'stolen in June'];
    const dry = await keyward('contain plan freeze --dry-run', ...plan);
    expect(dry.stdout).toMatch(/1 +suspect +1 +acme/);
    expect((await keyward('contain list')).stdout).toContain('There is no plan.');
    const started = JSON.parse(
      (await keyward('contain plan freeze --start --json', ...plan)).stdout,
    ) as PlanView;
    const done = async (which: PlanView) =>
      (await ask<PlanView>('GET', `/v1/containments/${which.id}`)).state === 'done';
    await until(() => done(started));
    const thief = (port: number) => call(stolen.credential, THIEF, undefined, port);
    expect(await thief(gateway.port)).toBe('403 key_frozen');
    expect(await thief(guard.port)).toBe('403 key_frozen');
    expect(await call(stolen.credential, ownerOf(0), undefined, gateway.port)).toBe('200');
    await until(async () => /acme +2 /.test((await keyward(`contain callers ${started.id}`)).stdout));
    expect((await keyward(`contain undo ${started.id}`)).stdout).toContain('undone');
    expect(await thief(gateway.port)).toBe('200');
    const revoked = JSON.parse(
      (await keyward('contain plan revoke --start --json', ...plan)).stdout,
    ) as PlanView;
    await until(() => done(revoked));
    expect(await thief(gateway.port)).toBe('401 key_revoked');
    expect(await keyward(`contain undo ${revoked.id}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be undone'),
    });

    const child = await keyward('keys issue --name child --tenant acme --issued-with', stolen.id);
    expect(child.code).toBe(0);
    const kin = JSON.parse((await keyward(`incidents radius ${id} --json`)).stdout) as {
      set: { contain: { why: string[] }[] };
    };
    expect(kin.set.contain.flatMap(({ why }) => why)).toContain(
      `issued with key ${stolen.id}, which is among these`,
    );
    const refused = [
      ['incidents radius i_0', 1, 'There is no incident i_0.'],
      ['contain undo c_0', 1, 'There is no containment plan c_0.'],
      ['contain plan explode --all --why x', 1, 'measure: Invalid option'],
      ['contain plan freeze --why x', 1, 'name an incident, keys, a tenant, or all'],
      ['contain plan freeze --tenant nobody --why x', 1, 'There is no living key in this scope.'],
      ['contain plan freeze --key __proto__ --why x', 1, 'There is no key __proto__.'],
      ['contain plan freeze --all --why x --wave-keys 0', 1, 'waveKeys: Too small'],
      ['contain plan freeze --all --why x --gap -5s', 2, 'Write a span like'],
      ['contain plan freeze --all --why x --dry-run --start', 2, 'cannot be used with'],
    ] as const;
    const results = await Promise.all(refused.map(([line]) => keyward(line)));
    for (const [i, { code, stderr }] of results.entries()) {
      expect([code, stderr]).toEqual([refused[i]?.[1], expect.stringContaining(refused[i]?.[2] as string)]);
      expect(stderr).not.toMatch(/^ {4}at /m);
    }

    const drafts = JSON.parse((await keyward(`incidents notify ${id} --json`)).stdout) as {
      id: string;
      kind: string;
    }[];
    expect(drafts.map(({ kind }) => kind)).toEqual(['touched']);
    const preview = await keyward(`notices preview ${drafts[0]?.id}`);
    expect(preview.stdout).toContain(stolen.id);
    expect(preview.stdout).not.toContain(other.id);
    expect(await keyward(`notices approve ${drafts[0]?.id}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('acme'),
    });
  } finally {
    await gateway.stop('SIGKILL');
  }
}, 30_000);

it('automation keeps to its cap and to what an operator has undone, over a restart', async () => {
  const automatic = { automatic: 'suspend', evidenceFrom: 4, keysPerHourMax: 1 };
  const configure = (containment: object) => writeConfig(dir, { ...settings(), containment });
  const [first, second] = (await learned(2)) as [Key, Key];
  configure(automatic);
  await guard.stop();
  guard = await startGuard(dir);
  const plans = async () => (await ask<{ plans: PlanView[] }>('GET', '/v1/containments')).plans;
  const states = async () => {
    const { keys } = await ask<{ keys: KeyView[] }>('GET', '/v1/keys');
    return [first, second].map(({ id }) => keys.find((key) => key.id === id)?.state);
  };
  const theft = async (who: Key) => {
    for (let n = 0; n < 12; n++) await call(who.credential, THIEF, 'POST /api/runCommand');
  };
  await theft(first);
  await until(async () => (await plans())[0]?.state === 'done');
  expect(await states()).toEqual(['suspended', 'active']);
  await restart();
  await theft(second);
  await until(() => guard.stderr().includes('automation has contained 1 keys'));
  expect(await states()).toEqual(['suspended', 'active']);

  // Taken back by hand, not by the plan: that counts, too.
  await ask('POST', `/v1/keys/${first.id}/resume`);
  configure({ ...automatic, keysPerHourMax: 5 });
  await restart();
  await theft(first);
  await theft(second);
  await until(async () => (await states())[1] === 'suspended');
  expect(await states()).toEqual(['active', 'suspended']);
  expect(await plans()).toHaveLength(2);
}, 30_000);
