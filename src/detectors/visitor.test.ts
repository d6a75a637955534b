import { expect, it } from 'vitest';
import { AVERAGES, Baseline, Clock } from './baseline.js';
import { FEATURE_COUNT } from './contract.js';
import type { Symbols } from './symbols.js';
import { rest } from './visitor.js';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 5, 1);

/** What is left of averages that were at 4, with the mean at 0: of the usual calls, and of the odd ones. */
function leftAfter(pauseMs: number, usualPauseMs: number): [home: number, away: number] {
  const baseline = new Baseline();
  baseline.clock[Clock.homeLast] = T;
  baseline.clock[Clock.seen] = 1_000;
  baseline.clock[Clock.active] = 1_000 * usualPauseMs;
  baseline.numbers.fill(4, AVERAGES.start, AVERAGES.start + AVERAGES.size);
  rest(baseline, { timeMs: T + pauseMs } as Symbols, new Float64Array(FEATURE_COUNT));
  const { start, size } = AVERAGES;
  return [baseline.numbers[start] as number, baseline.numbers[start + size - 1] as number];
}

it.each([
  ['not within a sitting', 59 * 60_000, 60_000, 4],
  ['to half in twelve hours', 12 * HOUR, 60_000, 2],
  ['to a sixteenth in two days', 48 * HOUR, 60_000, 0.25],
  ['by its own measure, where the key comes by once in two days', 8 * 24 * HOUR, 48 * HOUR, 2],
])('the shadow of the calls before fades: %s', (_, pauseMs, usualPauseMs, left) => {
  const [home, away] = leftAfter(pauseMs, usualPauseMs);
  expect(home).toBeCloseTo(left, 5);
  expect(away).toBe(4);
});
