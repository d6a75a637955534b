import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalsOf } from '../../src/incidents/follow.js';
import { leadOf } from '../../src/incidents/lead.js';
import { readEntries } from '../../src/journal/read.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard, until } from './running-guard.js';

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

beforeEach(async () => {
  upstream = await httpUpstream((_request, response) => response.end('ok'));
  dir = guardFolder({
    upstreams: [{ name: 'api', url: upstream.url, catalog: 'jumpcloud' }],
    trustedProxies: ['127.0.0.1'],
    detector: { mode: 'observe', alarmsPerThousandKeyDays: 500 },
  });
  guard = await startGuard(dir);
  token = guard.token as string;
});
afterEach(async () => {
  await guard.stop('SIGKILL');
  upstream.close();
  removeFolder(dir);
});

async function ask<T>(method: string, pathname: string, body?: unknown): Promise<T> {
  const response = await guard.admin(method, pathname, body, token);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${pathname}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

async function issue(count: number, tenant = 'acme'): Promise<{ id: string; credential: string }[]> {
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
  const KEYS = 300;

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
async function learned(count: number, port?: number): Promise<{ id: string; credential: string }[]> {
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
