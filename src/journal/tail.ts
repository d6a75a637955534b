import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import type { JournalEntry } from './entry.js';
import { isBatchLine, listSegments, NEWLINE, segmentPath } from './format.js';
import { openIfThere, segmentsSince } from './slice.js';

const FINDING = Buffer.from('"finding":{');
/** Read at a time: what is more waits for the next look, so that nobody waits long for this one. */
const WINDOW_BYTES = 1024 * 1024;
/** A batch that is larger is damage. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024;

/** Where in a journal a reader is: always behind a complete batch. */
export interface TailPosition {
  readonly segment: number;
  readonly offset: number;
}

/** What one look brought. */
export interface TailPiece {
  readonly entries: readonly JournalEntry[];
  /** There was more than is read at a time. */
  readonly more: boolean;
}

/** Findings of a journal that may be written by another process meanwhile, as they are committed. */
export class JournalTail {
  readonly #dir: string;
  #segment: number;
  #offset: number;
  #window = WINDOW_BYTES;

  /** @param from where an earlier reader was; else where the entries since an instant begin, or a little before */
  constructor(dir: string, from: TailPosition | { readonly sinceMs: number }) {
    this.#dir = dir;
    this.#segment = 'segment' in from ? from.segment : (segmentsSince(dir, from.sinceMs)[0] ?? 0);
    // Where the power failed, the journal may have lost its end.
    this.#offset = 'segment' in from ? Math.min(from.offset, sizeOf(segmentPath(dir, from.segment))) : 0;
  }

  get position(): TailPosition {
    return { segment: this.#segment, offset: this.#offset };
  }

  /** Entries with a finding since the last time, from at most so much of the journal as is read at a time. */
  next(): TailPiece {
    if (this.#segment === 0) {
      const [first] = listSegments(this.#dir);
      if (first === undefined) return { entries: [], more: false };
      this.#segment = first;
    }
    // Looked for first: what is written meanwhile is in the segment that is read below.
    const following = listSegments(this.#dir).find((segment) => segment > this.#segment);
    const { entries, more } = this.#read();
    if (more || following === undefined) return { entries, more };
    this.#segment = following;
    this.#offset = 0;
    return { entries, more: true };
  }

  /** Complete batches only: what follows the last batch line is read again. */
  #read(): TailPiece {
    const fd = openIfThere(segmentPath(this.#dir, this.#segment));
    if (fd === undefined) return { entries: [], more: false };
    try {
      const left = fstatSync(fd).size - this.#offset;
      if (left <= 0) return { entries: [], more: false };
      const bytes = Buffer.allocUnsafe(Math.min(this.#window, left));
      const data = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, this.#offset));
      const committed = endOfLastBatch(data);
      if (committed === 0 && left > this.#window && this.#window < BATCH_BYTES_MAX) {
        this.#window *= 2;
        return { entries: [], more: true };
      }
      this.#window = WINDOW_BYTES;
      this.#offset += committed;
      return { entries: findingsIn(data.subarray(0, committed)), more: committed > 0 && left > data.length };
    } finally {
      closeSync(fd);
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function endOfLastBatch(bytes: Buffer): number {
  for (let end = bytes.lastIndexOf(NEWLINE) + 1; end > 0; ) {
    const start = end < 2 ? 0 : bytes.lastIndexOf(NEWLINE, end - 2) + 1;
    if (isBatchLine(bytes.subarray(start, end))) return end;
    end = start;
  }
  return 0;
}

function findingsIn(bytes: Buffer): JournalEntry[] {
  const found: JournalEntry[] = [];
  for (let at = bytes.indexOf(FINDING); at >= 0; ) {
    const end = bytes.indexOf(NEWLINE, at);
    const entry = parsed(bytes.toString('utf8', bytes.lastIndexOf(NEWLINE, at) + 1, end));
    if (entry !== undefined) found.push(entry);
    at = bytes.indexOf(FINDING, end);
  }
  return found;
}

/** A line that is no JSON is damage that `verifyJournal` reports; what follows it still counts. */
function parsed(line: string): JournalEntry | undefined {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    return undefined;
  }
}
