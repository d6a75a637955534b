/** One false alarm in 500 days of one key. */
export const ALARMS_PER_KEY_DAY = 1 / 500;
/** Evidence from which a day counts as one of the tail, and how far the tail is looked at. */
const LEVEL = 5;
const WIDTH = 3;
/** Key-days that the first estimate is worth, and what it is. */
const PRIOR_DAYS = 500;
const PRIOR_TAIL_DAYS = 12;
const PRIOR_SCALE = 0.9;
const SCALE_MIN = 0.3;
const SCALE_MAX = 2.5;
const FORGET = 0.99995;
const THRESHOLD_MIN = 4;
const DAY_MS = 86_400_000;

/** The day of one key, as far as it has come. Kept with what else is known of the key, so that it is at hand. */
export class AlarmDay {
  /** Days since 1970; −1 before the first call. */
  index = -1;
  highest = 0;
  alarmed = false;
  /** Days with an alarm, since the key was first seen. */
  alarmDays = 0;
}

/** Key-days that ended, alarms that were allowed in them, and days with an alarm. */
export interface BudgetStanding {
  readonly keyDays: number;
  readonly allowed: number;
  readonly spent: number;
  readonly threshold: number;
}

/**
 * The alarm threshold that a false-alarm budget buys. The highest evidence of each key and day, over all keys, has an
 * exponential tail (Pickands 1975); the threshold is where the tail crosses the budget. The tail is fitted on a
 * window only (maximum likelihood of a truncated exponential): what lies beyond may be thieves' days, and they say
 * nothing of the owners. Learned from days that have ended, so it is causal.
 */
export class AlarmBudget {
  readonly alarmsPerKeyDay: number;
  #days = PRIOR_DAYS;
  #tailDays = PRIOR_TAIL_DAYS;
  #tailSum = PRIOR_TAIL_DAYS * truncatedMean(PRIOR_SCALE);
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

  /** Notes the evidence of one call of a key, after it was decided. */
  note(day: AlarmDay, timeMs: number, evidence: number): void {
    const index = Math.floor(timeMs / DAY_MS);
    if (index > day.index) {
      if (day.index >= 0) this.#close(day.highest);
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
      keyDays: this.#ended,
      allowed: this.#ended * this.alarmsPerKeyDay,
      spent: this.#alarmDays,
      threshold: this.#threshold,
    };
  }

  snapshot(): readonly number[] {
    return [this.#days, this.#tailDays, this.#tailSum, this.#ended, this.#alarmDays];
  }

  /** @throws {RangeError} for a snapshot of another shape */
  restore(snapshot: readonly number[]): void {
    const [days, tailDays, tailSum, ended, alarmDays] = snapshot;
    if (snapshot.length !== 5 || !snapshot.every(Number.isFinite))
      throw new RangeError('not a snapshot of the alarm budget');
    this.#days = days as number;
    this.#tailDays = tailDays as number;
    this.#tailSum = tailSum as number;
    this.#ended = ended as number;
    this.#alarmDays = alarmDays as number;
    this.#threshold = this.#compute();
  }

  #close(highest: number): void {
    this.#ended += 1;
    this.#days = this.#days * FORGET + 1;
    this.#tailDays *= FORGET;
    this.#tailSum *= FORGET;
    const excess = highest - LEVEL;
    if (excess > 0 && excess < WIDTH) {
      this.#tailDays += 1;
      this.#tailSum += excess;
    }
    this.#threshold = this.#compute();
  }

  #compute(): number {
    const scale = scaleOf(this.#tailSum / this.#tailDays);
    const rate = this.#tailDays / this.#days / (1 - Math.exp(-WIDTH / scale));
    return Math.max(THRESHOLD_MIN, LEVEL + scale * Math.log(rate / this.alarmsPerKeyDay));
  }
}

/** Mean of an exponential of this scale that is cut off at the end of the window. */
function truncatedMean(scale: number): number {
  return scale - WIDTH / Math.expm1(WIDTH / scale);
}

/** The scale whose truncated mean this is, by bisection. */
function scaleOf(mean: number): number {
  let low = SCALE_MIN;
  let high = SCALE_MAX;
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (truncatedMean(middle) < mean) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
