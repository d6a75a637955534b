import { createReadStream } from 'node:fs';
import { segmentPath, splitLines } from './format.js';

const CHUNK_BYTES = 1024 * 1024;

/** Some neighbouring lines of a segment file. */
export interface SegmentLines {
  /** Line number of the first, from 1. */
  readonly number: number;
  readonly lines: Buffer[];
  /** Bytes after the last newline: only in the last piece, when the file does not end with one. */
  readonly rest: Buffer;
}

/** Reads a segment in pieces of whole lines; memory holds one piece and one line. */
export async function* readSegmentLines(dir: string, segment: number): AsyncGenerator<SegmentLines> {
  let number = 1;
  let carry: Buffer = Buffer.alloc(0);
  const none = carry;
  for await (const chunk of createReadStream(segmentPath(dir, segment), { highWaterMark: CHUNK_BYTES })) {
    const data = carry.length === 0 ? (chunk as Buffer) : Buffer.concat([carry, chunk as Buffer]);
    const lines = splitLines(data);
    const used = lines.reduce((sum, line) => sum + line.length + 1, 0);
    carry = data.subarray(used);
    if (lines.length > 0) yield { number, lines, rest: none };
    number += lines.length;
  }
  if (carry.length > 0) yield { number, lines: [], rest: carry };
}
