import {
  ByteKind,
  KIND_OF,
  NEWLINE,
  namesRecords,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTED_PLAIN,
} from './json-bytes.js';
import { OPENING_BYTES_MAX, RecordSearch } from './record-search.js';
import { TopObject } from './top-object.js';

/** A longer record is skipped and reported. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** No log nests as deep. */
const DEPTH_MAX = 1024;

/** Why a record cannot be used. */
export const RECORD_FAULTS = [
  'not valid JSON',
  'the JSON document ends too early',
  `longer than ${RECORD_BYTES_MAX} bytes`,
  `nested deeper than ${DEPTH_MAX} levels`,
] as const;
const INVALID = 0;
const CUT_OFF = 1;
const TOO_LONG = 2;
const TOO_DEEP = 3;

/** Records as they were read together, in order. */
export interface RecordSpans {
  readonly bytes: Buffer;
  /** Ordinal of the first, from 1. */
  readonly first: number;
  /** Start and end of each in `bytes`. A start below 0 is a record that cannot be used: ~start is its {@link RECORD_FAULTS}. */
  readonly spans: readonly number[];
}

/** What may come next. */
const TOP = 0;
const VALUE = 1;
const KEY = 2;
const COLON = 3;
/** A comma, or the end of what is open. */
const NEXT = 4;

/** What the next byte is part of. */
const STRUCTURE = 0;
const STRING = 1;
const SCALAR = 2;
/** Damage was found: the next record is looked for. */
const LOST = 3;

/**
 * Cuts JSON (RFC 8259) into records while it is read: elements of an array at the top, elements of arrays in well-known
 * fields of an object at the top, or that object itself; documents may follow each other with anything or nothing between.
 * Only structure is looked at, so that each record is parsed once, by whoever wants it. What is damaged costs the record
 * it is in: the next one is known by beginning a line or like the first. Memory is bounded by the longest record.
 */
export class RecordSplitter {
  readonly #isRecord: (object: string) => boolean;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where in `#bytes` reading goes on. */
  #from = 0;
  #spans: number[] = [];
  #next = 1;
  #within = STRUCTURE;
  #expect = TOP;
  readonly #open = new Uint8Array(DEPTH_MAX);
  #depth = 0;
  /** How deep records stand; -1 where none do. */
  #base = -1;
  #object: TopObject | undefined;
  /** Where the record begins that is being read, or -1. */
  #record = -1;
  #dropped = false;
  #escaped = false;
  #key = -1;
  #inNamed = false;
  readonly #search = new RecordSearch();
  #damages = 0;
  /** Where the search for the next record goes on. */
  #sought = 0;

  /** @param isRecord whether an object is a record itself, although it has a field that may hold records (shown empty) */
  constructor(isRecord: (object: string) => boolean = () => false) {
    this.#isRecord = isRecord;
  }

  /** Places that were not JSON so far. */
  get damages(): number {
    return this.#damages;
  }

  /** Whether a value is open. */
  get inside(): boolean {
    return this.#depth > 0;
  }

  push(chunk: Buffer): RecordSpans {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const { length } = this.#bytes;
    let at = this.#from;
    while (at < length) {
      if (this.#within === STRUCTURE) at = this.#structure(at);
      else if (this.#within === STRING) at = this.#string(at);
      else if (this.#within === SCALAR) at = this.#scalar(at);
      else at = this.#find(at);
    }
    return this.#handOver();
  }

  /** What is left when the input ends. */
  end(): RecordSpans {
    if (this.#within !== LOST && this.#depth > 0) this.#lose(this.#bytes.length, CUT_OFF);
    return this.#handOver();
  }

  #structure(at: number): number {
    const byte = this.#bytes[at] as number;
    switch (KIND_OF[byte]) {
      case ByteKind.space:
        return at + 1;
      case ByteKind.open:
        return this.#enter(byte, at);
      case ByteKind.close:
        return this.#leave(byte, at);
      case ByteKind.comma:
        if (this.#depth > 0) this.#expect = this.#open[this.#depth - 1] === OPEN_OBJECT ? KEY : VALUE;
        return at + 1;
      case ByteKind.colon:
        if (this.#expect !== COLON) return this.#lose(at, INVALID);
        this.#expect = VALUE;
        return at + 1;
      case ByteKind.quote:
        return this.#beginString(at);
      default:
        return this.#beginScalar(at);
    }
  }

  #enter(byte: number, at: number): number {
    if (this.#expect !== VALUE && this.#expect !== TOP) return this.#lose(at, INVALID);
    if (this.#depth === DEPTH_MAX) return this.#lose(at, TOO_DEEP);
    if (this.#depth === this.#base) this.#record = at;
    else if (this.#depth === 0 && byte === OPEN_OBJECT) this.#object = new TopObject(at);
    else if (byte === OPEN_ARRAY && (this.#depth === 0 || (this.#depth === 1 && this.#inNamed))) {
      this.#base = this.#depth + 1;
      this.#object?.cut(at + 1);
    }
    this.#open[this.#depth] = byte;
    this.#depth += 1;
    this.#expect = byte === OPEN_OBJECT ? KEY : VALUE;
    return at + 1;
  }

  #leave(byte: number, at: number): number {
    // After damage, ends of what was open before are met again.
    if (this.#depth === 0) return this.#damages > 0 ? at + 1 : this.#lose(at, INVALID);
    // In ASCII, brackets close two after they open. What else is missing, the parser of the record will tell.
    if (this.#expect === COLON || this.#open[this.#depth - 1] !== byte - 2) return this.#lose(at, INVALID);
    this.#depth -= 1;
    if (this.#depth === this.#base - 1) {
      this.#base = -1;
      this.#object?.cut(at);
    }
    if (this.#depth === 0) this.#endObject(at + 1);
    this.#endValue(at + 1);
    return at + 1;
  }

  #beginString(at: number): number {
    if (this.#expect === VALUE) {
      if (this.#depth === this.#base) this.#record = at;
    } else if (this.#expect !== KEY) return this.#lose(at, INVALID);
    else if (this.#depth === 1) this.#key = at + 1;
    this.#within = STRING;
    return at + 1;
  }

  #string(at: number): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    let i = at;
    if (this.#escaped) {
      this.#escaped = false;
      i += 1;
    }
    while (i < length) {
      const byte = bytes[i] as number;
      if (QUOTED_PLAIN[byte] === 1) i += 1;
      else if (KIND_OF[byte] === ByteKind.quote) {
        this.#within = STRUCTURE;
        if (this.#expect === KEY) this.#endKey(i);
        else this.#endValue(i + 1);
        return i + 1;
      } else if (byte === NEWLINE) return this.#lose(i, INVALID);
      else i += 2;
    }
    // The last byte was a backslash.
    this.#escaped = i > length;
    return length;
  }

  #endKey(at: number): void {
    this.#expect = COLON;
    if (this.#depth === 1 && this.#key >= 0) {
      this.#inNamed = namesRecords(this.#bytes, this.#key, at);
      this.#key = -1;
    }
    if (this.#record >= 0 && this.#depth === this.#base + 1)
      this.#search.learn(this.#bytes, this.#record, at + 1);
  }

  #beginScalar(at: number): number {
    if (this.#expect !== VALUE) {
      // Byte order marks of files that were put together, and separators of JSON text sequences (RFC 7464).
      const byte = this.#bytes[at] as number;
      if (this.#depth === 0 && (byte === 0xef || byte === 0xbb || byte === 0xbf || byte === 0x1e))
        return at + 1;
      return this.#lose(at, INVALID);
    }
    if (this.#depth === this.#base) this.#record = at;
    this.#within = SCALAR;
    return at;
  }

  #scalar(at: number): number {
    const bytes = this.#bytes;
    let i = at;
    while (i < bytes.length && KIND_OF[bytes[i] as number] === ByteKind.other) i += 1;
    if (i < bytes.length) {
      this.#within = STRUCTURE;
      this.#endValue(i);
    }
    return i;
  }

  #endValue(end: number): void {
    if (this.#depth === this.#base) this.#endRecord(end);
    this.#expect = this.#depth === 0 ? TOP : NEXT;
  }

  #endRecord(end: number): void {
    if (end - this.#record > RECORD_BYTES_MAX) this.#drop();
    else if (this.#object === undefined || this.#object.settled) this.#emit(this.#record, end);
    else this.#object.hold(this.#record, end);
    this.#record = -1;
    this.#dropped = false;
  }

  /** The record is too long, which is said once. */
  #drop(): void {
    if (!this.#dropped) this.#hold(TOO_LONG);
    this.#dropped = true;
  }

  #endObject(end: number): void {
    const object = this.#object;
    if (object === undefined) return;
    if (!object.settled && end - object.start > RECORD_BYTES_MAX) this.#settle(object);
    if (!object.settled) {
      if (!object.mayHoldRecords || this.#isRecord(object.shell(this.#bytes, end)))
        this.#emit(object.start, end);
      else this.#release(object);
    }
    this.#object = undefined;
  }

  #settle(object: TopObject): void {
    if (!object.mayHoldRecords) this.#fail(TOO_LONG);
    this.#release(object);
    object.settled = true;
  }

  #release(object: TopObject): void {
    object.release((start, end) => this.#emit(start, end));
  }

  #emit(start: number, end: number): void {
    this.#spans.push(start, end);
    this.#next += 1;
  }

  #fail(fault: number): void {
    this.#emit(~fault, 0);
  }

  /** As {@link #fail}, in its place among the records of its object. */
  #hold(fault: number): void {
    if (this.#object === undefined || this.#object.settled) this.#fail(fault);
    else this.#object.hold(~fault, 0);
  }

  #lose(at: number, fault: number): number {
    if (this.#object !== undefined && !this.#object.settled) this.#release(this.#object);
    if (!this.#dropped) this.#fail(fault);
    this.#damages += 1;
    this.#object = undefined;
    this.#record = -1;
    this.#dropped = false;
    this.#key = -1;
    this.#escaped = false;
    this.#depth = 0;
    this.#base = -1;
    this.#expect = TOP;
    this.#within = LOST;
    return at;
  }

  #find(at: number): number {
    const found = this.#search.find(this.#bytes, at);
    if (found >= 0) this.#within = STRUCTURE;
    else this.#sought = Math.max(at, this.#bytes.length - OPENING_BYTES_MAX);
    return found < 0 ? this.#bytes.length : found;
  }

  #handOver(): RecordSpans {
    const { length } = this.#bytes;
    if (this.#object?.settled === false && length - this.#object.start > RECORD_BYTES_MAX)
      this.#settle(this.#object);
    if (this.#record >= 0 && length - this.#record > RECORD_BYTES_MAX) this.#drop();
    const spans = this.#spans;
    const given = { bytes: this.#bytes, first: this.#next - spans.length / 2, spans };
    this.#spans = [];
    this.#keep(this.#keptFrom());
    return given;
  }

  /** The first byte that is still needed. One is always kept: whether a line ended before. */
  #keptFrom(): number {
    const { length } = this.#bytes;
    const last = Math.max(0, length - 1);
    if (this.#within === LOST) return Math.max(0, this.#sought - 1);
    if (this.#object?.settled === false) return this.#object.start;
    if (this.#record >= 0 && !this.#dropped) return Math.min(this.#record, last);
    return this.#key >= 0 ? Math.min(this.#key, last) : last;
  }

  #keep(from: number): void {
    const rest = Buffer.from(this.#bytes.subarray(from));
    this.#from = this.#within === LOST ? this.#sought - from : rest.length;
    this.#bytes = rest;
    if (this.#object !== undefined) this.#object.start -= from;
    if (this.#record >= 0) this.#record -= from;
    if (this.#key >= 0) this.#key -= from;
  }
}
