/**
 * The alarm threshold that a false-alarm budget buys: the tail of the highest evidence of each key and day,
 * over all keys, is exponential above a level (Pickands 1975); the threshold is where it crosses the budget.
 * Learned from days that have ended, so it is causal.
 */

/** One false alarm in 500 days of one key. */
export const ALARMS_PER_KEY_DAY = 1 / 500;
/** Evidence from which a day counts as one of the tail. */
const LEVEL = 4;
/** Key-days, and those in the tail, that the first estimate is worth. */
const PRIOR_DAYS = 300;
const PRIOR_RATE = 0.05;
const PRIOR_EXCESSES = 20;
const PRIOR_SCALE = 1.2;
/** A thief's day teaches at most this many scales. */
const EXCESS_MAX_SCALES = 5;
const FORGET = 0.99995;
const THRESHOLD_MIN = 4;
const DAY_MS = 86_400_000;

interface Day {
  index: number;
  highest: number;
}

export class AlarmBudget {
  readonly alarmsPerKeyDay: number;
  readonly #today = new Map<string, Day>();
  #days = PRIOR_DAYS;
  #excesses = PRIOR_EXCESSES;
  #excessDays = PRIOR_DAYS * PRIOR_RATE;
  #excessSum = PRIOR_EXCESSES * PRIOR_SCALE;
  #threshold: number;

  constructor(alarmsPerKeyDay = ALARMS_PER_KEY_DAY) {
    this.alarmsPerKeyDay = alarmsPerKeyDay;
    this.#threshold = this.#compute();
  }

  /** Nats of evidence from which a call is an alarm. */
  get threshold(): number {
    return this.#threshold;
  }

  /** Key-days that the estimate rests on. */
  get keyDays(): number {
    return this.#days - PRIOR_DAYS;
  }

  /** Notes the evidence of one call, after it was decided. */
  note(key: string, timeMs: number, evidence: number): void {
    const index = Math.floor(timeMs / DAY_MS);
    const day = this.#today.get(key);
    if (day === undefined) {
      this.#today.set(key, { index, highest: evidence });
      return;
    }
    if (index > day.index) {
      this.#close(day.highest);
      day.index = index;
      day.highest = evidence;
    } else if (evidence > day.highest) day.highest = evidence;
  }

  /** The key is no more. */
  forget(key: string): void {
    this.#today.delete(key);
  }

  #close(highest: number): void {
    this.#days = this.#days * FORGET + 1;
    this.#excessDays *= FORGET;
    if (highest > LEVEL) {
      const scale = this.#excessSum / this.#excesses;
      this.#excessDays += 1;
      this.#excesses = this.#excesses * FORGET + 1;
      this.#excessSum = this.#excessSum * FORGET + Math.min(highest - LEVEL, EXCESS_MAX_SCALES * scale);
    }
    this.#threshold = this.#compute();
  }

  #compute(): number {
    const rate = this.#excessDays / this.#days;
    const scale = this.#excessSum / this.#excesses;
    return Math.max(THRESHOLD_MIN, LEVEL + scale * Math.log(rate / this.alarmsPerKeyDay));
  }
}
