import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEntries } from '../../src/journal/read.js';
import { until, writeConfig } from './running-guard.js';
import {
  ask,
  call,
  dir,
  guard,
  guardForEach,
  issue,
  type Key,
  type KeyView,
  learned,
  type PlanView,
  restart,
  settings,
  THIEF,
} from './theft-bench.js';

guardForEach();

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

it('an incident keeps its name, and once in its history what was done about it, over kill -9 at once', async () => {
  const [stolen] = (await learned(1)) as [Key];
  for (let n = 0; n < 12; n++) await call(stolen.credential, THIEF, 'POST /api/runCommand');
  const incident = async () =>
    (await ask<{ incidents: { id: string }[] }>('GET', '/v1/incidents')).incidents[0];
  await until(async () => (await incident()) !== undefined);
  const { id } = (await incident()) as { id: string };
  await restart();
  const given = { measure: 'suspend', why: 'stolen', incident: id, gapSeconds: 0 };
  const plan = await ask<PlanView>('POST', '/v1/containments', given);
  await ask('POST', `/v1/containments/${plan.id}/start`);
  await until(async () => (await ask<PlanView>('GET', `/v1/containments/${plan.id}`)).state === 'done');
  await restart();
  const { history } = await ask<{ history: { act: string; why: string }[] }>('GET', `/v1/incidents/${id}`);
  expect(history.filter(({ act }) => act === 'contained').map(({ why }) => why)).toEqual([
    `suspend of 1 key (plan ${plan.id}): stolen`,
  ]);
}, 30_000);

it('automation keeps to its cap and to what an operator has undone, over a restart', async () => {
  const automatic = { automatic: 'suspend', evidenceFrom: 4, keysPerHourMax: 1 };
  const configure = (containment: object) => writeConfig(dir, { ...settings(), containment });
  const [first, second] = (await learned(2)) as [Key, Key];
  configure(automatic);
  await restart('SIGTERM');
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
  await until(() => guard.stderr().includes('automation has contained 1 key '));
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
