import { mix } from './hash.js';

/** Kinds of symbols that are counted. */
export const KINDS = 8;
const NUMBERS = 2 * KINDS;
const SCOPES_MIN = 1 << 8;
const FILL_MAX = 0.5;
/** The scope of all keys. */
export const EVERYONE = 0;

/**
 * Totals of each scope: observations of each kind from {@link at}, distinct symbols from {@link at} + {@link KINDS}. All scopes
 * lie in one piece of memory, so that finding one waits for it twice and not once for each object on the way.
 */
export class ScopeTotals {
  numbers = new Float64Array(SCOPES_MIN * NUMBERS);
  /** Hash of a scope, and where its numbers are, side by side; the first scope is everyone. */
  #slots = new Int32Array(SCOPES_MIN * 2);
  #mask = SCOPES_MIN - 1;
  #scopes: number[] = [EVERYONE];

  /** Where the totals of a scope are; they begin with nothing. */
  at(scope: number): number {
    if (scope === EVERYONE) return 0;
    const slots = this.#slots;
    for (let i = mix(scope) & this.#mask; ; i = (i + 1) & this.#mask) {
      if (slots[2 * i] === scope) return slots[2 * i + 1] as number;
      if (slots[2 * i] === EVERYONE) return this.#begin(scope);
    }
  }

  /** Hashes of the scopes there are, everyone among them, in the order in which they came. */
  get scopes(): readonly number[] {
    return this.#scopes;
  }

  clear(): void {
    this.numbers = new Float64Array(SCOPES_MIN * NUMBERS);
    this.#layOut(SCOPES_MIN);
    this.#scopes = [EVERYONE];
  }

  #begin(scope: number): number {
    if (this.#scopes.length >= (this.#mask + 1) * FILL_MAX) {
      this.#layOut((this.#mask + 1) * 2);
      this.#scopes.forEach((each, n) => {
        if (n > 0) this.#put(each, n * NUMBERS);
      });
    }
    const at = this.#scopes.length * NUMBERS;
    if (at === this.numbers.length) {
      const larger = new Float64Array(at * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.#put(scope, at);
    this.#scopes.push(scope);
    return at;
  }

  #layOut(slots: number): void {
    this.#slots = new Int32Array(slots * 2);
    this.#mask = slots - 1;
  }

  #put(scope: number, at: number): void {
    const slots = this.#slots;
    let i = mix(scope) & this.#mask;
    while (slots[2 * i] !== EVERYONE) i = (i + 1) & this.#mask;
    slots[2 * i] = scope;
    slots[2 * i + 1] = at;
  }
}
