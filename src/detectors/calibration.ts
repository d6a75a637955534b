/**
 * Turns a raw statistic into −ln of its chance under the key's own past: peaks over a threshold with an
 * exponential tail (Pickands 1975; Davison & Smith, JRSS B 1990), rate and scale of each key shrunk to
 * everybody's. `tail` holds [observations, excesses, sum of excesses].
 */

const RATE_BORROWED = 100;
const SCALE_BORROWED = 20;
/** However regular a key was: its first irregularity is no proof. */
const SCALE_MIN = 0.4;
/** One excess teaches at most this many scales: a thief in the past must not hide the next one. */
const EXCESS_MAX_SCALES = 4;
const FORGET_OWN = 0.999;
const FORGET_EVERYONE = 0.9999;

type Numbers = Float32Array | Float64Array;

export function tailNats(
  own: Numbers,
  at: number,
  everyone: Numbers,
  everyoneAt: number,
  excess: number,
): number {
  const atThreshold = -Math.log(ownRate(own, at, everyone, everyoneAt));
  const scales = excess / ownScale(own, at, everyone, everyoneAt);
  // Below the threshold only the order means anything.
  return excess > 0 ? atThreshold + scales : atThreshold * Math.exp(scales);
}

export function learnTail(
  own: Numbers,
  at: number,
  everyone: Numbers,
  everyoneAt: number,
  excess: number,
): void {
  const taught =
    excess > 0 ? Math.min(excess, EXCESS_MAX_SCALES * ownScale(own, at, everyone, everyoneAt)) : 0;
  add(own, at, taught, FORGET_OWN);
  add(everyone, everyoneAt, taught, FORGET_EVERYONE);
}

/** As {@link learnTail}, for a statistic that no key has a tail of its own for. */
export function learnSharedTail(everyone: Numbers, everyoneAt: number, excess: number): void {
  const scale = ((everyone[everyoneAt + 2] as number) + 5) / ((everyone[everyoneAt + 1] as number) + 5);
  add(everyone, everyoneAt, Math.min(excess, EXCESS_MAX_SCALES * scale), FORGET_EVERYONE);
}

function add(tail: Numbers, at: number, excess: number, forget: number): void {
  tail[at] = ((tail[at] as number) + 1) * forget;
  tail[at + 1] = ((tail[at + 1] as number) + (excess > 0 ? 1 : 0)) * forget;
  tail[at + 2] = ((tail[at + 2] as number) + Math.max(0, excess)) * forget;
}

function ownRate(own: Numbers, at: number, everyone: Numbers, everyoneAt: number): number {
  const rate = ((everyone[everyoneAt + 1] as number) + 1) / ((everyone[everyoneAt] as number) + 10);
  return ((own[at + 1] as number) + RATE_BORROWED * rate) / ((own[at] as number) + RATE_BORROWED);
}

function ownScale(own: Numbers, at: number, everyone: Numbers, everyoneAt: number): number {
  const scale = ((everyone[everyoneAt + 2] as number) + 5) / ((everyone[everyoneAt + 1] as number) + 5);
  return Math.max(
    SCALE_MIN,
    ((own[at + 2] as number) + SCALE_BORROWED * scale) / ((own[at + 1] as number) + SCALE_BORROWED),
  );
}
