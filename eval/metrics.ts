import { Random } from '../world/random.js';

/** Area under the ROC curve; ties count one half. */
export function area(positives: readonly number[], negatives: readonly number[]): number {
  if (positives.length === 0 || negatives.length === 0) return Number.NaN;
  const sorted = [...negatives].sort((a, b) => a - b);
  let wins = 0;
  for (const value of positives) wins += (lowerBound(sorted, value) + upperBound(sorted, value)) / 2;
  return wins / positives.length / negatives.length;
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lowest threshold that leaves at most `allowed` of the values at or above it. */
export function thresholdFor(values: readonly number[], allowed: number): number {
  const sorted = [...values].sort((a, b) => b - a);
  const first = sorted[Math.floor(allowed)];
  return first === undefined ? Number.NEGATIVE_INFINITY : first + Math.abs(first) * 1e-12 + 1e-12;
}

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** Share of hits with a 95 % bootstrap interval over the cases. */
export function share(hits: readonly boolean[], rounds = 1_000): Interval {
  const random = new Random(7);
  const n = hits.length;
  const mean = hits.filter(Boolean).length / Math.max(1, n);
  const means = Array.from({ length: rounds }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) if (hits[random.int(0, n - 1)] === true) sum += 1;
    return sum / Math.max(1, n);
  }).sort((a, b) => a - b);
  return {
    mean,
    low: means[Math.floor(rounds * 0.025)] ?? 0,
    high: means[Math.floor(rounds * 0.975)] ?? 0,
    n,
  };
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
