import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Journal } from '../engine/ports.js';
import type { DecisionEntry, SystemEntry } from './entry.js';
import { listSegments, publicKeyText, segmentPath } from './format.js';
import type { JournalOptions } from './options.js';
import { proveEntry } from './prove.js';
import { type EntryFilter, type NumberedEntry, readEntries } from './read.js';
import { verifyJournal } from './verify.js';
import { openJournal } from './writer.js';

const { privateKey } = generateKeyPairSync('ed25519');
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'journal-'));
  dirs.push(dir);
  return dir;
}

const open = (dir: string, options: Partial<JournalOptions> = {}) =>
  openJournal({ dir, privateKey, worker: false, retryMs: 50, ...options });

const decision = (n: number): DecisionEntry => ({
  kind: 'decision',
  time: 1_000 + n,
  request: `r${n}`,
  upstream: 'crm',
  method: 'GET',
  path: '/ä',
  operation: 'users.read',
  privilege: 1,
  address: '192.0.2.1',
  userAgent: 'curl',
  key: `k${n % 2}`,
  decision: n % 3 === 0 ? 'deny' : 'allow',
});

async function fill(journal: Journal, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n += 1) await journal.append(decision(n)).durable();
}

async function read(dir: string, filter?: EntryFilter): Promise<NumberedEntry[]> {
  const entries: NumberedEntry[] = [];
  for await (const entry of readEntries(dir, filter)) entries.push(entry);
  return entries;
}

const events = (entries: NumberedEntry[]) =>
  entries.filter((entry): entry is SystemEntry & { seq: number } => entry.kind === 'system');

test('entries are gathered, numbered, read back and verified, across segments and reopening', async () => {
  const dir = newDir();
  const first = await open(dir, { segmentBytesMax: 2_000 });
  await fill(first, 20);
  for (let n = 20; n < 50; n += 1) first.append(decision(n));
  await first.close();
  const again = await open(dir);
  await fill(again, 5, 50);
  expect(again.health()).toMatchObject({ ok: true, entries: 55, lagEntries: 0, lost: 0 });
  await again.close();
  expect(listSegments(dir).length).toBeGreaterThan(3);
  const entries = await read(dir);
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 55 }, (_, n) => n + 1));
  expect(entries[7]).toEqual({ seq: 8, ...decision(7) });
  const result = await verifyJournal(dir, { publicKey: publicKeyText(privateKey) });
  expect(result).toMatchObject({ ok: true, entries: 55 });
  const other = publicKeyText(generateKeyPairSync('ed25519').publicKey);
  expect((await verifyJournal(dir, { publicKey: other })).problem?.what).toBe('public key');
  expect(await read(dir, { key: 'k1', decision: 'deny', sinceMs: 1_003, untilMs: 1_010 })).toHaveLength(2);
});

test('an outcome goes into the open decision, else into an entry of its own', async () => {
  const dir = newDir();
  const journal = await open(dir);
  const outcome = { status: 200, bytesIn: 1, bytesOut: 2, latencyMs: 3 };
  journal.append(decision(0)).complete(outcome, 5);
  const late = journal.append(decision(1));
  await late.durable();
  late.complete(outcome, 9);
  await journal.close();
  expect(await read(dir)).toEqual([
    { seq: 1, ...decision(0), outcome },
    { seq: 2, ...decision(1) },
    { seq: 3, kind: 'outcome', time: 9, request: 'r1', key: 'k1', outcome },
  ]);
});

test('every flipped byte is found', async () => {
  const dir = newDir();
  const journal = await open(dir, { segmentBytesMax: 1_500 });
  await fill(journal, 8);
  await journal.close();
  const segments = listSegments(dir);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, at, mask) => {
      const path = segmentPath(dir, segments[which % segments.length]!);
      const good = readFileSync(path);
      const bad = Buffer.from(good);
      bad[at % bad.length]! ^= mask;
      writeFileSync(path, bad);
      const result = await verifyJournal(dir);
      writeFileSync(path, good);
      expect(result.ok).toBe(false);
      expect(result.problem?.where).toMatch(/^journal-\d{8}\.jsonl:\d+$/);
    }),
    { numRuns: 300 },
  );
  expect((await verifyJournal(dir)).ok).toBe(true);
  unlinkSync(segmentPath(dir, segments[0]!));
  expect((await verifyJournal(dir)).problem?.what).toContain('earlier segments are missing');
});

test('a torn end at any byte is cut back to the last whole batch', async () => {
  const source = newDir();
  const journal = await open(source);
  await fill(journal, 4);
  await journal.close();
  const whole = readFileSync(segmentPath(source, 1));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.uint8Array({ maxLength: 30 }), async (at, garbage) => {
      const kept = whole.subarray(0, at % (whole.length + 1));
      const dir = newDir();
      writeFileSync(segmentPath(dir, 1), Buffer.concat([kept, garbage]));
      const batches = kept.toString('latin1').split(/"sig":"[^"]{86}"}\n/).length - 1;
      const again = await open(dir);
      expect(again.health().batches).toBe(batches);
      await fill(again, 1, 100);
      await again.close();
      const entries = await read(dir, { kind: 'decision' });
      expect(entries).toHaveLength(batches + 1);
      expect(await verifyJournal(dir)).toMatchObject({ ok: true });
    }),
    { numRuns: 150 },
  );
});

test('more than a torn write is refused and left as it is', async () => {
  const dir = newDir();
  const journal = await open(dir);
  await fill(journal, 4);
  await journal.close();
  const path = segmentPath(dir, 1);
  const data = Buffer.from(readFileSync(path).toString().replaceAll('"sig":"', '"sig":"AAAA'));
  writeFileSync(path, data);
  await expect(open(dir)).rejects.toMatchObject({ code: 'journal_damaged' });
  expect(readFileSync(path)).toEqual(data);
  truncateSync(path, 0);
  await (await open(dir)).close();
});

test('retention removes whole old segments, says so, and the rest still verifies', async () => {
  const dir = newDir();
  const journal = await open(dir, { segmentBytesMax: 2_000, retention: { bytesMax: 6_000 } });
  await fill(journal, 60);
  await journal.close();
  const segments = listSegments(dir);
  expect(segments[0]).toBeGreaterThan(1);
  expect(segments.length).toBeLessThan(6);
  expect(events(await read(dir)).some(({ event }) => event === 'journal_trimmed')).toBe(true);
  expect(await verifyJournal(dir)).toMatchObject({ ok: true, firstSegment: segments[0] });
  let nowMs = Date.now() + 1_000_000;
  const aged = await open(dir, { retention: { ageMsMax: 1_000 }, now: () => nowMs });
  await fill(aged, 3);
  nowMs += 500;
  await fill(aged, 3);
  await aged.close();
  expect(listSegments(dir)[0]).toBeGreaterThan(segments.at(-1)!);
  expect((await verifyJournal(dir)).ok).toBe(true);
});

test('a writer that is just ending, or that ended and was not asked how, is no writer', async () => {
  const dir = newDir();
  const hold = (pid: number) => writeFileSync(join(dir, 'writer.lock'), JSON.stringify({ pid, started: '' }));
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 20']);
  const [printed] = await once(parent.stdout, 'data');
  hold(Number(printed));
  await (await open(dir)).close();
  parent.kill();
  const ending = spawn('sleep', ['0.3']);
  hold(ending.pid as number);
  await (await open(dir)).close();
});

test('a second writer is refused; the lock of a dead process is not', async () => {
  const dir = newDir();
  const journal = await open(dir);
  await expect(open(dir)).rejects.toMatchObject({ code: 'journal_locked' });
  await journal.close();
  const dead = spawnSync('true').pid;
  writeFileSync(join(dir, 'writer.lock'), JSON.stringify({ pid: dead, started: '' }));
  await (await open(dir)).close();
  writeFileSync(join(dir, 'writer.lock'), JSON.stringify({ pid: process.ppid, started: '' }));
  await expect(open(dir)).rejects.toThrow(`already written by process ${process.ppid}`);
});

test('a full queue loses entries, says how many, and recovers', async () => {
  const dir = newDir();
  const journal = await open(dir, { queueEntriesMax: 10 });
  const tickets = Array.from({ length: 25 }, (_, n) => journal.append(decision(n)));
  expect(journal.health()).toMatchObject({ ok: false, lost: 15, lagEntries: 10 });
  await expect(tickets[20]!.durable()).rejects.toMatchObject({ code: 'journal_queue_full' });
  await tickets[9]!.durable();
  expect(journal.health().ok).toBe(true);
  await journal.close();
  expect(events(await read(dir))).toMatchObject([{ event: 'journal_gap', detail: { lost: 15 } }]);
  await expect(journal.append(decision(0)).durable()).rejects.toMatchObject({ code: 'journal_closed' });
});

test('a proof stands alone and cannot be bent', async () => {
  const dir = newDir();
  const journal = await open(dir);
  for (let n = 0; n < 13; n += 1) journal.append(decision(n));
  await journal.close();
  const proof = await proveEntry(dir, 11);
  const file = join(dir, 'proof.json');
  const run = (value: object, ...args: string[]) => {
    writeFileSync(file, JSON.stringify(value));
    return spawnSync(process.execPath, ['tools/verify-proof.mjs', file, ...args], { encoding: 'utf8' });
  };
  expect(run(proof, publicKeyText(privateKey))).toMatchObject({ status: 0 });
  expect(run({ ...proof, line: proof.line.replace('curl', 'wget') })).toMatchObject({ status: 1 });
  expect(run({ ...proof, index: 9, seq: 10 }).stderr).toContain('NOT PROVED');
  expect(run(proof, 'other')).toMatchObject({ status: 1 });
  await expect(proveEntry(dir, 99)).rejects.toMatchObject({ code: 'journal_entry_missing' });
});

function mountSmall(dir: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk: refuses, keeps what was written, recovers by itself', async (context) => {
  const dir = newDir();
  if (!mountSmall(dir)) context.skip('needs root and the right to mount a tmpfs');
  try {
    const journal = await open(dir);
    await fill(journal, 3);
    const ballast = join(dir, 'ballast');
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' });
    let refused = 0;
    for (let n = 0; n < 40 && refused === 0; n += 1) {
      await journal
        .append(decision(n))
        .durable()
        .catch((error) => {
          expect(error).toMatchObject({ name: 'JournalFault', code: 'journal_write_failed' });
          refused += 1;
        });
    }
    expect(refused).toBe(1);
    expect(journal.health()).toMatchObject({ ok: false, lost: 1 });
    await expect(journal.append(decision(0)).durable()).rejects.toMatchObject({
      code: 'journal_write_failed',
    });
    unlinkSync(ballast);
    await expect.poll(() => journal.health().ok, { timeout: 3_000 }).toBe(true);
    await fill(journal, 2, 200);
    await journal.close();
    expect(events(await read(dir))).toMatchObject([{ event: 'journal_gap', detail: { lost: 2 } }]);
    expect((await verifyJournal(dir)).ok).toBe(true);
  } finally {
    execFileSync('umount', [dir]);
  }
});
