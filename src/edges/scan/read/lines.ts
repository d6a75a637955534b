import { isAscii } from 'node:buffer';

/** A longer line is skipped and reported. */
export const LINE_BYTES_MAX = 4 * 1024 * 1024;
const NEWLINE = 10;
const BOM = '\ufeff';

/** Lines of text as they were read together; `first` is the number of the first, from 1. */
export interface LineBlock {
  readonly first: number;
  readonly lines: readonly string[];
  /** Numbers of lines that were too long, within this block. */
  readonly tooLong: readonly number[];
}

/** Splits chunks of bytes into lines: constant memory, CRLF and a last line without its end included. */
export class LineSplitter {
  #rest: Buffer | undefined;
  #skipping = false;
  #next = 1;

  push(chunk: Buffer): LineBlock {
    const tooLong: number[] = [];
    const first = this.#next;
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    if (this.#skipping) {
      const end = bytes.indexOf(NEWLINE);
      if (end < 0) return { first, lines: [], tooLong };
      this.#skipping = false;
      this.#next += 1;
      bytes = bytes.subarray(end + 1);
    }
    const start = this.#next;
    const end = bytes.lastIndexOf(NEWLINE);
    const lines = end < 0 ? [] : this.#take(bytes.subarray(0, end), tooLong);
    const rest = bytes.subarray(end + 1);
    if (rest.length > LINE_BYTES_MAX) {
      this.#skipping = true;
      tooLong.push(this.#next);
    } else if (rest.length > 0) this.#rest = Buffer.from(rest);
    return { first: start, lines, tooLong };
  }

  /** What is left when the input ends. */
  end(): LineBlock {
    const rest = this.#rest;
    this.#rest = undefined;
    const first = this.#next;
    return { first, lines: rest === undefined ? [] : this.#take(rest, []), tooLong: [] };
  }

  #take(bytes: Buffer, tooLong: number[]): string[] {
    // Most logs are plain ASCII, and that is read five times as fast.
    let text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
    if (this.#next === 1 && text.startsWith(BOM)) text = text.slice(1);
    const lines = text.split('\n');
    if (bytes.length > LINE_BYTES_MAX) this.#leaveOut(lines, tooLong);
    this.#next += lines.length;
    if (text.includes('\r')) return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
    return lines;
  }

  /** Also where a long line came in one piece. */
  #leaveOut(lines: string[], tooLong: number[]): void {
    for (const [i, line] of lines.entries()) {
      if (line.length * 3 <= LINE_BYTES_MAX || Buffer.byteLength(line) <= LINE_BYTES_MAX) continue;
      lines[i] = '';
      tooLong.push(this.#next + i);
    }
  }
}
