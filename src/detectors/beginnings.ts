import { PRIVILEGED_FROM } from '../core/observation.js';
import { type Baseline, BEGINNING, BEGUN, Clock } from './baseline.js';
import { WARM_UP } from './contract.js';
import { addCount, countOf } from './count-table.js';
import { combine } from './hash.js';
import { Kind, type Symbols } from './symbols.js';

/** Privileged operations that a thief begins in one visit. */
const THIEFS = 2;
/** Days at work that the first estimate of a key's own rate is worth, and what it is: one a week. */
const BORROWED_DAYS = 5;
const BORROWED_RATE = 0.15;
/** What is left of a day's beginnings on the key's next day at work: habits of weeks count. */
const FADING = 0.95;
/** Calls before a key has shown what it does. */
const KNOWN_FROM = 80;
/** In this time half of what was gathered is forgotten. */
const HALF_LIFE_MS = 12 * 3_600_000;
/** Nats that are life: one beginning alone is no sign. */
const FREE = 2;
/** Less than this is nothing. */
const LEAST = 0.01;

/**
 * Evidence of privileged operations that are new to the key, one after the other: a ratio of Poisson rates, the thief's in a
 * visit against the key's own in a day (gamma prior), which adds up and fades. The state of the moment moves with it.
 * @returns nats, 0 for a call that is nothing new
 */
export function beginningsEvidence(baseline: Baseline, symbols: Symbols): number {
  const { clock, numbers, slots } = baseline;
  let gathered = numbers[BEGINNING.start] as number;
  if (gathered > 0) {
    gathered *= 2 ** (-Math.max(0, symbols.timeMs - (clock[Clock.last] as number)) / HALF_LIFE_MS);
    numbers[BEGINNING.start] = gathered < LEAST ? 0 : gathered;
  }
  const privileged = symbols.privilege >= PRIVILEGED_FROM && (clock[Clock.seen] as number) >= KNOWN_FROM;
  if ((!privileged && gathered <= FREE) || countOf(slots, symbols.operation) > 0) return 0;
  // What was refused, or waits, is never learned, or later: it begins once all the same, however often it comes.
  const begun = combine(Kind.begun, symbols.operation);
  if (privileged && countOf(slots, begun) === 0) {
    addCount(slots, begun, 0);
    gathered += Math.max(0, Math.log(THIEFS / beginningsPerDay(baseline, symbols)));
    numbers[BEGINNING.start] = gathered;
  }
  return Math.max(0, gathered - FREE);
}

/** Operations of such a privilege that the key begins in a day at work. */
export function beginningsPerDay(baseline: Baseline, symbols: Symbols): number {
  const { numbers } = baseline;
  const days = (1 - FADING ** baseline.daysAtWork) / (1 - FADING);
  return ((numbers[begunAt(symbols)] as number) + BORROWED_DAYS * BORROWED_RATE) / (days + BORROWED_DAYS);
}

/** Before the operation itself is learned; while the key warms up, all that it does is new. */
export function learnBeginning({ clock, numbers, slots }: Baseline, symbols: Symbols): void {
  const counts = symbols.privilege >= PRIVILEGED_FROM && (clock[Clock.seen] as number) >= WARM_UP;
  if (!counts || countOf(slots, symbols.operation) > 0) return;
  const at = begunAt(symbols);
  numbers[at] = (numbers[at] as number) + 1;
}

/** A new day at work. */
export function fadeBeginnings({ numbers }: Baseline): void {
  for (let i = BEGUN.start; i < BEGUN.start + BEGUN.size; i++) numbers[i] = FADING * (numbers[i] as number);
}

/** Of one that is privileged; what is less speaks for the lesser of these. */
function begunAt({ privilege }: Symbols): number {
  return BEGUN.start + Math.max(0, privilege - PRIVILEGED_FROM);
}
