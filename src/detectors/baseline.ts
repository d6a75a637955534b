import { FEATURE_COUNT, SOURCE_FEATURES } from './contract.js';
import { decayCounts, mergeCounts, SLOTS_PER_BUCKET, type Slots } from './count-table.js';
import { combine } from './hash.js';
import { KINDS } from './scope-totals.js';
import type { Symbols } from './symbols.js';

/** Small histograms of a baseline and where they lie in its numbers. */
const HISTOGRAM_SIZES = {
  hour: 24,
  weekday: 7,
  networkKind: 5,
  pace: 16,
  breadth: 8,
  status: 8,
  perHour: 16,
  bytesPerHour: 24,
} as const;
type HistogramName = keyof typeof HISTOGRAM_SIZES;
const HISTOGRAM_NAMES = Object.keys(HISTOGRAM_SIZES) as readonly HistogramName[];

export interface Span {
  readonly start: number;
  readonly size: number;
}

let end = 0;
function reserve(size: number): Span {
  const start = end;
  end += size;
  return { start, size };
}

/** Forgetting factors of the moving averages: the last few observations, and some thirty. */
export const MEMORIES = [0.85, 0.98] as const;
/** The state of the moment is kept of the owner's usual calls and of the odd ones apart. */
export const HOME = 0;
export const AWAY = 1;
export const TRACKS = 2;

/** Operations remembered one by one. */
export const RECENT = 16;

/** Single-precision part of a baseline. What decays with time comes first. */
export const TOTAL: Span = reserve(1);
export const KIND_TOTAL: Span = reserve(KINDS);
export const KIND_DISTINCT: Span = reserve(KINDS);
export interface Histogram extends Span {
  readonly order: number;
}
export const HISTOGRAM = Object.fromEntries(
  HISTOGRAM_NAMES.map((name, order) => [name, { ...reserve(HISTOGRAM_SIZES[name]), order }]),
) as Readonly<Record<HistogramName, Histogram>>;
export const HISTOGRAMS: readonly Histogram[] = Object.values(HISTOGRAM);
/** Sums of the histograms, in their order. */
export const HISTOGRAM_TOTAL: Span = reserve(HISTOGRAMS.length);
/** Operations of privilege 3 and of 4 that the key began, the older the less. */
export const BEGUN: Span = reserve(2);
const DECAYING = end;
/** Long-run mean of each feature. */
export const MEAN: Span = reserve(FEATURE_COUNT);
/** State of the moment: moving averages, calls in this hour. */
export const AVERAGES: Span = reserve(FEATURE_COUNT * MEMORIES.length * TRACKS);
/** Calls in this hour, and bytes that went out in it, of each track. */
export const THIS_HOUR: Span = reserve(2 * TRACKS);
/** Evidence against whoever made the odd calls: it fades as they do. */
export const AWAY_PEAK: Span = reserve(1);
/** Nats of the privileged operations that were begun of late. */
export const BEGINNING: Span = reserve(1);
/** Features of place and tool of {@link Clock.readySource}. */
export const READY: Span = reserve(SOURCE_FEATURES.length);
const NUMBERS = end;

/** Double-precision part. */
export const Clock = {
  /** Times in ms: of the first and the last call, at work so far, and of these when counts were halved last. */
  first: 0,
  last: 1,
  active: 2,
  decayed: 3,
  /** Of the last usual call, and of the last odd one. */
  homeLast: 4,
  awayLast: 5,
  /** Observations seen in all, learned or not; and those learned, forgotten or not. */
  seen: 6,
  learned: 7,
  /** Hours since 1970 and hashes: 32 bits each. */
  hourIndex: 8,
  previousOperation: 9,
  previousClient: 10,
  previousPrefix: 11,
  /** Where the last odd call came from, what it did, and where the last usual one came from. */
  awaySource: 12,
  awayOperation: 13,
  homeSource: 14,
  /** Hour and day of the last call that was learned, since 1970. */
  hourLearned: 15,
  dayLearned: 16,
  /** The source that the ready features of place and tool are of; 0 when they must be made anew. */
  readySource: 17,
  /**
   * What follows is for the alarm budget, and no heir's. The day of the last call, since 1970, and its highest evidence so
   * far; the last day with an alarm, and how many there were; days of work that have ended; the last day whose alarm was
   * said to be false, since the start of the process.
   */
  today: 18,
  todaysEvidence: 19,
  lastAlarmDay: 20,
  alarmDays: 21,
  keyDays: 22,
  falseAlarmDay: 23,
} as const;
/** Of the clocks, those that need 64 bits come first, then those of 32. */
const WIDE_CLOCKS = Clock.hourIndex;
const INHERITED_CLOCKS = Clock.today;
const CLOCKS = 24;
const BEFORE_ALL_DAYS = -1_000;

/**
 * Whose call an observation goes on from, by its place and tool: the last odd one where it shares these with that alone, else
 * the owner's last usual one; undefined where both have them.
 */
export function threadOf(clock: Float64Array, symbols: Symbols): typeof HOME | typeof AWAY | undefined {
  if (symbols.source !== clock[Clock.awaySource]) return HOME;
  return symbols.source === clock[Clock.homeSource] ? undefined : AWAY;
}

/** Four-byte numbers that come from memory together. */
const CACHE_LINE_WORDS = 16;
const BUCKETS_MIN = 4;
const HEADER_BYTES = 16;
const CHECKSUM_AT = 12;
/** Version of the packed form; a reader refuses what it does not know. */
const VERSION = 4;
export const BASELINE_BYTES_MAX = 4096;
/** The alarm budget's part: day and days since an alarm in one word, evidence, days with an alarm and days of work. */
const DAYS_BYTES = 12;
const DAYS_AGO_MAX = 254;
const NEVER = 255;
const DAYS_COUNT_MAX = 0xffff;
const CLOCKS_BYTES = WIDE_CLOCKS * 8 + (INHERITED_CLOCKS - WIDE_CLOCKS) * 4 + DAYS_BYTES;
const PACKED_BYTES = CLOCKS_BYTES + NUMBERS * 4 + RECENT * 4;
const BUCKETS_MAX = Math.floor((BASELINE_BYTES_MAX - HEADER_BYTES - PACKED_BYTES) / (4 * SLOTS_PER_BUCKET));

/** What is known of one key. At most 4 KiB packed, however long its history. */
export class Baseline {
  /** All that has a fixed size, in one piece of memory. */
  readonly #fixed = new ArrayBuffer(CLOCKS * 8 + NUMBERS * 4 + RECENT * 4);
  readonly clock = new Float64Array(this.#fixed, 0, CLOCKS);
  readonly numbers = new Float32Array(this.#fixed, CLOCKS * 8, NUMBERS);
  /** Hashes of the last operations, the oldest overwritten first. */
  readonly recent = new Int32Array(this.#fixed, CLOCKS * 8 + NUMBERS * 4, RECENT);
  slots: Slots = new Uint32Array(BUCKETS_MIN * SLOTS_PER_BUCKET);
  /** Whose it is: set by the table that it lies in. */
  key = '';
  /** Calls of it wait that time alone may teach it: to ask here is quicker than to look for them. */
  waits = false;

  constructor() {
    this.clock[Clock.today] = BEFORE_ALL_DAYS;
    this.clock[Clock.lastAlarmDay] = BEFORE_ALL_DAYS;
    this.clock[Clock.falseAlarmDay] = BEFORE_ALL_DAYS;
  }

  /** Days on which the key learned something, the older the less. */
  get daysAtWork(): number {
    return this.numbers[HISTOGRAM_TOTAL.start + HISTOGRAM.weekday.order] as number;
  }

  get total(): number {
    return this.numbers[TOTAL.start] as number;
  }

  /**
   * Reads each part of itself once, one after the other and none waiting for another: what lies in slow memory comes
   * together, not one by one as it is asked for.
   */
  touch(): number {
    const { clock, numbers, recent, slots } = this;
    let sum = (clock[0] as number) + (clock[8] as number) + (clock[16] as number) + (recent[0] as number);
    for (let i = 0; i < NUMBERS; i += CACHE_LINE_WORDS) sum += numbers[i] as number;
    for (let i = 0; i < slots.length; i += CACHE_LINE_WORDS) sum += slots[i] as number;
    return sum;
  }

  /** Room for more symbols, as long as the whole stays under 4 KiB. False when it is at its size. */
  grow(): boolean {
    const buckets = this.slots.length / SLOTS_PER_BUCKET;
    if (buckets >= BUCKETS_MAX) return false;
    const larger = new Uint32Array(Math.min(BUCKETS_MAX, buckets * 2) * SLOTS_PER_BUCKET);
    mergeCounts(larger, this.slots);
    this.slots = larger;
    return true;
  }

  /** Forgets in proportion; what the key did most stays longest. */
  decay(factor: number): void {
    for (let i = 0; i < DECAYING; i++) this.numbers[i] = (this.numbers[i] as number) * factor;
    decayCounts(this.slots, factor);
  }

  /** Takes over what the alarm budget has noted of another. */
  takeDaysOf({ clock }: Baseline): void {
    this.clock.set(clock.subarray(Clock.today), Clock.today);
  }

  clone(): Baseline {
    const copy = new Baseline();
    copy.clock.set(this.clock.subarray(0, INHERITED_CLOCKS));
    copy.numbers.set(this.numbers);
    copy.recent.set(this.recent);
    copy.slots = this.slots.slice();
    return copy;
  }

  /** Adds what another replica learned of the same key; the state of the moment is the later one's. */
  merge(other: Baseline): void {
    const mine = this.total;
    const share = other.total / Math.max(1, mine + other.total);
    const later = (other.clock[Clock.last] as number) > (this.clock[Clock.last] as number);
    for (let i = 0; i < NUMBERS; i++) {
      const a = this.numbers[i] as number;
      const b = other.numbers[i] as number;
      if (i < DECAYING) this.numbers[i] = a + b;
      else if (i < MEAN.start + MEAN.size) this.numbers[i] = a + (b - a) * share;
      else if (later) this.numbers[i] = b;
    }
    const first = Math.min(this.clock[Clock.first] as number, other.clock[Clock.first] as number);
    const active = Math.max(this.clock[Clock.active] as number, other.clock[Clock.active] as number);
    const seen = (this.clock[Clock.seen] as number) + (other.clock[Clock.seen] as number);
    const learned = (this.clock[Clock.learned] as number) + (other.clock[Clock.learned] as number);
    if (later) {
      this.clock.set(other.clock.subarray(0, INHERITED_CLOCKS));
      this.recent.set(other.recent);
    }
    this.clock[Clock.first] = first;
    this.clock[Clock.active] = active;
    this.clock[Clock.seen] = seen;
    this.clock[Clock.learned] = learned;
    while (this.slots.length < other.slots.length && this.grow());
    mergeCounts(this.slots, other.slots);
  }

  /** Little-endian: magic and version, count of slots, checksum of the rest; clocks, days, numbers, slots. */
  pack(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + PACKED_BYTES + this.slots.length * 4);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint16(4, VERSION, true);
    view.setUint16(6, FEATURE_COUNT, true);
    view.setUint32(8, this.slots.length, true);
    let at = HEADER_BYTES;
    at = this.#packClocks(view, at);
    for (const value of this.numbers) {
      view.setFloat32(at, value, true);
      at += 4;
    }
    for (const value of this.recent) {
      view.setInt32(at, value, true);
      at += 4;
    }
    for (const value of this.slots) {
      view.setUint32(at, value, true);
      at += 4;
    }
    view.setInt32(CHECKSUM_AT, checksum(view), true);
    return bytes;
  }

  /** @returns where the next part begins */
  #packClocks(view: DataView, start: number): number {
    const { clock } = this;
    let at = start;
    for (let i = 0; i < WIDE_CLOCKS; i++, at += 8) view.setFloat64(at, clock[i] as number, true);
    for (let i: number = WIDE_CLOCKS; i < INHERITED_CLOCKS; i++, at += 4)
      view.setInt32(at, clock[i] as number, true);
    const day = clock[Clock.today] as number;
    const alarmDays = clock[Clock.alarmDays] as number;
    const ago = alarmDays === 0 ? NEVER : Math.min(DAYS_AGO_MAX, day - (clock[Clock.lastAlarmDay] as number));
    view.setInt32(at, (day << 8) | ago, true);
    view.setFloat32(at + 4, clock[Clock.todaysEvidence] as number, true);
    view.setUint16(at + 8, Math.min(DAYS_COUNT_MAX, alarmDays), true);
    view.setUint16(at + 10, Math.min(DAYS_COUNT_MAX, clock[Clock.keyDays] as number), true);
    return at + DAYS_BYTES;
  }

  #unpackClocks(view: DataView, start: number): number {
    const { clock } = this;
    let at = start;
    for (let i = 0; i < WIDE_CLOCKS; i++, at += 8) clock[i] = view.getFloat64(at, true);
    for (let i: number = WIDE_CLOCKS; i < INHERITED_CLOCKS; i++, at += 4) clock[i] = view.getInt32(at, true);
    const days = view.getInt32(at, true);
    clock[Clock.today] = days >> 8;
    clock[Clock.todaysEvidence] = view.getFloat32(at + 4, true);
    clock[Clock.alarmDays] = view.getUint16(at + 8, true);
    if ((days & 0xff) !== NEVER) clock[Clock.lastAlarmDay] = (days >> 8) - (days & 0xff);
    clock[Clock.keyDays] = view.getUint16(at + 10, true);
    return at + DAYS_BYTES;
  }

  /** @throws {RangeError} what is wrong with the bytes. */
  static unpack(bytes: Uint8Array): Baseline {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
      throw new RangeError('not a packed baseline');
    if (view.getUint16(4, true) !== VERSION || view.getUint16(6, true) !== FEATURE_COUNT)
      throw new RangeError(`baseline of version ${view.getUint16(4, true)}; this is version ${VERSION}`);
    const slots = view.getUint32(8, true);
    const wanted = HEADER_BYTES + PACKED_BYTES + slots * 4;
    if (
      bytes.length !== wanted ||
      slots % SLOTS_PER_BUCKET !== 0 ||
      slots === 0 ||
      wanted > BASELINE_BYTES_MAX
    )
      throw new RangeError(`baseline of ${bytes.length} bytes; its header says ${wanted}`);
    if (view.getInt32(CHECKSUM_AT, true) !== checksum(view))
      throw new RangeError('the baseline is damaged: its checksum is another');
    const baseline = new Baseline();
    let at = HEADER_BYTES;
    at = baseline.#unpackClocks(view, at);
    for (let i = 0; i < NUMBERS; i++, at += 4) baseline.numbers[i] = view.getFloat32(at, true);
    for (let i = 0; i < RECENT; i++, at += 4) baseline.recent[i] = view.getInt32(at, true);
    baseline.slots = new Uint32Array(slots);
    for (let i = 0; i < slots; i++, at += 4) baseline.slots[i] = view.getUint32(at, true);
    return baseline;
  }
}

const MAGIC = 0x4c42574b;

/** Of what comes after the header, word by word. */
function checksum(view: DataView): number {
  let sum = 0;
  for (let at = HEADER_BYTES; at < view.byteLength; at += 4) sum = combine(sum, view.getInt32(at, true));
  return sum;
}
