import type { Judgement } from '../detectors/detector.js';

/** Calls kept of one key, and keys with any; beyond, the oldest are forgotten, which is to discard them. */
const CALLS_PER_KEY_MAX = 128;
const KEYS_MAX = 4_096;

/** Calls that nobody has vouched for: neither learned nor forgotten until an operator says which. */
export class Quarantine {
  readonly #calls = new Map<string, Judgement[]>();

  add(key: string, judgement: Judgement): void {
    const calls = this.#calls.get(key) ?? [];
    this.#calls.delete(key);
    if (this.#calls.size >= KEYS_MAX) this.#calls.delete(this.#calls.keys().next().value as string);
    calls.push(judgement);
    if (calls.length > CALLS_PER_KEY_MAX) calls.shift();
    this.#calls.set(key, calls);
  }

  size(key: string): number {
    return this.#calls.get(key)?.length ?? 0;
  }

  /** Takes the calls out, oldest first. */
  take(key: string): readonly Judgement[] {
    const calls = this.#calls.get(key) ?? [];
    this.#calls.delete(key);
    return calls;
  }
}
