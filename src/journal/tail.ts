import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { JournalEntry } from './entry.js';
import { isBatchLine, listSegments, NEWLINE, segmentPath, splitLines } from './format.js';

const FINDING = Buffer.from('"finding":{');
/** Read at a time; what is more waits for the next look. */
const BYTES_MAX = 16 * 1024 * 1024;

/** Findings of a journal that another process writes, as they are committed. */
export class JournalTail {
  readonly #dir: string;
  #segment = 0;
  #offset = 0;

  /** @param fromEnd only what comes from now on */
  constructor(dir: string, fromEnd: boolean) {
    this.#dir = dir;
    const last = fromEnd ? listSegments(dir).at(-1) : undefined;
    if (last === undefined) return;
    this.#segment = last;
    this.#offset = committedBytes(segmentPath(dir, last));
  }

  /** Entries with a finding since the last time. */
  next(): JournalEntry[] {
    if (this.#segment === 0) {
      const [first] = listSegments(this.#dir);
      if (first === undefined) return [];
      this.#segment = first;
    }
    const found: JournalEntry[] = [];
    for (let more = true; more; ) {
      const file = segmentPath(this.#dir, this.#segment);
      if (existsSync(file)) found.push(...this.#read(file));
      const following = listSegments(this.#dir).find((segment) => segment > this.#segment);
      more = following !== undefined && this.#atEnd(file);
      if (more) [this.#segment, this.#offset] = [following as number, 0];
    }
    return found;
  }

  #atEnd(file: string): boolean {
    if (!existsSync(file)) return true;
    const fd = openSync(file, 'r');
    try {
      return fstatSync(fd).size <= this.#offset;
    } finally {
      closeSync(fd);
    }
  }

  /** Complete batches only: what follows the last batch line is read again. */
  #read(file: string): JournalEntry[] {
    const fd = openSync(file, 'r');
    try {
      const length = Math.min(BYTES_MAX, fstatSync(fd).size - this.#offset);
      if (length <= 0) return [];
      const bytes = Buffer.alloc(length);
      const data = bytes.subarray(0, readSync(fd, bytes, 0, length, this.#offset));
      const found: JournalEntry[] = [];
      let pending: JournalEntry[] = [];
      let at = 0;
      let committed = 0;
      for (const line of splitLines(data)) {
        at += line.length + 1;
        if (isBatchLine(line)) {
          found.push(...pending);
          pending = [];
          committed = at;
        } else if (line.includes(FINDING)) pending.push(JSON.parse(line.toString('utf8')) as JournalEntry);
      }
      this.#offset += committed;
      return found;
    } finally {
      closeSync(fd);
    }
  }
}

/** Up to the end of the last batch. */
function committedBytes(file: string): number {
  const bytes = readFileSync(file);
  for (let end = bytes.lastIndexOf(NEWLINE) + 1; end > 0; ) {
    const start = bytes.lastIndexOf(NEWLINE, end - 2) + 1;
    if (isBatchLine(bytes.subarray(start, end))) return end;
    end = start;
  }
  return 0;
}
