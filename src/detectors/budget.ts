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
  alarmed: boolean;
  alarmDays: number;
}

/** Key-days that ended, alarms that were allowed in them, and days with an alarm. */
export interface BudgetStanding {
  readonly keyDays: number;
  readonly allowed: number;
  readonly spent: number;
  readonly threshold: number;
}

export class AlarmBudget {
  readonly alarmsPerKeyDay: number;
  readonly #today = new Map<string, Day>();
  #days = PRIOR_DAYS;
  #excesses = PRIOR_EXCESSES;
  #excessDays = PRIOR_DAYS * PRIOR_RATE;
  #excessSum = PRIOR_EXCESSES * PRIOR_SCALE;
  #ended = 0;
  #alarmDays = 0;
  #threshold: number;

  constructor(alarmsPerKeyDay = ALARMS_PER_KEY_DAY) {
    this.alarmsPerKeyDay = alarmsPerKeyDay;
    this.#threshold = this.#compute();
  }

  /** Nats of evidence from which a call is an alarm. */
  get threshold(): number {
    return this.#threshold;
  }

  /** Notes the evidence of one call, after it was decided. */
  note(key: string, timeMs: number, evidence: number): void {
    const index = Math.floor(timeMs / DAY_MS);
    let day = this.#today.get(key);
    if (day === undefined) {
      day = { index, highest: 0, alarmed: false, alarmDays: 0 };
      this.#today.set(key, day);
    } else if (index > day.index) {
      this.#close(day.highest);
      day.index = index;
      day.highest = 0;
      day.alarmed = false;
    }
    if (evidence > day.highest) day.highest = evidence;
    if (evidence < this.#threshold || day.alarmed) return;
    day.alarmed = true;
    day.alarmDays += 1;
    this.#alarmDays += 1;
  }

  /** Where the budget stands, over the days that have ended. */
  get standing(): BudgetStanding {
    return {
      keyDays: Math.round(this.#ended),
      allowed: this.#ended * this.alarmsPerKeyDay,
      spent: this.#alarmDays,
      threshold: this.#threshold,
    };
  }

  /** Days of one key with an alarm, since it was first seen. */
  spentBy(key: string): number {
    return this.#today.get(key)?.alarmDays ?? 0;
  }

  snapshot(): readonly number[] {
    return [this.#days, this.#excesses, this.#excessDays, this.#excessSum, this.#ended, this.#alarmDays];
  }

  restore(snapshot: readonly number[]): void {
    [
      this.#days = PRIOR_DAYS,
      this.#excesses = PRIOR_EXCESSES,
      this.#excessDays = PRIOR_DAYS * PRIOR_RATE,
      this.#excessSum = PRIOR_EXCESSES * PRIOR_SCALE,
      this.#ended = 0,
      this.#alarmDays = 0,
    ] = snapshot;
    this.#threshold = this.#compute();
  }

  /** The key is no more. */
  forget(key: string): void {
    this.#today.delete(key);
  }

  #close(highest: number): void {
    this.#ended += 1;
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
