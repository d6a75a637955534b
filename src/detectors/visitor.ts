import { AWAY, AWAY_PEAK, type Baseline, Clock, HOME, MEMORIES, threadOf } from './baseline.js';
import { AT, FEATURE_COUNT } from './contract.js';
import { averagesOf } from './learn.js';
import type { Symbols } from './symbols.js';

/** Nats above its own mean from which a network, or a client, is new to a key. */
export const NEW_NETWORK = 1;
/** Log-odds of a single call from which it counts among the odd ones. */
const ODD_SCORE = -1;
/** The odd ones fade in this time: what is odd once a week is no thief's visit. */
const AWAY_HALF_LIFE_MS = 36 * 3_600_000;
/** The usual ones fade, too: in this time, or in so many of the key's usual pauses where that is longer; not within a sitting. */
const HOME_HALF_LIFE_MS = 12 * 3_600_000;
const HOME_HALF_LIFE_PAUSES = 4;
const SITTING_MS = 3_600_000;
/** What a visitor cannot help showing: where he is and what he calls with. */
const SIDES = [AT.network, AT.client] as const;

/**
 * A thief's calls come between the owner's. Odd calls, and those of an odd call's source as long as it is new to the
 * key, have moving averages of their own: the owner's work does not dilute the thief's, nor does it suffer from them.
 */
export function trackOf(
  baseline: Baseline,
  symbols: Symbols,
  features: readonly number[],
  means: Float64Array,
  score: number,
): number {
  const sameSource = baseline.clock[Clock.awaySource] === symbols.source;
  if (score > ODD_SCORE)
    return sameSource || !strangerElsewhere(baseline, symbols, features, means) ? AWAY : HOME;
  if (!sameSource) return HOME;
  return beyond(features, means, AT.network) || beyond(features, means, AT.client) ? AWAY : HOME;
}

/** The odd calls of late came from a place, or with a tool, that is new to the key, and this call's is not: it is none of theirs. */
function strangerElsewhere(
  { clock, numbers }: Baseline,
  { timeMs }: Symbols,
  features: readonly number[],
  means: Float64Array,
): boolean {
  const kept = visitorKept(clock, timeMs);
  const start = averagesOf(AWAY);
  for (const at of SIDES) {
    const stranger = kept * ((numbers[start + at] as number) - (means[at] as number)) > NEW_NETWORK;
    if (stranger && !beyond(features, means, at)) return true;
  }
  return false;
}

/** New to the key, as far as this feature tells. */
export function beyond(features: readonly number[], means: Float64Array, at: number): boolean {
  return (features[at] as number) - (means[at] as number) > NEW_NETWORK;
}

/** What is left of the odd calls' distance by now. */
function visitorKept(clock: Float64Array, timeMs: number): number {
  const last = clock[Clock.awayLast] as number;
  return last === 0 ? 0 : 2 ** (-Math.max(0, timeMs - last) / AWAY_HALF_LIFE_MS);
}

/** Who was found out stays so, whatever he does next, as long as he comes from a place and with a tool of his own. */
export function visitorsEvidence(
  { clock, numbers }: Baseline,
  symbols: Symbols,
  track: number,
  evidence: number,
): number {
  if (track !== AWAY) return evidence;
  const before = threadOf(clock, symbols) === AWAY ? (numbers[AWAY_PEAK.start] as number) : 0;
  const peak = Math.max(evidence, before);
  numbers[AWAY_PEAK.start] = peak;
  return peak;
}

export function depart(baseline: Baseline, symbols: Symbols, means: Float64Array): void {
  const kept = visitorKept(baseline.clock, symbols.timeMs);
  settleIn(baseline, means, AWAY, kept);
  baseline.numbers[AWAY_PEAK.start] = (baseline.numbers[AWAY_PEAK.start] as number) * kept;
}

/** After a pause the owner's usual calls speak less of those before it: an hour of oddity must not cast its shadow on days. */
export function rest(baseline: Baseline, { timeMs }: Symbols, means: Float64Array): void {
  const { clock } = baseline;
  const pause = timeMs - (clock[Clock.homeLast] as number);
  if (pause < SITTING_MS) return;
  const usual = (clock[Clock.active] as number) / Math.max(1, clock[Clock.seen] as number);
  settleIn(baseline, means, HOME, 2 ** (-pause / Math.max(HOME_HALF_LIFE_MS, HOME_HALF_LIFE_PAUSES * usual)));
}

/** Lets the moving averages of a track come to the key's means; `kept` of their distance is left. */
export function settleIn({ numbers }: Baseline, means: Float64Array, track: number, kept: number): void {
  const start = averagesOf(track);
  for (let memory = 0; memory < MEMORIES.length; memory++) {
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      const at = start + memory * FEATURE_COUNT + feature;
      const mean = means[feature] as number;
      numbers[at] = kept === 0 ? mean : mean + kept * ((numbers[at] as number) - mean);
    }
  }
}
