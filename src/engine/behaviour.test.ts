import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Baseline } from '../detectors/baseline.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { Behaviour } from './behaviour.js';
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
    const broken = Object.create(store, {
      alarmBudget: {
        value: () => {
          throw new Error('unable to deserialize');
        },
      },
      population: { value: () => undefined },
    }) as BaselineStore;
    expect(opened(broken).told).toEqual([expect.stringContaining('The alarm budget cannot be used')]);
  });
});
