import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from './entry.js';
import { listSegments, segmentPath } from './format.js';
import { proveEntries, proveEntry } from './prove.js';
import { readEntries } from './read.js';
import { type SlicedEntry, sliceJournal } from './slice.js';
import { openJournal } from './writer.js';

const { privateKey } = generateKeyPairSync('ed25519');
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function written(entries: readonly JournalEntry[], segmentBytesMax = 2_000): Promise<string> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-slice-'));
  dirs.push(dir);
  const journal = await openJournal({ dir, privateKey, worker: false, segmentBytesMax });
  for (const entry of entries) await journal.append(entry).durable();
  await journal.close();
  return dir;
}

const KEYS = ['k1', 'k2', 'k3'];
/** Paths that try to look like the fields that are searched for. */
const hostile = fc.constantFrom('/a', '/ä/\u0000', '/x","key":"k1', '/"address":"203.0.113.', '/\n{"seq":1');
const decision = fc.record({
  kind: fc.constant('decision' as const),
  time: fc.integer({ min: 1_000, max: 2_000 }),
  path: hostile,
  address: fc.constantFrom('203.0.113.9', '203.0.11.9', '198.51.100.1', '2001:db8:1::2'),
  key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  flagged: fc.boolean(),
});

function entryOf(
  {
    flagged,
    ...given
  }: {
    flagged: boolean;
    time: number;
    path: string;
    address: string;
    key: string | undefined;
    kind: 'decision';
  },
  n: number,
): JournalEntry {
  const finding = { evidence: 9, threshold: 7, reasons: [] };
  return {
    ...given,
    ...{
      request: `r${n}`,
      upstream: 'api',
      method: 'GET',
      operation: 'x',
      privilege: 1,
      userAgent: given.path,
    },
    ...{ decision: 'allow', ...(flagged ? { finding } : {}) },
  };
}

describe('a slice of the journal', () => {
  it('is what reading and filtering everything gives, and counts the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(decision, { minLength: 1, maxLength: 30 }),
        fc.subarray(KEYS),
        fc.integer({ min: 900, max: 2_100 }),
        async (given, wanted, sinceMs) => {
          const dir = await written(given.map(entryOf));
          const query = { keys: new Set(wanted), addresses: ['203.0.113.'], sinceMs, countSinceMs: sinceMs };
          const taken: SlicedEntry[] = [];
          const totals = sliceJournal(dir, query, (entry) => taken.push(entry));
          const expected: SlicedEntry[] = [];
          const counts = new Map<string, number>();
          for await (const entry of readEntries(dir, { sinceMs })) {
            if (entry.kind !== 'decision') continue;
            if (entry.key !== undefined) counts.set(entry.key, (counts.get(entry.key) ?? 0) + 1);
            if (wanted.includes(entry.key ?? '') || entry.address.startsWith('203.0.113.'))
              expected.push(entry);
          }
          expect(taken).toEqual(expected);
          expect([...totals.byKey].sort()).toEqual([...counts].sort());
        },
      ),
      { numRuns: 40 },
    );
  });

  it('leaves out what is not committed, and survives a damaged line', async () => {
    const entry = entryOf(
      { kind: 'decision', time: 1_500, path: '/', address: '1.2.3.4', key: 'k1', flagged: true },
      1,
    );
    const dir = await written([entry, { ...entry, time: 1_600 }]);
    const last = segmentPath(dir, listSegments(dir).at(-1) as number);
    appendFileSync(
      last,
      `{"seq":3,"kind":"decision","time":1700,"key":"k1"}\n{"seq":4,"kind":"dec,"key":"k1"\n`,
    );
    const taken: SlicedEntry[] = [];
    const query = { keys: new Set(['k1']), addresses: [], sinceMs: 0, countSinceMs: 0 };
    const totals = sliceJournal(dir, query, (each) => taken.push(each));
    expect(taken.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(totals.flaggedByKey.get('k1')).toBe(2);
  });

  it('proves many entries as it proves each', async () => {
    const dir = await written(
      Array.from({ length: 12 }, (_, n) =>
        entryOf(
          { kind: 'decision', time: 1_000 + n, path: '/', address: '1.2.3.4', key: 'k1', flagged: false },
          n,
        ),
      ),
    );
    const proofs = [];
    for await (const proof of proveEntries(dir, new Set([2, 7, 11, 99]))) proofs.push(proof);
    expect(proofs).toEqual([await proveEntry(dir, 2), await proveEntry(dir, 7), await proveEntry(dir, 11)]);
  });
});
