/** An object at the top of a JSON text. It may be a record, or hold records in fields: the whole of it tells. */
export class TopObject {
  start: number;
  /** It is too large to be a record. */
  settled = false;
  /** Where the contents of its arrays of records begin and end, from its start. */
  readonly #cuts: number[] = [];
  /** Spans of records in those arrays, from its start. */
  #held: number[] = [];

  constructor(start: number) {
    this.start = start;
  }

  get mayHoldRecords(): boolean {
    return this.#cuts.length > 0;
  }

  /** An array of records begins or ends. */
  cut(at: number): void {
    if (!this.settled) this.#cuts.push(at - this.start);
  }

  /** @param start below 0 for a record that cannot be used */
  hold(start: number, end: number): void {
    this.#held.push(start < 0 ? start : start - this.start, end - this.start);
  }

  /** The records that were held: it is none itself. */
  release(emit: (start: number, end: number) => void): void {
    const held = this.#held;
    this.#held = [];
    for (let i = 0; i < held.length; i += 2) {
      const start = held[i] as number;
      emit(start < 0 ? start : this.start + start, this.start + (held[i + 1] as number));
    }
  }

  /** The object without what its arrays of records hold. */
  shell(bytes: Buffer, end: number): string {
    const parts: Buffer[] = [];
    let from = this.start;
    for (let i = 0; i < this.#cuts.length; i += 2) {
      parts.push(bytes.subarray(from, this.start + (this.#cuts[i] as number)));
      from = this.start + (this.#cuts[i + 1] as number);
    }
    return Buffer.concat([...parts, bytes.subarray(from, end)]).toString();
  }
}
