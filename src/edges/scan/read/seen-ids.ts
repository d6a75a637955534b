import type { LogRecord } from '../../../wire/logs/record.js';

/** Events that are remembered: copies lie near each other, in the order of time. */
const WINDOW = 100_000;

/** Tells events that come again: a file named twice, overlapping exports, a delivery that was repeated. */
export class SeenIds {
  readonly #ids = new Set<string>();

  /** True for what has no id. Copies are alike: where ids were blotted out, all events have the same one. */
  isNew({ id, timeMs, operation }: LogRecord): boolean {
    if (id === undefined) return true;
    const seen = this.#ids.size;
    this.#ids.add(`${timeMs} ${operation} ${id}`);
    if (this.#ids.size === seen) return false;
    if (seen === WINDOW) this.#ids.delete(this.#ids.values().next().value as string);
    return true;
  }
}
