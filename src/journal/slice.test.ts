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
import { type SlicedEntry, sliceJournal, sliceSegments } from './slice.js';
import { JournalTail, type TailPosition } from './tail.js';
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
  it('gives the same however the pieces fall, and passes over a line that is too long', async () => {
    const given = Array.from({ length: 40 }, (_, n) =>
      entryOf(
        {
          ...{ kind: 'decision', time: 1_000 + n, path: n === 20 ? 'x'.repeat(4_000) : `/ä${n}` },
          ...{ address: '203.0.113.9', key: KEYS[n % 3], flagged: n % 5 === 0 },
        },
        n,
      ),
    );
    const dir = await written(given, 1_000_000);
    const query = { keys: new Set(['k1']), addresses: [], sinceMs: 0, countSinceMs: 0 };
    const slice = (chunkBytes: number, lineBytesMax: number) => {
      const taken: SlicedEntry[] = [];
      const totals = sliceJournal(dir, query, (each) => taken.push(each), { chunkBytes, lineBytesMax });
      return { seqs: taken.map(({ seq }) => seq), ...totals };
    };
    const whole = slice(1 << 20, 1 << 20);
    expect(whole.seqs).toHaveLength(14);
    for (let bytes = 1; bytes < 2_000; bytes += 13) expect(slice(bytes, 1 << 20)).toEqual(whole);
    for (const bytes of [100, 333, 999]) {
      const { seqs, byKey } = slice(bytes, 2_000);
      expect(seqs).toEqual(whole.seqs);
      expect(byKey.get('k3')).toBe((whole.byKey.get('k3') ?? 0) - 1);
    }
  });

  it('takes a segment that retention has removed as one that is not there', async () => {
    const given = Array.from({ length: 12 }, (_, n) =>
      entryOf(
        { kind: 'decision', time: 1_000 + n, path: '/', address: '1.2.3.4', key: 'k1', flagged: true },
        n,
      ),
    );
    const dir = await written(given);
    const segments = listSegments(dir);
    const tail = new JournalTail(dir, { sinceMs: 0 });
    rmSync(segmentPath(dir, segments[0] as number));
    const query = { keys: new Set(['k1']), addresses: [], sinceMs: 0, countSinceMs: 0 };
    const taken: SlicedEntry[] = [];
    sliceSegments(dir, segments, query, (each) => taken.push(each));
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThan(12);
    expect(drained(tail)).toHaveLength(taken.length);
  });
});

function drained(tail: JournalTail): JournalEntry[] {
  const found: JournalEntry[] = [];
  for (let more = true; more; ) {
    const piece = tail.next();
    found.push(...piece.entries);
    more = piece.more;
  }
  return found;
}

describe('the tail of a journal', () => {
  it('goes on from where another was, with committed findings alone, each once', async () => {
    const given = Array.from({ length: 20 }, (_, n) =>
      entryOf(
        { kind: 'decision', time: 1_000 + n, path: '/', address: '1.2.3.4', key: 'k1', flagged: n % 2 === 0 },
        n,
      ),
    );
    const dir = await written(given);
    const last = segmentPath(dir, listSegments(dir).at(-1) as number);
    appendFileSync(last, '{"seq":99,"kind":"decision","finding":{"evidence":1}}\n');
    let position: TailPosition | undefined;
    const found: JournalEntry[] = [];
    for (let more = true; more; ) {
      const tail = new JournalTail(dir, position ?? { sinceMs: 0 });
      const piece = tail.next();
      found.push(...piece.entries);
      position = tail.position;
      more = piece.more;
    }
    expect(found.map((entry) => (entry as SlicedEntry).seq)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  });

  it('takes a batch that is larger than what it reads at a time', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-slice-'));
    dirs.push(dir);
    const journal = await openJournal({ dir, privateKey, worker: false, segmentBytesMax: 1e9 });
    const tickets = Array.from({ length: 300 }, (_, n) =>
      journal.append(
        entryOf(
          {
            kind: 'decision',
            time: n,
            path: 'x'.repeat(9_000),
            address: '1.2.3.4',
            key: 'k1',
            flagged: true,
          },
          n,
        ),
      ),
    );
    await tickets.at(-1)?.durable();
    await journal.close();
    expect(drained(new JournalTail(dir, { sinceMs: 0 }))).toHaveLength(300);
  });
});
