import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open } from 'lmdb';
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

  it('opens again where free pages at its end were never written', async () => {
    const root = open({ path: file, noSubdir: true, overlappingSync: false, maxDbs: 32 });
    const scratch = root.openDB({ name: 'scratch', encoding: 'binary' });
    // What is taken back in the transaction that brought it leaves pages that are counted and not written.
    for (let round = 1; round <= 6; round++)
      root.transactionSync(() => {
        for (let n = 0; n < 100 * round; n++) scratch.putSync(`x${n}`, Buffer.alloc(300));
        for (let n = 0; n < 100 * round; n++) scratch.removeSync(`x${n}`);
      });
    await root.close();
    const counted = [0, 4_096].map((at) => Number(readFileSync(file).readBigUInt64LE(at + 144)) + 1);
    expect(readFileSync(file).length).toBeLessThan(Math.max(...counted) * 4_096);
    const store = EmbeddedStore.open(dir);
    for (let n = 0; n < 200; n++) expect(store.baseline(`k${n}`)).toHaveLength(3_000);
    await store.close();
    for (const lost of [40, 60, 100]) {
      truncateSync(file, readFileSync(file).length - lost * 4_096);
      expect(() => EmbeddedStore.open(dir), String(lost)).toThrow(`${file} is damaged`);
    }
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
