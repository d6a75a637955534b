import { decodeCount, encodeCount, incrementCount } from './log-count.js';

/**
 * Counts of hashed symbols in constant memory: buckets of eight 32-bit slots, each a 20-bit fingerprint and a
 * 12-bit logarithmic count (relative error about 9 % above 128). A full bucket gives up its smallest count.
 * Two symbols collide in about 1 of 1,500 lookups of a full table.
 */
export const SLOTS_PER_BUCKET = 8;
const COUNT_BITS = 12;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const FINGERPRINT_RANGE = 2 ** (32 - COUNT_BITS);

/** A view of the slots; their number is a multiple of eight. */
export type Slots = Uint32Array;

export function countOf(slots: Slots, hash: number): number {
  const at = find(slots, hash >>> COUNT_BITS);
  return at < 0 ? 0 : decodeCount((slots[at] as number) & COUNT_MASK);
}

/** What an addition did: the symbol was new and took a free slot, or took another's, or was there already. */
export type Added = 'new' | 'evicted' | 'known';

/** @param draw deterministic 32 random bits; large counts grow by chance. */
export function addCount(slots: Slots, hash: number, draw: number): Added {
  const fingerprint = hash >>> COUNT_BITS;
  const at = find(slots, fingerprint);
  if (at >= 0) {
    const slot = slots[at] as number;
    slots[at] = ((slot & ~COUNT_MASK) | incrementCount(slot & COUNT_MASK, draw)) >>> 0;
    return 'known';
  }
  const start = bucketOf(slots, fingerprint);
  let least = start;
  for (let i = start; i < start + SLOTS_PER_BUCKET; i++) {
    if (((slots[i] as number) & COUNT_MASK) < ((slots[least] as number) & COUNT_MASK)) least = i;
  }
  const free = ((slots[least] as number) & COUNT_MASK) === 0;
  slots[least] = ((fingerprint << COUNT_BITS) | 1) >>> 0;
  return free ? 'new' : 'evicted';
}

/** Multiplies every count by `factor`, between 0 and 1; what falls below one half is forgotten. */
export function decayCounts(slots: Slots, factor: number): void {
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const count = decodeCount(slot & COUNT_MASK) * factor;
    // A single sighting has to survive a decay in proportion, so rounding depends on the fingerprint.
    const dither = ((Math.imul(slot >>> COUNT_BITS, 0x9e3779b1) >>> 16) & 0xff) / 256;
    slots[i] = count + dither < 1 ? 0 : ((slot & ~COUNT_MASK) | encodeCount(count, dither)) >>> 0;
  }
}

/** Copies or adds every count of `from` to `to`, whatever the sizes of both. */
export function mergeCounts(to: Slots, from: Slots): void {
  for (const slot of from) {
    const count = slot & COUNT_MASK;
    if (count !== 0) put(to, slot >>> COUNT_BITS, decodeCount(count));
  }
}

function put(slots: Slots, fingerprint: number, count: number): void {
  const start = bucketOf(slots, fingerprint);
  let least = start;
  for (let i = start; i < start + SLOTS_PER_BUCKET; i++) {
    const slot = slots[i] as number;
    if (slot >>> COUNT_BITS === fingerprint && (slot & COUNT_MASK) !== 0) {
      const total = decodeCount(slot & COUNT_MASK) + count;
      slots[i] = ((fingerprint << COUNT_BITS) | encodeCount(total, 0.5)) >>> 0;
      return;
    }
    if ((slot & COUNT_MASK) < ((slots[least] as number) & COUNT_MASK)) least = i;
  }
  if (decodeCount((slots[least] as number) & COUNT_MASK) < count) {
    slots[least] = ((fingerprint << COUNT_BITS) | encodeCount(count, 0.5)) >>> 0;
  }
}

function find(slots: Slots, fingerprint: number): number {
  const start = bucketOf(slots, fingerprint);
  for (let i = start; i < start + SLOTS_PER_BUCKET; i++) {
    const slot = slots[i] as number;
    if (slot >>> COUNT_BITS === fingerprint && (slot & COUNT_MASK) !== 0) return i;
  }
  return -1;
}

/** Follows from the fingerprint alone, so that a table can grow without the symbols at hand. */
function bucketOf(slots: Slots, fingerprint: number): number {
  const buckets = slots.length / SLOTS_PER_BUCKET;
  return Math.floor((fingerprint * buckets) / FINGERPRINT_RANGE) * SLOTS_PER_BUCKET;
}
