import { randomInt } from 'node:crypto';
import type { Baseline } from './baseline.js';
import { hashText } from './hash.js';

const SLOTS_MIN = 1 << 10;
const FILL_MAX = 0.5;

/**
 * Baselines by key. What a `Map` does, with less waiting for memory where there are very many: a hash and what it leads to
 * are read at once, and the key that it is compared with lies with the baseline.
 */
export class KeyTable {
  /** Of the layout alone: whoever chooses keys cannot choose which of them collide. */
  readonly #seed = randomInt(2 ** 32) | 0;
  #hashes = new Int32Array(SLOTS_MIN);
  #slots: (Baseline | undefined)[] = empty(SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Baseline | undefined {
    return this.#slots[this.#find(hashText(key, this.#seed), key)];
  }

  set(key: string, baseline: Baseline): void {
    const hash = hashText(key, this.#seed);
    const at = this.#find(hash, key);
    if (this.#slots[at] === undefined) this.#size += 1;
    baseline.key = key;
    this.#slots[at] = baseline;
    this.#hashes[at] = hash;
    if (this.#size > this.#slots.length * FILL_MAX) this.#grow();
  }

  /** In no order that means anything. */
  *values(): IterableIterator<Baseline> {
    for (const baseline of this.#slots) if (baseline !== undefined) yield baseline;
  }

  /** Where the key is, or is to be put. */
  #find(hash: number, key: string): number {
    const hashes = this.#hashes;
    const slots = this.#slots;
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const baseline = slots[at];
      if (baseline === undefined || (hashes[at] === hash && baseline.key === key)) return at;
    }
  }

  #grow(): void {
    const hashes = this.#hashes;
    const slots = this.#slots;
    this.#mask = slots.length * 2 - 1;
    this.#hashes = new Int32Array(slots.length * 2);
    this.#slots = empty(slots.length * 2);
    for (const [i, baseline] of slots.entries()) {
      if (baseline === undefined) continue;
      const at = this.#find(hashes[i] as number, baseline.key);
      this.#slots[at] = baseline;
      this.#hashes[at] = hashes[i] as number;
    }
  }
}

function empty(length: number): undefined[] {
  return new Array<undefined>(length).fill(undefined);
}
