/** Bytes that come in chunks, taken in other portions. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks;
  }

  /** What is at hand, `max` bytes at most; none at the end. */
  async some(max = Number.MAX_SAFE_INTEGER): Promise<Buffer> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return Buffer.alloc(0);
      this.#chunk = next.value;
      this.#at = 0;
    }
    const taken = this.#chunk.subarray(this.#at, Math.min(this.#at + max, this.#chunk.length));
    this.#at += taken.length;
    return taken;
  }

  /** So many bytes, fewer only at the end. */
  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** The first bytes, fewer only at the end; they are taken again. */
  async peek(count: number): Promise<Buffer> {
    const first = await this.exactly(count);
    this.#chunk = Buffer.concat([first, this.#chunk.subarray(this.#at)]);
    this.#at = 0;
    return first;
  }

  /** Gives back the last so many bytes of what {@link some} gave last. */
  giveBack(count: number): void {
    this.#at -= count;
  }

  /** All that is left. */
  async *all(): AsyncGenerator<Buffer> {
    for (;;) {
      const part = await this.some();
      if (part.length === 0) return;
      yield part;
    }
  }
}
