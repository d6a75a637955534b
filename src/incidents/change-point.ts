/** One call of a key, as far as the question is whose it was. */
export interface DatedCall {
  readonly timeMs: number;
  /** Log-likelihood ratio "somebody else" against "the owner", of this call alone, in nats. */
  readonly nats: number;
}

/** When somebody else began, as far as the calls tell. */
export interface ChangePoint {
  /** The first call that was somebody else's, most probably. */
  readonly timeMs: number;
  /** It lies between these with 95 % probability. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A single call says at most so much: the score's tails are not to be trusted. */
const NATS_MIN = -4;
const NATS_MAX = 8;
/** Neighbouring calls are no independent witnesses: each counts for so much of one. */
const WITNESS = 0.5;
/** Shares of the calls that may be somebody else's once he is there: the owner goes on meanwhile. */
const SHARES = [0.002, 0.01, 0.05, 0.2, 0.5, 0.9] as const;
const OUTSIDE = 0.025;

/**
 * Posterior of the first foreign call: before it all calls are the owner's, after it an unknown share of them is somebody
 * else's (a change point with a mixture after it, each share alike likely; Barry & Hartigan, JASA 1993, for one change).
 * Linear in the number of calls.
 * @param calls oldest first
 * @returns undefined where there are none
 */
export function changePoint(calls: readonly DatedCall[]): ChangePoint | undefined {
  if (calls.length === 0) return undefined;
  const weights = posterior(calls);
  const at = (mass: number) => {
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      sum += weights[i] as number;
      if (sum >= mass) return (calls[i] as DatedCall).timeMs;
    }
    return (calls.at(-1) as DatedCall).timeMs;
  };
  const best = weights.reduce((most, each, i) => (each > (weights[most] as number) ? i : most), 0);
  return { timeMs: (calls[best] as DatedCall).timeMs, fromMs: at(OUTSIDE), toMs: at(1 - OUTSIDE) };
}

/** Probability that each call is the first foreign one. */
function posterior(calls: readonly DatedCall[]): Float64Array {
  const logs = SHARES.map((share) => suffixSums(calls, share));
  const n = calls.length;
  const total = new Float64Array(n);
  let highest = Number.NEGATIVE_INFINITY;
  for (const sums of logs) for (const value of sums) highest = Math.max(highest, value);
  let mass = 0;
  for (let i = 0; i < n; i++) {
    for (const sums of logs) total[i] = (total[i] as number) + Math.exp((sums[i] as number) - highest);
    mass += total[i] as number;
  }
  return total.map((each) => each / mass);
}

/** Log-likelihood ratio of "foreign from here on, this share of the calls" at each call; the first one is foreign for sure. */
function suffixSums(calls: readonly DatedCall[], share: number): Float64Array {
  const sums = new Float64Array(calls.length);
  let after = 0;
  for (let i = calls.length - 1; i >= 0; i--) {
    const nats = Math.max(NATS_MIN, Math.min(NATS_MAX, WITNESS * (calls[i] as DatedCall).nats));
    sums[i] = after + nats + Math.log(share);
    after += Math.log(1 - share + share * Math.exp(nats));
  }
  return sums;
}
