import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PathTemplates } from '../catalogs/learn.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { LearnedPaths } from './learned-paths.js';

let dir: string;
let store: EmbeddedStore;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-paths-'));
  store = EmbeddedStore.open(dir);
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const fail = (error: unknown) => {
  throw error;
};
const word = (n: number) => `${String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26))}qk`;
const orders = (templates: PathTemplates, n: number) =>
  templates.templateOf('GET', ['accts', word(n), 'orders']).operation.name;

describe('learned paths', () => {
  it('are the same upstream’s over a reload, and those of a new process', async () => {
    const paths = new LearnedPaths(store, fail);
    for (let n = 0; n < 600; n++) orders(paths.of('api'), n);
    expect(orders(paths.of('api'), 701)).toBe('GET /accts/{id}/orders');
    expect(orders(paths.of('other'), 701)).not.toContain('{id}');
    await paths.flush(60_000);

    const again = new LearnedPaths(store, fail).of('api');
    expect(again.size).toBe(paths.of('api').size);
    expect(orders(again, 702)).toBe('GET /accts/{id}/orders');
  });

  it('are written when there is something new, and counts at the end', async () => {
    const paths = new LearnedPaths(store, fail);
    const templates = paths.of('api');
    orders(templates, 1);
    await paths.flush(60_000);
    const first = store.paths('api');
    orders(templates, 1);
    await paths.flush(120_000);
    expect(store.paths('api')).toEqual(first);
    await paths.flush(120_001, true);
    expect(store.paths('api')?.seen).toBe((first?.seen ?? 0) + 1);
  });

  it('are learned anew where what was kept is none', async () => {
    await store.writeLearned({ baselines: new Map(), paths: new Map([['api', {} as never]]) });
    const told: unknown[] = [];
    const templates = new LearnedPaths(store, (error) => told.push(error)).of('api');
    expect(String(told[0])).toContain('upstream api');
    expect(orders(templates, 1)).toContain('GET /accts/');
  });
});
