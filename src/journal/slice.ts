import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { JournalEntry } from './entry.js';
import { isBatchLine, listSegments, NEWLINE, segmentPath } from './format.js';

/** How much is read at a time, and how long a line may be. */
export interface SliceBounds {
  readonly chunkBytes: number;
  readonly lineBytesMax: number;
}

const BOUNDS: SliceBounds = { chunkBytes: 8 * 1024 * 1024, lineBytesMax: 16 * 1024 * 1024 };
/** Entries are in order of time but for steps of the clock, which are smaller than this. */
const DISORDER_MS = 86_400_000;
/** Looked for without the comma and quote before it: these are everywhere, a `k` is not. */
const KEY_FIELD = Buffer.from('key":"');
const COMMA = 0x2c;
const FINDING_FIELD = Buffer.from(',"finding":{');
const SEQ_START = '{"seq":'.length;
const KIND_START = ',"kind":"'.length;
const TIME_START = '","time":'.length;
const DECISION = 'd'.charCodeAt(0);
const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;

/** What is wanted of a journal; conditions are alternatives. */
export interface SliceQuery {
  /** Entries of these keys. */
  readonly keys: ReadonlySet<string>;
  /** Beginnings of addresses (`203.0.113.`, `2001:db8:1:`): entries from there, whatever their key. */
  readonly addresses: readonly string[];
  /** Inclusive. */
  readonly sinceMs: number;
  /** From when on the entries of all keys are counted. */
  readonly countSinceMs: number;
}

/** What a pass over the journal saw. */
export interface SliceTotals {
  /** Entries that were looked at, and the time of the first and the last. */
  entries: number;
  /** Decisions of each key since {@link SliceQuery.countSinceMs}. */
  readonly byKey: Map<string, number>;
  /** Those of them that the detector spoke against. */
  readonly flaggedByKey: Map<string, number>;
}

export type SlicedEntry = JournalEntry & { readonly seq: number };

/**
 * Hands over the committed entries that a query wants, oldest first, and counts those of all keys. Looks for the bytes
 * of the wanted fields and parses only what holds them: quotes within a JSON text are escaped, so these bytes are nothing else.
 * Checks no hash; that is `verifyJournal`.
 * @param take told of each wanted entry
 */
export function sliceJournal(
  dir: string,
  query: SliceQuery,
  take: (entry: SlicedEntry) => void,
  bounds: SliceBounds = BOUNDS,
): SliceTotals {
  return sliceSegments(dir, segmentsSince(dir, query.sinceMs), query, take, bounds);
}

/** The same of some segments: several threads share the work. */
export function sliceSegments(
  dir: string,
  segments: readonly number[],
  query: SliceQuery,
  take: (entry: SlicedEntry) => void,
  bounds: SliceBounds = BOUNDS,
): SliceTotals {
  const slice = new Slice(query, take, bounds);
  for (const segment of segments) slice.segment(segmentPath(dir, segment));
  return slice.totals;
}

/** Adds the counts of one pass to another's. */
export function addTotals(to: SliceTotals, from: SliceTotals): void {
  to.entries += from.entries;
  for (const [key, count] of from.byKey) to.byKey.set(key, (to.byKey.get(key) ?? 0) + count);
  for (const [key, count] of from.flaggedByKey)
    to.flaggedByKey.set(key, (to.flaggedByKey.get(key) ?? 0) + count);
}

export function noTotals(): SliceTotals {
  return { entries: 0, byKey: new Map(), flaggedByKey: new Map() };
}

/** Segments but those that ended before the time: the next one begins well before it. */
export function segmentsSince(dir: string, sinceMs: number): number[] {
  const segments = listSegments(dir);
  const first = segments.findLastIndex(
    (segment) => firstTime(segmentPath(dir, segment)) < sinceMs - DISORDER_MS,
  );
  return segments.slice(Math.max(0, first));
}

/** Undefined for a segment that is gone: retention removes the oldest. */
export function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function firstTime(file: string): number {
  const fd = openIfThere(file);
  if (fd === undefined) return Number.NEGATIVE_INFINITY;
  try {
    const bytes = Buffer.alloc(64 * 1024);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    const line = bytes.indexOf(NEWLINE) + 1;
    return line === 0 ? Number.POSITIVE_INFINITY : timeAt(bytes.subarray(0, length), line);
  } finally {
    closeSync(fd);
  }
}

/** Time of the entry line that begins at `start`, `{"seq":N,"kind":"…","time":T…`; infinite where it has none. */
function timeAt(bytes: Buffer, start: number): number {
  let at = kindAt(bytes, start);
  while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== NEWLINE) at++;
  if (bytes[at + TIME_START] === undefined || bytes[at + 2] !== QUOTE) return Number.POSITIVE_INFINITY;
  let value = 0;
  for (at += TIME_START; ; at++) {
    const digit = bytes[at] as number;
    if (!(digit >= ZERO && digit <= NINE)) return value;
    value = value * 10 + (digit - ZERO);
  }
}

/** Where the name of an entry's kind begins. */
function kindAt(bytes: Buffer, start: number): number {
  let at = start + SEQ_START;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at + KIND_START;
}

/** Where the next field of that name is; −1 where there is none. */
function keyAt(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(KEY_FIELD, from);
  while (at >= 0 && (bytes[at - 1] !== QUOTE || bytes[at - 2] !== COMMA))
    at = bytes.indexOf(KEY_FIELD, at + 1);
  return at;
}

class Slice {
  readonly totals = noTotals();
  readonly #query: SliceQuery;
  readonly #take: (entry: SlicedEntry) => void;
  readonly #addresses: readonly Buffer[];
  /** Entries whose batch is not complete yet. */
  #pending: SlicedEntry[] = [];

  readonly #chunkBytes: number;
  readonly #lineBytesMax: number;

  constructor(query: SliceQuery, take: (entry: SlicedEntry) => void, bounds: SliceBounds) {
    this.#chunkBytes = bounds.chunkBytes;
    this.#lineBytesMax = bounds.lineBytesMax;
    this.#query = query;
    this.#take = take;
    this.#addresses = query.addresses.map((each) => Buffer.from(`"address":"${each}`));
  }

  segment(file: string): void {
    this.#pending = [];
    const fd = openIfThere(file);
    if (fd === undefined) return;
    try {
      const size = fstatSync(fd).size;
      let carry = Buffer.alloc(0);
      let tooLong = false;
      for (let at = 0; at < size; ) {
        const bytes = Buffer.allocUnsafe(carry.length + Math.min(this.#chunkBytes, size - at));
        carry.copy(bytes);
        const read = readSync(fd, bytes, carry.length, bytes.length - carry.length, at);
        if (read === 0) break;
        at += read;
        const filled = bytes.subarray(0, carry.length + read);
        const start = tooLong ? filled.indexOf(NEWLINE) + 1 : 0;
        const end = filled.lastIndexOf(NEWLINE) + 1;
        this.#chunk(filled.subarray(start, end));
        carry = filled.subarray(end);
        tooLong = tooLong ? end === 0 : carry.length > this.#lineBytesMax;
        // No entry that somebody asks for is so long: what is left of the line is passed over.
        if (tooLong) carry = Buffer.alloc(0);
      }
    } finally {
      closeSync(fd);
    }
  }

  #chunk(bytes: Buffer): void {
    const lines = new Set<number>();
    const { keys, sinceMs, countSinceMs } = this.#query;
    for (let at = keyAt(bytes, 0); at >= 0; at = keyAt(bytes, at)) {
      const from = at + KEY_FIELD.length;
      const end = bytes.indexOf(QUOTE, from);
      const start = bytes.lastIndexOf(NEWLINE, at) + 1;
      at = end;
      this.totals.entries += 1;
      const time = timeAt(bytes, start);
      if (time < sinceMs) continue;
      const key = bytes.toString('latin1', from, end);
      if (time >= countSinceMs && bytes[kindAt(bytes, start)] === DECISION) increment(this.totals.byKey, key);
      if (keys.has(key)) lines.add(start);
    }
    for (const address of this.#addresses) {
      for (let at = bytes.indexOf(address); at >= 0; at = bytes.indexOf(address, at + 1))
        lines.add(bytes.lastIndexOf(NEWLINE, at) + 1);
    }
    this.#countFlagged(bytes);
    this.#handOver(
      bytes,
      [...lines].sort((a, b) => a - b),
    );
  }

  #countFlagged(bytes: Buffer): void {
    for (let at = bytes.indexOf(FINDING_FIELD); at >= 0; at = bytes.indexOf(FINDING_FIELD, at + 1)) {
      const start = bytes.lastIndexOf(NEWLINE, at) + 1;
      const key = keyAt(bytes, start);
      if (key < 0 || key > at || timeAt(bytes, start) < this.#query.countSinceMs) continue;
      const from = key + KEY_FIELD.length;
      increment(this.totals.flaggedByKey, bytes.toString('latin1', from, bytes.indexOf(QUOTE, from)));
    }
  }

  /** Entries go out when the line that completes their batch has been seen. */
  #handOver(bytes: Buffer, starts: readonly number[]): void {
    const lastBatch = lastBatchLine(bytes);
    if (lastBatch >= 0) this.#release();
    for (const start of starts) {
      const entry = parsed(bytes.subarray(start, bytes.indexOf(NEWLINE, start)));
      if (entry === undefined || entry.time < this.#query.sinceMs) continue;
      if (start < lastBatch) this.#take(entry);
      else this.#pending.push(entry);
    }
  }

  #release(): void {
    for (const entry of this.#pending.splice(0)) this.#take(entry);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Where the last batch line of the chunk begins; −1 where there is none. */
function lastBatchLine(bytes: Buffer): number {
  for (let end = bytes.length; end > 0; ) {
    // A negative offset would count from the end.
    const start = end < 2 ? 0 : bytes.lastIndexOf(NEWLINE, end - 2) + 1;
    if (isBatchLine(bytes.subarray(start, end))) return start;
    end = start;
  }
  return -1;
}

/** A line that is no JSON is damage that `verifyJournal` reports; the others are still worth reading. */
function parsed(line: Buffer): SlicedEntry | undefined {
  try {
    return JSON.parse(line.toString('utf8')) as SlicedEntry;
  } catch {
    return undefined;
  }
}
