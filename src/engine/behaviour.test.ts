import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyRecord } from '../core/key.js';
import type { Observation } from '../core/observation.js';
import { RESPONSE_PLAN } from '../core/response.js';
import { Baseline } from '../detectors/baseline.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { Behaviour, type BehaviourPolicy } from './behaviour.js';
import type { BaselineStore } from './ports.js';

let dir: string;
let store: EmbeddedStore;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-behaviour-'));
  store = EmbeddedStore.open(dir);
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function opened(kept: BaselineStore) {
  const told: string[] = [];
  const behaviour = new Behaviour({
    ...{ store: kept, alarmsPerKeyDay: 0.002 },
    failed: (error) => told.push(String(error)),
  });
  return { behaviour, told };
}

describe('what cannot be used of a store', () => {
  it('of an earlier version is named, begins anew, and is written as it is now', async () => {
    const old = new Baseline().pack();
    new DataView(old.buffer).setUint16(4, 2, true);
    await store.writeLearned({
      baselines: new Map([['k', old]]),
      population: { population: { version: 2 }, budget: { tail: [1, 2, 3, 4] } } as never,
    });
    const { behaviour, told } = opened(store);
    expect(behaviour.standing('k')).toMatchObject({ calls: 0, warming: true });
    expect(told).toEqual([
      expect.stringContaining('What is known of everybody cannot be used from the store'),
      expect.stringContaining('The baseline of key k cannot be used, so it warms up again'),
    ]);
    behaviour.reset('k');
    await behaviour.flush(60_000, true);
    expect(opened(store).told).toEqual([]);
  });

  it('does not take with it what can be, nor the process', async () => {
    const spent = { tail: [500, 7.5, 6, 18], counts: [40, 0.08, 3] };
    await store.writeLearned({ baselines: new Map(), budget: spent, population: { version: 1 } as never });
    expect(opened(store).behaviour.budget.standing).toMatchObject({ keyDays: 40, spent: 3 });
    const broken = storeBut({
      alarmBudget: () => {
        throw new Error('unable to deserialize');
      },
      population: () => undefined,
    });
    expect(opened(broken).told).toEqual([expect.stringContaining('The alarm budget cannot be used')]);
  });
});

function storeBut(other: Partial<BaselineStore>): BaselineStore {
  return {
    baseline: (key) => store.baseline(key),
    latestKey: (owner) => store.latestKey(owner),
    alarmBudget: () => store.alarmBudget(),
    population: () => store.population(),
    paths: (upstream) => store.paths(upstream),
    owns: (key) => store.owns(key),
    resets: (after) => store.resets(after),
    lastReset: () => store.lastReset(),
    writeLearned: (learned) => store.writeLearned(learned),
    ...other,
  };
}

const KEY = { id: 'k', tenant: 't', principal: 'p' } as KeyRecord;
const T = Date.UTC(2026, 10, 2, 8);

function policy(mode: BehaviourPolicy['mode'], more: Partial<BehaviourPolicy> = {}): BehaviourPolicy {
  return { mode, plan: RESPONSE_PLAN, maintenance: [], onError: 'open', holdStatus: 403, ...more };
}

function call(timeMs: number, more: Partial<Observation> = {}): Observation {
  return {
    ...{ timeMs, upstream: 'u', method: 'GET', path: '/users', bodyBytes: 0, objects: [] },
    operation: { name: 'users.list', template: '/users', privilege: 1 },
    ...{ address: '198.51.100.7', place: { kind: 'unknown' as const }, userAgent: 'python-requests/2.31.0' },
    ...more,
  };
}

const ODD: Partial<Observation> = {
  ...{ address: '203.0.113.66', userAgent: 'curl/8.4.0' },
  operation: { name: 'runcommand', template: '/runCommand', privilege: 4 },
};

/** A key at work for an hour. */
function atWork({ behaviour }: ReturnType<typeof opened>, key = KEY): void {
  for (let n = 0; n < 60; n++) behaviour.judge(key, call(T + n * 1_000), policy('learn'));
}

describe('alarms that are counted', () => {
  it('are those that somebody was told of: none while it only learns', () => {
    const parts = opened(store);
    const { behaviour } = parts;
    atWork(parts);
    for (let n = 0; n < 5; n++) {
      const { finding } = behaviour.judge(KEY, call(T + 61_000 + n, ODD), policy('learn'));
      expect(finding).toBeUndefined();
    }
    expect(behaviour.standing('k').alarmDays).toBe(0);
    expect(behaviour.budget.standing.spent).toBe(0);
    const { finding } = behaviour.judge(KEY, call(T + 62_000, ODD), policy('observe'));
    expect(finding?.evidence).toBeGreaterThan(behaviour.budget.threshold);
    expect(behaviour.standing('k').alarmDays).toBe(1);
    expect(behaviour.budget.standing.spent).toBe(1);
  });

  it('are false when somebody says that it was the owner, not when they are discarded', () => {
    const parts = opened(store);
    const { behaviour } = parts;
    const other = { ...KEY, id: 'other', principal: 'q' };
    for (const key of [KEY, other]) {
      atWork(parts, key);
      for (let n = 0; n < 3; n++) behaviour.judge(key, call(T + 62_000 + n, ODD), policy('observe'));
    }
    expect(behaviour.release('k')).toBeGreaterThan(0);
    expect(behaviour.discard('other')).toBeGreaterThan(0);
    expect(behaviour.release('other')).toBe(0);
    expect(behaviour.budget.standing).toMatchObject({ spent: 2, falseAlarms: 1 });
  });
});

describe('a reset', () => {
  it('is kept at once, and leaves days and alarms counted also where the key was not in memory', async () => {
    const first = opened(store);
    atWork(first);
    first.behaviour.judge(KEY, call(T + 62_000, ODD), policy('observe'));
    await first.behaviour.flush(T, true);
    const second = opened(store);
    second.behaviour.reset('k');
    await second.behaviour.keep('k');
    expect(opened(store).behaviour.standing('k')).toMatchObject({ calls: 0, warming: true, alarmDays: 1 });
  });

  it('is followed by a gateway once, with what it knows of other keys as it is; a crash before it is written forgets neither', async () => {
    const home = mkdtempSync(path.join(os.tmpdir(), 'keyward-behaviour-gateway-'));
    const own = EmbeddedStore.open(home);
    // As a gateway has it: its own baselines before those of the control process.
    const port = storeBut({
      baseline: (key) => own.baseline(key) ?? store.baseline(key),
      owns: (key) => own.owns(key),
      lastReset: () => own.lastReset(),
      writeLearned: (learned) => own.writeLearned(learned),
    });
    const away = opened(port);
    atWork(away);
    for (let n = 0; n < 30; n++)
      away.behaviour.judge({ ...KEY, id: 'other', principal: 'q' }, call(T + n), policy('learn'));
    await away.behaviour.flush(T, true);
    const { behaviour } = opened(store);
    behaviour.reset('elsewhere');
    behaviour.reset('k');
    await behaviour.keep('k');
    // Killed before it has written anything.
    expect(opened(port).behaviour.standing('k').calls).toBe(0);
    const back = opened(port);
    expect([back.behaviour.standing('k').calls, back.behaviour.standing('other').calls]).toEqual([0, 30]);
    atWork(back);
    back.behaviour.followResets();
    await back.behaviour.flush(T, true);
    expect(opened(port).behaviour.standing('k').calls).toBe(60);
    // What it never knew itself it has from the control process as before.
    expect(own.owns('elsewhere')).toBe(false);
    await own.close();
    rmSync(home, { recursive: true, force: true });
  });

  it('is a beginning: such a key does not stand as the one that it replaces', () => {
    const { behaviour } = opened(store);
    expect(behaviour.standing('k').begun).toBe(false);
    behaviour.reset('k');
    expect(behaviour.standing('k').begun).toBe(true);
  });
});

it('what could not be written is written the next time', async () => {
  let full = true;
  const filling = storeBut({
    writeLearned: (learned) => (full ? Promise.reject(new Error('ENOSPC')) : store.writeLearned(learned)),
  });
  const parts = opened(filling);
  atWork(parts);
  await expect(parts.behaviour.flush(T, true)).rejects.toThrow('ENOSPC');
  full = false;
  await parts.behaviour.flush(T, true);
  expect(opened(store).behaviour.standing('k').calls).toBe(60);
  expect(store.population()).toBeDefined();
});

it('where the detector fails, a maintenance window only observes as well', () => {
  const failing = storeBut({
    baseline: () => {
      throw new Error('bad page');
    },
  });
  const { behaviour, told } = opened(failing);
  const closed = policy('enforce', { onError: 'closed' });
  const always = [{ from: '00:00', to: '00:00' }];
  expect(behaviour.judge(KEY, call(T), closed).verdict).toMatchObject({ decision: 'deny', status: 503 });
  const within = behaviour.judge(KEY, call(T), { ...closed, maintenance: always });
  expect(within.verdict).toMatchObject({ decision: 'allow' });
  expect(told).toHaveLength(2);
});
