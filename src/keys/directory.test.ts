import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EmbeddedStore } from '../stores/embedded.js';
import { KeyDirectory } from './directory.js';
import { Fingerprints } from './fingerprint.js';
import { mintKey, newKeyId } from './format.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-directory-'));
const store = EmbeddedStore.open(dir);
const directory = new KeyDirectory(store, new Fingerprints(Buffer.alloc(32, 1)));
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

describe('a credential that opens nothing', () => {
  it('takes as long with the id of a living key as with an id that nobody has', async () => {
    const id = newKeyId();
    const fingerprint = new Fingerprints(Buffer.alloc(32, 1)).issued(mintKey('live', id));
    await store.write({
      keys: [
        {
          ...{ id, kind: 'issued', name: 'n', tenant: 't', principal: 'p', upstreams: [], fingerprint },
          ...{ createdMs: 0, createdBy: 'test', limits: {} },
        },
      ],
    });
    const time = (credential: string) => {
      const startedMs = performance.now();
      expect(directory.identify(credential, 'api', 'refuse').kind).toBe('unknown');
      return performance.now() - startedMs;
    };
    const wrong: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 4_000; i += 1) {
      wrong.push(time(mintKey('live', id)));
      unknown.push(time(mintKey('live', newKeyId())));
    }
    const ratio = median(wrong) / median(unknown);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.25);
  });
});
