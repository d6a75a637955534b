import { combine, hashText, mix } from '../../../detectors/hash.js';
import type { LogRecord } from '../../../wire/logs/record.js';

/** Events that are remembered at least: copies lie near each other, in the order of time. */
const WINDOW = 100_000;
const SLOTS = 1 << 18;

/** Tells events that come again: a file named twice, overlapping exports, a delivery that was repeated. */
export class SeenIds {
  /** Two windows: to drop the older one whole is quicker than to drop the oldest of one by one. */
  #late = new Fingerprints();
  #early = new Fingerprints();

  /** True for what has no id. Copies are alike: where ids were blotted out, all events have the same one. */
  isNew({ id, timeMs, operation = '' }: LogRecord): boolean {
    if (id === undefined) return true;
    const fingerprint = fingerprintOf(hashText(id), combine(hashText(operation), timeMs % 2 ** 31));
    if (this.#early.has(fingerprint) || !this.#late.add(fingerprint)) return false;
    if (this.#late.size < WINDOW) return true;
    const dropped = this.#early;
    this.#early = this.#late;
    this.#late = dropped;
    dropped.clear();
    return true;
  }
}

/** 53 bits, never 0: of events at the same time, one in four billion is taken for another. */
function fingerprintOf(id: number, rest: number): number {
  return (combine(id, rest) >>> 0) * 2 ** 21 + (combine(rest, id) >>> 11) || 1;
}

/** A set of numbers above 0 in open addressing: a quarter of the time that a `Set` takes. */
class Fingerprints {
  readonly #slots = new Float64Array(SLOTS);
  size = 0;

  has(fingerprint: number): boolean {
    return this.#slots[this.#find(fingerprint)] === fingerprint;
  }

  /** False where it was there. */
  add(fingerprint: number): boolean {
    const at = this.#find(fingerprint);
    if (this.#slots[at] === fingerprint) return false;
    this.#slots[at] = fingerprint;
    this.size += 1;
    return true;
  }

  clear(): void {
    this.#slots.fill(0);
    this.size = 0;
  }

  /** Where it is, or is to be put. */
  #find(fingerprint: number): number {
    const slots = this.#slots;
    let at = mix((fingerprint / 2 ** 21) ^ fingerprint) & (SLOTS - 1);
    while (slots[at] !== 0 && slots[at] !== fingerprint) at = (at + 1) & (SLOTS - 1);
    return at;
  }
}
