import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isBatchLine, lineHash, listSegments, parseBatch, segmentPath, splitLines } from './format.js';

const TAIL_BYTES = 4096;

/** What is kept. Whole sealed segments beyond it are removed, oldest first. */
export interface Retention {
  readonly bytesMax?: number;
  readonly ageMsMax?: number;
}

/** A segment that is no longer written. */
export interface SealedSegment {
  readonly segment: number;
  readonly bytes: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Hash of its last batch line: where verification starts once it is gone. */
  readonly lastBatch: string;
}

/** The oldest sealed segments that a retention does not keep. */
export function excess(
  sealed: readonly SealedSegment[],
  activeBytes: number,
  { bytesMax, ageMsMax }: Retention,
  timeMs: number,
): SealedSegment[] {
  let bytes = sealed.reduce((sum, each) => sum + each.bytes, activeBytes);
  let count = 0;
  for (const segment of sealed) {
    const tooOld = ageMsMax !== undefined && timeMs - segment.lastMs > ageMsMax;
    const tooMuch = bytesMax !== undefined && bytes > bytesMax;
    if (!tooOld && !tooMuch) break;
    bytes -= segment.bytes;
    count += 1;
  }
  return sealed.slice(0, count);
}

/** All segments of a directory, the last one included; reads only the end of each. */
export function readSealedSegments(dir: string): SealedSegment[] {
  const found: SealedSegment[] = [];
  for (const segment of listSegments(dir)) {
    const fd = openSync(segmentPath(dir, segment), 'r');
    try {
      const bytes = fstatSync(fd).size;
      const tail = Buffer.alloc(Math.min(bytes, TAIL_BYTES));
      readSync(fd, tail, 0, tail.length, bytes - tail.length);
      const line = splitLines(tail).at(-1);
      const lastMs = line !== undefined && isBatchLine(line) ? (parseBatch(line)?.time ?? 0) : 0;
      const before = found.at(-1)?.lastMs;
      found.push({ segment, bytes, firstMs: before ?? lastMs, lastMs, lastBatch: lineHash(line ?? tail) });
    } finally {
      closeSync(fd);
    }
  }
  return found;
}
