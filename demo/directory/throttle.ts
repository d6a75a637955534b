export const FAILURES_MAX = 20;
export const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** Counts failing keys by client address. Bounded: the address that was quiet longest is forgotten first. */
export class Throttle {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts one failure; returns the seconds to wait once there were too many. */
  failed(address: string): number | undefined {
    const now = this.#now();
    const known = this.#failures.get(address);
    const entry = known === undefined || known.until <= now ? { count: 0, until: now + WINDOW_MS } : known;
    entry.count += 1;
    this.#failures.delete(address);
    this.#failures.set(address, entry);
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > ADDRESSES_MAX && oldest !== undefined) this.#failures.delete(oldest);
    return entry.count > FAILURES_MAX ? Math.ceil((entry.until - now) / 1000) : undefined;
  }

  /** The seconds to wait, where there were too many failures; counts nothing. */
  wait(address: string): number | undefined {
    const known = this.#failures.get(address);
    const now = this.#now();
    return known !== undefined && known.until > now && known.count >= FAILURES_MAX
      ? Math.ceil((known.until - now) / 1000)
      : undefined;
  }

  get size(): number {
    return this.#failures.size;
  }
}
