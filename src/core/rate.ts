import type { Quota, RateLimit } from './key.js';

/** A token bucket at one moment. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface RateResult {
  readonly allowed: boolean;
  readonly bucket: Bucket;
  /** Whole requests left now. */
  readonly remaining: number;
  /** Until one more request is possible (when refused) or the bucket is full (when allowed), in seconds, rounded up. */
  readonly resetSeconds: number;
}

/** Takes one request from a bucket of `limit.requests` that refills in `limit.seconds`; a new key starts full. */
export function takeToken(limit: RateLimit, bucket: Bucket | undefined, timeMs: number): RateResult {
  const perMs = limit.requests / (limit.seconds * 1000);
  // A clock that steps back must not refill.
  const elapsed = bucket === undefined ? 0 : Math.max(0, timeMs - bucket.atMs);
  const tokens =
    bucket === undefined ? limit.requests : Math.min(limit.requests, bucket.tokens + elapsed * perMs);
  const allowed = tokens >= 1;
  const left = allowed ? tokens - 1 : tokens;
  const waitMs = allowed ? (limit.requests - left) / perMs : (1 - left) / perMs;
  return {
    allowed,
    bucket: { tokens: left, atMs: Math.max(timeMs, bucket?.atMs ?? timeMs) },
    remaining: Math.floor(left),
    resetSeconds: Math.ceil(waitMs / 1000),
  };
}

const DAY_MS = 86_400_000;
const period = { day: Number.NaN, date: '' };

/** `2026-11-24` or `2026-11`, UTC. The last day is remembered: it is asked for with every request. */
export function quotaPeriod(quota: Quota, timeMs: number): string {
  const day = Math.floor(timeMs / DAY_MS);
  if (day !== period.day) {
    period.day = day;
    period.date = new Date(timeMs).toISOString().slice(0, 10);
  }
  return quota.per === 'day' ? period.date : period.date.slice(0, 7);
}
