import { expect, it } from 'vitest';
import { AVERAGES, AWAY, Baseline, Clock, HOME } from './baseline.js';
import { AT, FEATURE_COUNT } from './contract.js';
import { averagesOf } from './learn.js';
import type { Symbols } from './symbols.js';
import { rest, trackOf } from './visitor.js';

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

const VISITOR = 7;
const ODD = 0;
const USUAL = -5;

/** Track of a call, an hour (or so many) after a visitor whose averages stood at so many nats above the mean. */
function trackAfter(
  visitor: { readonly network: number; readonly client: number },
  call: {
    readonly source: number;
    readonly network: number;
    readonly client: number;
    readonly score: number;
  },
  hours = 1,
): number {
  const baseline = new Baseline();
  baseline.clock[Clock.awayLast] = T;
  baseline.clock[Clock.awaySource] = VISITOR;
  baseline.numbers[averagesOf(AWAY) + AT.network] = visitor.network;
  baseline.numbers[averagesOf(AWAY) + AT.client] = visitor.client;
  const features = new Array<number>(FEATURE_COUNT).fill(0);
  features[AT.network] = call.network;
  features[AT.client] = call.client;
  const symbols = { timeMs: T + hours * HOUR, source: call.source } as Symbols;
  return trackOf(baseline, symbols, features, new Float64Array(FEATURE_COUNT), call.score);
}

it.each([
  ["a usual call is the owner's", { source: 1, network: 0, client: 0, score: USUAL }, HOME],
  [
    "a usual one from the visitor's new place is his",
    { source: VISITOR, network: 5, client: 0, score: USUAL },
    AWAY,
  ],
  [
    'an odd one that shares place and tool with the visitor is his',
    { source: VISITOR, network: 5, client: 5, score: ODD },
    AWAY,
  ],
  [
    'an odd one from another new place with another new tool may be his',
    { source: 1, network: 4, client: 3, score: ODD },
    AWAY,
  ],
  ['an odd one from a known place is none of his', { source: 1, network: 0, client: 5, score: ODD }, HOME],
  ['an odd one with a known tool is none of his', { source: 1, network: 5, client: 0, score: ODD }, HOME],
])('after a stranger from a new place with a new tool, %s', (_, call, track) => {
  expect(trackAfter({ network: 6, client: 6 }, call)).toBe(track);
});

it('an odd call from a known place may be that of a visitor who came from one, too, or begins a visit of its own when he is long gone', () => {
  const odd = { source: 1, network: 0, client: 0, score: ODD };
  expect(trackAfter({ network: 0, client: 0 }, odd)).toBe(AWAY);
  expect(trackAfter({ network: 6, client: 6 }, odd)).toBe(HOME);
  expect(trackAfter({ network: 6, client: 6 }, odd, 14 * 24)).toBe(AWAY);
});
