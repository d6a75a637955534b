import { Duplex } from 'node:stream';

const BYTES_MAX = 64 * 1024;

/** One end of a pair: what is written to it can be read from the other. */
class PairEnd extends Duplex {
  #other: PairEnd | undefined;
  #taken: (() => void) | undefined;

  constructor() {
    super({ readableHighWaterMark: BYTES_MAX, writableHighWaterMark: BYTES_MAX });
  }

  join(other: PairEnd): void {
    this.#other = other;
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  /** A write is done when the other end wants more: that is the back-pressure. */
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const other = this.#other;
    if (other === undefined || other.destroyed || other.push(bytes)) done();
    else other.#taken = done;
  }

  override _final(done: () => void): void {
    this.#other?.push(null);
    done();
  }

  /** Like a socket, an end that is destroyed takes the other with it, without an end of data. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.#other;
    this.#other = undefined;
    process.nextTick(() => other?.destroy());
    done(error);
  }
}

/** Two streams joined in memory; stream.duplexPair is missing in some releases of Node 20. */
export function duplexPair(): [Duplex, Duplex] {
  const near = new PairEnd();
  const far = new PairEnd();
  near.join(far);
  far.join(near);
  return [near, far];
}
