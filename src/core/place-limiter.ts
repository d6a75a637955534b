import { type Bucket, type RateResult, takeToken } from './rate.js';

/** Places whose buckets are remembered; the one not seen for longest goes first. */
const PLACES_MAX = 50_000;

/** So many requests in a minute from each place. */
export class PlaceLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #limit: { readonly requests: number; readonly seconds: number };

  constructor(perMinute: number) {
    this.#limit = { requests: perMinute, seconds: 60 };
  }

  take(place: string, nowMs: number): RateResult {
    const result = takeToken(this.#limit, this.#buckets.get(place), nowMs);
    this.#buckets.delete(place);
    this.#buckets.set(place, result.bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > PLACES_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return result;
  }
}
