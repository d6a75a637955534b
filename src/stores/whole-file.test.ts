import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedStore } from './embedded.js';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-store-'));
  file = path.join(dir, 'keyward.lmdb');
  const store = EmbeddedStore.open(dir);
  const baselines = new Map(Array.from({ length: 200 }, (_, n) => [`k${n}`, new Uint8Array(3_000)]));
  await store.writeLearned({ baselines });
  await store.close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a store that was damaged', () => {
  it('opens again as long as it is whole', async () => {
    const store = EmbeddedStore.open(dir);
    expect(store.baseline('k7')).toHaveLength(3_000);
    await store.close();
  });

  it('is refused with its name where its end or its beginning is missing', () => {
    const bytes = readFileSync(file);
    for (const size of [bytes.length - 4_096, 60_000, 100]) {
      truncateSync(file, size);
      expect(() => EmbeddedStore.open(dir), String(size)).toThrow(`${file} is damaged`);
    }
    writeFileSync(file, Buffer.alloc(bytes.length, 'x'));
    expect(() => EmbeddedStore.open(dir, { readOnly: true })).toThrow('it does not begin as one');
  });
});
