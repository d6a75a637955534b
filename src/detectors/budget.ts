import { type Baseline, Clock } from './baseline.js';

/** One false alarm in 500 days of one key. */
export const ALARMS_PER_KEY_DAY = 1 / 500;
/** Evidence from which a day counts as one of the tail, and how far the tail is looked at. */
const LEVEL = 5.5;
const WIDTH = 2.5;
/** The least that is looked at below the threshold; where that is nearer, alarms are part of the tail. */
const WIDTH_MIN = 1;
/** Days after an alarm that the thief's shadow may lie on. */
const AFTERMATH_DAYS = 3;
/** Key-days that the first estimate is worth, and what it is. */
const PRIOR_DAYS = 500;
const PRIOR_TAIL_DAYS = 7.5;
const PRIOR_SCALE = 0.9;
const SCALE_MIN = 0.3;
const SCALE_MAX = 2.5;
const FORGET = 0.99995;
const THRESHOLD_MIN = 4;
/** Nats that the threshold rises by for each alarm beyond the budget that an operator calls false. */
const OVERDRAFT_STEP = 0.5;
/** False alarms that were allowed and did not come are saved up, at most so many. */
const SAVED_MAX = 3;
const DAY_MS = 86_400_000;

/** Key-days that ended, alarms that were allowed in them, days with an alarm, and those of them whose alarm was called false. */
export interface BudgetStanding {
  readonly keyDays: number;
  readonly allowed: number;
  readonly spent: number;
  readonly falseAlarms: number;
  readonly threshold: number;
}

/** As a store keeps it: what is known of the tail, what was spent, and what of it was false; without these, nothing yet. */
export interface BudgetSnapshot {
  readonly tail: readonly number[];
  readonly counts?: readonly number[];
  readonly falseAlarms?: readonly number[];
}

/**
 * The alarm threshold that a false-alarm budget buys. The highest evidence of each key and day, over all keys, has an
 * exponential tail (Pickands 1975); the threshold is where the tail crosses the budget. The tail is fitted on a window that
 * ends at the threshold of the day (maximum likelihood of a truncated exponential): what lies beyond may be thieves'
 * days, and neither they nor the days after them say anything of the owners. Learned from days that have ended, so it is
 * causal.
 *
 * What lies beyond is known where operators answer: as long as more alarms were called false than were allowed, the threshold is
 * higher, by as much for each (adaptive conformal inference, Gibbs & Candès, NeurIPS 2021). So, whatever the tail is like, no more can
 * come in excess of the budget than fit between the fitted threshold and the highest evidence.
 */
export class AlarmBudget {
  #alarmsPerKeyDay: number;
  #days = PRIOR_DAYS;
  #tailDays = PRIOR_TAIL_DAYS;
  /** Of the tail's days: how far beyond the level they are, and how wide the windows were that they were seen in. */
  #tailSum = PRIOR_TAIL_DAYS * truncatedMean(PRIOR_SCALE, WIDTH);
  #widthSum = PRIOR_TAIL_DAYS * WIDTH;
  #ended = 0;
  #allowed = 0;
  #alarmDays = 0;
  #falseAlarms = 0;
  /** False alarms beyond what was allowed; below 0, what is saved up. */
  #overdrawn = 0;
  #threshold: number;

  constructor(alarmsPerKeyDay = ALARMS_PER_KEY_DAY) {
    this.#alarmsPerKeyDay = alarmsPerKeyDay;
    this.#threshold = this.#compute();
  }

  get alarmsPerKeyDay(): number {
    return this.#alarmsPerKeyDay;
  }

  /** From now on: what was allowed so far stays. */
  set alarmsPerKeyDay(rate: number) {
    this.#alarmsPerKeyDay = rate;
    this.#threshold = this.#compute();
  }

  /** Nats of evidence from which a call is an alarm. */
  get threshold(): number {
    return this.#threshold;
  }

  /**
   * Notes the evidence of one call of a key, after it was decided: with what else is known of the key, so that it is at hand.
   * @param silent nobody is told of it: it is no alarm, however odd
   */
  note({ clock }: Baseline, timeMs: number, evidence: number, silent = false): void {
    const alarm = evidence >= this.#threshold && !silent;
    const day = Math.floor(timeMs / DAY_MS);
    if (day > (clock[Clock.today] as number)) {
      if ((clock[Clock.today] as number) >= 0) this.#close(clock);
      clock[Clock.today] = day;
      clock[Clock.todaysEvidence] = 0;
    }
    if (evidence > (clock[Clock.todaysEvidence] as number)) clock[Clock.todaysEvidence] = evidence;
    if (!alarm || clock[Clock.lastAlarmDay] === clock[Clock.today]) return;
    clock[Clock.lastAlarmDay] = clock[Clock.today] as number;
    clock[Clock.alarmDays] = (clock[Clock.alarmDays] as number) + 1;
    this.#alarmDays += 1;
  }

  /** An operator's word that the key's alarm was false; of several in one day, one counts. */
  falseAlarm({ clock }: Baseline, timeMs: number): void {
    const day = Math.floor(timeMs / DAY_MS);
    if (day <= (clock[Clock.falseAlarmDay] as number)) return;
    clock[Clock.falseAlarmDay] = day;
    this.#falseAlarms += 1;
    this.#overdrawn += 1;
    this.#threshold = this.#compute();
  }

  /** Where the budget stands, over the days that have ended. */
  get standing(): BudgetStanding {
    return {
      keyDays: this.#ended,
      allowed: this.#allowed,
      spent: this.#alarmDays,
      falseAlarms: this.#falseAlarms,
      threshold: this.#threshold,
    };
  }

  snapshot(): BudgetSnapshot {
    return {
      tail: [this.#days, this.#tailDays, this.#tailSum, this.#widthSum],
      counts: [this.#ended, this.#allowed, this.#alarmDays],
      falseAlarms: [this.#falseAlarms, this.#overdrawn],
    };
  }

  /** @throws {RangeError} for a snapshot of another shape */
  restore({ tail, counts = [0, 0, 0], falseAlarms = [0, 0] }: BudgetSnapshot): void {
    const shaped = tail.length === 4 && counts.length === 3 && falseAlarms.length === 2;
    if (!shaped || ![...tail, ...counts, ...falseAlarms].every(Number.isFinite))
      throw new RangeError('not a snapshot of the alarm budget');
    [this.#days, this.#tailDays, this.#tailSum, this.#widthSum] = tail as [number, number, number, number];
    [this.#ended, this.#allowed, this.#alarmDays] = counts as [number, number, number];
    [this.#falseAlarms, this.#overdrawn] = falseAlarms as [number, number];
    this.#threshold = this.#compute();
  }

  #close(clock: Float64Array): void {
    this.#ended += 1;
    this.#allowed += this.#alarmsPerKeyDay;
    this.#overdrawn = Math.max(-SAVED_MAX, this.#overdrawn - this.#alarmsPerKeyDay);
    clock[Clock.keyDays] = (clock[Clock.keyDays] as number) + 1;
    const below = this.#threshold - LEVEL;
    const apart = below >= WIDTH_MIN;
    const sinceAlarm = (clock[Clock.today] as number) - (clock[Clock.lastAlarmDay] as number);
    if (apart && sinceAlarm <= AFTERMATH_DAYS) return;
    this.#days = this.#days * FORGET + 1;
    this.#tailDays *= FORGET;
    this.#tailSum *= FORGET;
    this.#widthSum *= FORGET;
    const width = apart ? Math.min(WIDTH, below) : WIDTH;
    const excess = (clock[Clock.todaysEvidence] as number) - LEVEL;
    if (excess > 0 && excess < width) {
      this.#tailDays += 1;
      this.#tailSum += excess;
      this.#widthSum += width;
    }
    this.#threshold = this.#compute();
  }

  #compute(): number {
    const width = this.#widthSum / this.#tailDays;
    const scale = scaleOf(this.#tailSum / this.#tailDays, width);
    const rate = this.#tailDays / this.#days / (1 - Math.exp(-width / scale));
    const fitted = Math.max(THRESHOLD_MIN, LEVEL + scale * Math.log(rate / this.#alarmsPerKeyDay));
    return fitted + OVERDRAFT_STEP * Math.max(0, this.#overdrawn);
  }
}

/** Mean of an exponential of this scale that is cut off at `width`. */
function truncatedMean(scale: number, width: number): number {
  return scale - width / Math.expm1(width / scale);
}

/** The scale whose truncated mean this is, by bisection. */
function scaleOf(mean: number, width: number): number {
  let low = SCALE_MIN;
  let high = SCALE_MAX;
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (truncatedMean(middle, width) < mean) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
