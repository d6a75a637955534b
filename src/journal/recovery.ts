import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { JournalFault } from './fault.js';
import {
  type BatchLine,
  isBatchLine,
  isSigned,
  lineHash,
  listSegments,
  NEWLINE,
  parseBatch,
  parseHeader,
  publicKeyFrom,
  rootOf,
  segmentName,
  segmentPath,
  splitLines,
} from './format.js';

/** Where the journal ends. */
export interface Tail {
  readonly segment: number;
  /** Bytes of the last segment, all of them committed. */
  readonly offset: number;
  readonly batch: BatchLine;
  readonly batchHash: string;
  readonly publicKey: string | undefined;
}

export interface Recovered {
  readonly tail: Tail | undefined;
  /** Bytes after the last complete batch that were cut off. */
  readonly cutBytes: number;
}

/**
 * Finds the last complete, valid batch and cuts off what follows it; the cut bytes are kept in a `.torn` file.
 * Only one batch is ever in flight, so more than one bad batch at the end is damage, not a torn write: that
 * is refused, nothing is changed.
 */
export function recover(dir: string, ownKey: KeyObject): Recovered {
  const segments = listSegments(dir);
  const last = segments.at(-1);
  if (last === undefined) return { tail: undefined, cutBytes: 0 };
  const data = readFileSync(segmentPath(dir, last));
  const tail = findTail(last, data, ownKey);
  const offset = tail?.offset ?? 0;
  const cut = data.subarray(offset);
  refuseDamage(last, offset, cut);
  if (tail !== undefined) {
    if (cut.length > 0) cutTail(dir, tail, cut);
    return { tail, cutBytes: cut.length };
  }
  // A segment's header is written together with its first batch: this one never got that far.
  const before = segments.at(-2);
  const tailBefore =
    before === undefined ? undefined : findTail(before, readFileSync(segmentPath(dir, before)), ownKey);
  if (before !== undefined && tailBefore === undefined) throw damaged(before, 0);
  renameSync(segmentPath(dir, last), `${segmentPath(dir, last)}.0.torn`);
  syncDirectory(dir);
  return { tail: tailBefore, cutBytes: cut.length };
}

/** Looks backwards from the end for a batch line whose signature and root are right. */
function findTail(segment: number, data: Buffer, ownKey: KeyObject): Tail | undefined {
  const headerEnd = data.indexOf(NEWLINE);
  const header = headerEnd === -1 ? undefined : parseHeader(data.subarray(0, headerEnd));
  const publicKey = (header && publicKeyFrom(header.publicKey)) ?? ownKey;
  let end = data.lastIndexOf(NEWLINE);
  while (end > 0) {
    const start = data.lastIndexOf(NEWLINE, end - 1) + 1;
    const line = data.subarray(start, end);
    const batch = isBatchLine(line) ? parseBatch(line) : undefined;
    if (batch !== undefined && isSigned(batch, publicKey) && rootMatches(data, start, batch)) {
      return { segment, offset: end + 1, batch, batchHash: lineHash(line), publicKey: header?.publicKey };
    }
    end = start - 1;
  }
  return undefined;
}

function rootMatches(data: Buffer, batchStart: number, batch: BatchLine): boolean {
  let start = batchStart;
  for (let left = batch.count; left > 0; left -= 1) {
    if (start < 2) return false;
    start = data.lastIndexOf(NEWLINE, start - 2) + 1;
  }
  return rootOf(splitLines(data.subarray(start, batchStart))) === batch.root;
}

function refuseDamage(segment: number, offset: number, cut: Buffer): void {
  if (splitLines(cut).filter(isBatchLine).length > 1) throw damaged(segment, offset);
}

function damaged(segment: number, offset: number): JournalFault {
  return new JournalFault(
    'journal_damaged',
    `${segmentName(segment)}: the batches after byte ${offset} do not verify, and a crash cannot explain that. ` +
      'Verify the journal, keep a copy, and move this segment away to start anew.',
  );
}

function cutTail(dir: string, tail: Tail, cut: Buffer): void {
  const path = segmentPath(dir, tail.segment);
  try {
    writeFileSync(`${path}.${tail.offset}.torn`, cut);
  } catch {
    // Kept as a courtesy; a full disk must not keep the journal from opening.
  }
  truncateSync(path, tail.offset);
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes creations, renames and removals in a directory durable. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
