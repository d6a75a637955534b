import { Clock, THIS_HOUR } from './baseline.js';
import { AT } from './contract.js';
import { bounded, histogramNats, type Scene, upperTail } from './likelihood.js';

/** Pace classes: powers of three of the seconds since the key's last call. */
export const PACE_CLASSES = 16;

export function paceClass(gapMs: number): number {
  const seconds = Math.max(0, gapMs) / 1000;
  return Math.min(PACE_CLASSES - 1, Math.floor(Math.log(1 + seconds) / Math.log(3)));
}

/** Class of the number of calls in one hour. */
export function perHourClass(calls: number): number {
  return Math.min(15, Math.floor(Math.log2(1 + calls) * 1.5));
}

/** When it happens: hour of the day and day of the week. */
export function timeTerm(scene: Scene, into: Float64Array): void {
  into[AT.hour] = bounded(histogramNats(scene, 'hour', scene.symbols.hour, true));
  into[AT.weekday] = bounded(histogramNats(scene, 'weekday', scene.symbols.weekday));
}

/** How fast, how much: pause since the last call, size of the request, calls in this hour. */
export function volumeTerm(scene: Scene, into: Float64Array): void {
  const { symbols, baseline } = scene;
  const last = baseline.clock[Clock.last] as number;
  const pace = last === 0 ? PACE_CLASSES - 1 : paceClass(symbols.timeMs - last);
  into[AT.pace] = bounded(histogramNats(scene, 'pace', pace));
  if (symbols.requestSize >= 0)
    into[AT.requestSize] = bounded(histogramNats(scene, 'requestSize', symbols.requestSize));
  const calls = callsThisHour(scene) + 1;
  into[AT.burst] = bounded(-1 - Math.log(upperTail(scene, 'perHour', perHourClass(calls))));
}

export function callsThisHour({ symbols, baseline }: Scene): number {
  const same = baseline.clock[Clock.hourIndex] === symbols.hourIndex;
  return same ? (baseline.numbers[THIS_HOUR.start] as number) : 0;
}

/** What came back: errors, and how much was taken away. */
export function outcomeTerm(scene: Scene, into: Float64Array): void {
  const { status, responseSize } = scene.symbols;
  if (status >= 0) into[AT.status] = bounded(histogramNats(scene, 'status', status));
  if (responseSize >= 0) into[AT.responseSize] = bounded(histogramNats(scene, 'responseSize', responseSize));
}
