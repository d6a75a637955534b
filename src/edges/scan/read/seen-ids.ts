/** Events that are remembered: copies lie near each other, in the order of time. */
const WINDOW = 100_000;

/** Tells events that come again: a file named twice, overlapping exports, a delivery that was repeated. */
export class SeenIds {
  readonly #ids = new Set<string>();

  /** True the first time. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > WINDOW) for (const oldest of this.#ids) return this.#ids.delete(oldest);
    return true;
  }
}
