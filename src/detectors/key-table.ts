import type { Baseline } from './baseline.js';
import { hashText } from './hash.js';

const SLOTS_MIN = 1 << 10;
const FILL_MAX = 0.5;
/** Slots that are looked at for one key. Keys that were chosen to collide go to a map. */
const PROBES_MAX = 32;

/**
 * Baselines by key. What a `Map` does, with less waiting for memory where there are very many: a hash and what it leads to
 * are read at once, and the key that it is compared with lies with the baseline.
 */
export class KeyTable {
  #hashes = new Int32Array(SLOTS_MIN);
  #slots: (Baseline | undefined)[] = empty(SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  #count = 0;
  readonly #crowded = new Map<string, Baseline>();

  get size(): number {
    return this.#count + this.#crowded.size;
  }

  get(key: string): Baseline | undefined {
    const at = this.#find(hashText(key), key);
    const baseline = at < 0 ? undefined : this.#slots[at];
    return baseline ?? (this.#crowded.size === 0 ? undefined : this.#crowded.get(key));
  }

  set(key: string, baseline: Baseline): void {
    baseline.key = key;
    const hash = hashText(key);
    if (this.#crowded.has(key) || !this.#put(hash, baseline)) this.#crowded.set(key, baseline);
    if (this.#count > this.#slots.length * FILL_MAX) this.#grow();
  }

  /** In no order that means anything. */
  *values(): IterableIterator<Baseline> {
    for (const baseline of this.#slots) if (baseline !== undefined) yield baseline;
    yield* this.#crowded.values();
  }

  /** Where the key is, or is to be put; −1 where it has no room. */
  #find(hash: number, key: string): number {
    const hashes = this.#hashes;
    const slots = this.#slots;
    let at = hash & this.#mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const baseline = slots[at];
      if (baseline === undefined || (hashes[at] === hash && baseline.key === key)) return at;
      at = (at + 1) & this.#mask;
    }
    return -1;
  }

  #put(hash: number, baseline: Baseline): boolean {
    const at = this.#find(hash, baseline.key);
    if (at < 0) return false;
    if (this.#slots[at] === undefined) this.#count += 1;
    this.#slots[at] = baseline;
    this.#hashes[at] = hash;
    return true;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const slots = this.#slots;
    this.#mask = slots.length * 2 - 1;
    this.#hashes = new Int32Array(slots.length * 2);
    this.#slots = empty(slots.length * 2);
    this.#count = 0;
    for (const [at, baseline] of slots.entries())
      if (baseline !== undefined && !this.#put(hashes[at] as number, baseline))
        this.#crowded.set(baseline.key, baseline);
  }
}

function empty(length: number): undefined[] {
  return new Array<undefined>(length).fill(undefined);
}
