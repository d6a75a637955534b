import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Journal } from '../../src/engine/ports.js';
import type { JournalEntry } from '../../src/journal/entry.js';
import { Acts } from '../../src/keys/acts.js';
import type { KeyFacts, TenantFacts } from '../../src/notices/facts.js';
import { EmbeddedStore } from '../../src/stores/embedded.js';

export const T = Date.parse('2026-11-24T08:00:00Z');

/** A store of its own, a journal in memory, and a clock that the test turns. */
export function bench() {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-notices-'));
  const entries: JournalEntry[] = [];
  const journal: Journal = {
    append: (entry) => {
      entries.push(entry);
      return { durable: async () => undefined, complete: () => undefined };
    },
    health: () => ({ ok: true, entries: 0, batches: 0, lagEntries: 0, lagMs: 0, lost: 0 }),
    close: async () => undefined,
  };
  const clock = { ms: T };
  let store = EmbeddedStore.open(path.join(dir, 'store'));
  return {
    ...{ entries, clock, acts: new Acts(journal, () => clock.ms) },
    get store() {
      return store;
    },
    /** As after a crash: what is on disk, and nothing else. */
    reopen: async () => {
      await store.close();
      store = EmbeddedStore.open(path.join(dir, 'store'));
    },
    close: async () => {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function keyFacts(over: Partial<KeyFacts> = {}): KeyFacts {
  return {
    ...{ id: 'k1', name: 'hr sync', principal: 'hr', compromisedFromMs: T, compromisedLatestMs: T + 60_000 },
    lastMisuseMs: T + 3_600_000,
    operations: [
      {
        ...{ name: 'systemusers.update', privilege: 4, succeeded: 12, refused: 3 },
        ...{ firstMs: T, lastMs: T + 3_600_000 },
      },
    ],
    objects: [{ id: 'user/ada', effect: 'changed', count: 2 }],
    bytesOut: 123_456,
    places: ['AS9009 M247, RO'],
    measures: [{ act: 'revoked', atMs: T + 7_200_000, receipt: 'r_1' }],
    ...over,
  };
}

export function facts(over: Partial<TenantFacts> = {}): TenantFacts {
  return { incident: 'i7', tenant: 'acme', touched: true, keys: [keyFacts()], grounds: [], ...over };
}

export function signingKey() {
  return generateKeyPairSync('ed25519').privateKey;
}
