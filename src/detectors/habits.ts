import { AWAY, Clock, HISTOGRAM, HISTOGRAM_TOTAL, HOME, THIS_HOUR, threadOf } from './baseline.js';
import { AT } from './contract.js';
import { bounded, histogramNats, type Scene, upperTail } from './likelihood.js';
import type { Symbols } from './symbols.js';

const DAY_MS = 86_400_000;
/** Pace classes: powers of three of the seconds since the key's last call. */
const PACE_CLASSES = 16;

function paceClass(gapMs: number): number {
  const seconds = Math.max(0, gapMs) / 1000;
  return Math.min(PACE_CLASSES - 1, Math.floor(Math.log(1 + seconds) / Math.log(3)));
}

/** Class of the number of calls in one hour. */
export function perHourClass(calls: number): number {
  return Math.min(15, Math.floor(Math.log2(1 + calls) * 1.5));
}

/** Class of the bytes that went out in one hour. */
export function bytesPerHourClass(bytes: number): number {
  return Math.min(23, Math.floor(Math.log2(1 + bytes) * 0.75));
}

/** When it happens: hour of the day and day of the week. */
export function timeTerm(scene: Scene, into: number[]): void {
  into[AT.hour] = bounded(histogramNats(scene, HISTOGRAM.hour, scene.symbols.hour, true));
  into[AT.weekday] = bounded(weekdayNats(scene));
}

/** Weekdays that everybody's pattern is worth beside the key's own. */
const WEEKDAYS_BORROWED = 2;

/**
 * How rarely the key works on this day of the week, against everybody's week at the key's own diligence. Only weekdays
 * that have come by count: a key of five days has no Sundays yet.
 */
function weekdayNats({ symbols, baseline, population }: Scene): number {
  const { clock, numbers } = baseline;
  const first = clock[Clock.first] as number;
  if (first === 0) return 0;
  const { start, size, order } = HISTOGRAM.weekday;
  const daysBefore = Math.max(0, symbols.dayIndex - Math.floor(first / DAY_MS));
  const today = clock[Clock.dayLearned] === symbols.dayIndex ? 1 : 0;
  const weekdays = Math.floor(daysBefore / size) + today;
  const worked = numbers[start + symbols.weekday] as number;
  const diligence = Math.min(1, ((numbers[HISTOGRAM_TOTAL.start + order] as number) + 1) / (daysBefore + 2));
  const all = (population.histogramTotals[order] as number) + size;
  const share = ((population.histograms[order]?.[symbols.weekday] as number) + 1) / all;
  const expected = Math.min(1, size * share * diligence);
  const own = (worked + WEEKDAYS_BORROWED * expected) / (weekdays + WEEKDAYS_BORROWED);
  return Math.log(expected / Math.min(1, own));
}

/** How fast, how much: pause since the last call, calls in this hour. */
export function volumeTerm(scene: Scene, into: number[]): void {
  const pace = paceSince(lastOf(scene.baseline.clock, scene.symbols), scene.symbols.timeMs);
  into[AT.pace] = bounded(histogramNats(scene, HISTOGRAM.pace, pace));
  const calls = callsThisHour(scene) + 1;
  into[AT.burst] = bounded(-1 - Math.log(upperTail(scene, HISTOGRAM.perHour, perHourClass(calls))));
}

/** Time of the call that this one goes on from. */
export function lastOf(clock: Float64Array, symbols: Symbols): number {
  const thread = threadOf(clock, symbols);
  if (thread === undefined) return clock[Clock.last] as number;
  return clock[thread === HOME ? Clock.homeLast : Clock.awayLast] as number;
}

export function paceSince(last: number, timeMs: number): number {
  return last === 0 ? PACE_CLASSES - 1 : paceClass(timeMs - last);
}

export function callsThisHour(scene: Scene): number {
  return thisHour(scene, 0);
}

/** Of the owner's usual calls; for one from where the odd ones come, of those, too. */
function thisHour({ symbols, baseline }: Scene, offset: 0 | 1): number {
  const { clock, numbers } = baseline;
  if (clock[Clock.hourIndex] !== symbols.hourIndex) return 0;
  const usual = numbers[THIS_HOUR.start + offset] as number;
  const odd = numbers[THIS_HOUR.start + 2 * AWAY + offset] as number;
  return clock[Clock.awaySource] === symbols.source ? usual + odd : usual;
}

/** What came back: errors, and how much was taken away. */
export function outcomeTerm(scene: Scene, into: number[]): void {
  const { status, bytesOut } = scene.symbols;
  if (status >= 0) into[AT.status] = bounded(histogramNats(scene, HISTOGRAM.status, status));
  if (bytesOut < 0) return;
  const bytes = bytesThisHour(scene) + bytesOut;
  into[AT.outflow] = bounded(
    -1 - Math.log(upperTail(scene, HISTOGRAM.bytesPerHour, bytesPerHourClass(bytes))),
  );
}

export function bytesThisHour(scene: Scene): number {
  return thisHour(scene, 1);
}
