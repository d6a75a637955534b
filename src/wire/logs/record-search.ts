import { ByteKind, KIND_OF, NEWLINE } from './json-bytes.js';

/** How a record begins, as far as it is looked for. */
export const OPENING_BYTES_MAX = 128;
/** Looked through at once: what is damaged in many places would else be looked through to its end for each. */
const STEP_BYTES = 4096;

/** Looks for the next record after damage: what begins like the first one, or at the beginning of a line. */
export class RecordSearch {
  #opening: Buffer | undefined;

  /** How the first record begins, up to the name of its first field. */
  learn(bytes: Buffer, start: number, end: number): void {
    if (this.#opening === undefined && end - start <= OPENING_BYTES_MAX)
      this.#opening = Buffer.from(bytes.subarray(start, end));
  }

  /** Where the next record begins, or -1; the byte before `at` is looked at, too. */
  find(bytes: Buffer, at: number): number {
    for (let from = at; from < bytes.length; from += STEP_BYTES) {
      const found = this.#findIn(bytes.subarray(0, from + STEP_BYTES + OPENING_BYTES_MAX), from);
      if (found >= 0) return found;
    }
    return -1;
  }

  #findIn(bytes: Buffer, at: number): number {
    let line = at > 0 && bytes[at - 1] === NEWLINE ? at - 1 : bytes.indexOf(NEWLINE, at);
    while (line >= 0 && line + 1 < bytes.length && KIND_OF[bytes[line + 1] as number] !== ByteKind.open)
      line = bytes.indexOf(NEWLINE, line + 1);
    const begun = line >= 0 && line + 1 < bytes.length ? line + 1 : -1;
    if (this.#opening === undefined || begun === at) return begun;
    const like = bytes.subarray(0, begun < 0 ? undefined : begun).indexOf(this.#opening, at);
    return like < 0 ? begun : like;
  }
}
