/**
 * Turns a raw statistic of all keys into −ln of its chance: peaks over a threshold with an exponential tail (Pickands
 * 1975; Davison & Smith, JRSS B 1990). `tail` holds [observations, excesses, sum of excesses].
 */

/** Observations, excesses and their sum that the first estimate is worth. */
const OBSERVATIONS_BORROWED = 10;
const EXCESSES_BORROWED = 5;
/** One excess teaches at most this many scales: a thief in the past must not hide the next one. */
const EXCESS_MAX_SCALES = 4;
const FORGET = 0.9999;

export function tailNats(tail: Float64Array, excess: number): number {
  const [observations = 0, excesses = 0] = tail;
  const atThreshold = Math.log((observations + OBSERVATIONS_BORROWED) / (excesses + 1));
  const scales = excess / scaleOf(tail);
  // Below the threshold only the order means anything.
  return excess > 0 ? atThreshold + scales : atThreshold * Math.exp(scales);
}

export function learnTail(tail: Float64Array, excess: number): void {
  const taught = Math.max(0, Math.min(excess, EXCESS_MAX_SCALES * scaleOf(tail)));
  tail[0] = ((tail[0] as number) + 1) * FORGET;
  tail[1] = ((tail[1] as number) + (taught > 0 ? 1 : 0)) * FORGET;
  tail[2] = ((tail[2] as number) + taught) * FORGET;
}

function scaleOf([, excesses = 0, sum = 0]: Float64Array): number {
  return (sum + EXCESSES_BORROWED) / (excesses + EXCESSES_BORROWED);
}
