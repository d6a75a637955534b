import type { KeyObject } from 'node:crypto';
import {
  isBatchLine,
  isSigned,
  lineHash,
  listSegments,
  NO_BATCH,
  parseBatch,
  parseHeader,
  publicKeyFrom,
  rootOf,
  segmentName,
} from './format.js';
import { readSegmentLines } from './segment-lines.js';

export interface VerifyOptions {
  /** base64url SPKI that every segment must name. Without it only inner consistency is shown. */
  readonly publicKey?: string;
}

/** The first bad place. */
export interface VerifyProblem {
  /** `file:line`. */
  readonly where: string;
  readonly what: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface VerifyResult {
  readonly ok: boolean;
  readonly segments: number;
  readonly batches: number;
  readonly entries: number;
  /** Hash of the last good batch line: note it elsewhere to prove later that nothing was cut off. */
  readonly head: string;
  /** First segment still there; above 1 when older ones were trimmed. */
  readonly firstSegment: number;
  /** base64url SPKI that signed the last segment. */
  readonly publicKey?: string;
  readonly problem?: VerifyProblem;
}

/** Reads the whole journal and checks every hash, number and signature. Stop the writer first, or expect a torn end. */
export async function verifyJournal(dir: string, options: VerifyOptions = {}): Promise<VerifyResult> {
  const check = new Verification(options.publicKey);
  const segments = listSegments(dir);
  for (const segment of segments) {
    check.beginSegment(segment);
    for await (const { lines, rest } of readSegmentLines(dir, segment)) {
      for (const line of lines) if (!check.line(line)) return check.result();
      if (rest.length > 0) {
        check.fail('the file does not end with a complete line');
        return check.result();
      }
    }
    if (!check.endSegment()) return check.result();
  }
  check.end();
  return check.result();
}

/** The state of a verification between two lines. */
class Verification {
  readonly #pinned: string | undefined;
  #segments = 0;
  #batches = 0;
  #entries = 0;
  #firstSegment = 0;
  #segment = 0;
  #lineNumber = 0;
  #publicKey: KeyObject | undefined;
  #publicKeyText: string | undefined;
  #prev = NO_BATCH;
  /** Number of the last batch and seq of the next entry; unknown before the first batch of a trimmed journal. */
  #batch: number | undefined;
  #nextSeq: number | undefined;
  #leaves: Buffer[] = [];
  /** Where a trimmed journal begins, until an entry confirms it. */
  #startsAfter: string | undefined;
  #problem: VerifyProblem | undefined;

  constructor(pinned: string | undefined) {
    this.#pinned = pinned;
  }

  beginSegment(segment: number): void {
    if (this.#firstSegment === 0) this.#firstSegment = segment;
    this.#segment = segment;
    this.#lineNumber = 0;
    this.#segments += 1;
  }

  line(line: Buffer): boolean {
    this.#lineNumber += 1;
    if (this.#lineNumber === 1) return this.#header(line);
    if (isBatchLine(line)) return this.#batchLine(line);
    this.#leaves.push(line);
    return true;
  }

  endSegment(): boolean {
    if (this.#lineNumber === 0) return this.fail('the segment is empty');
    if (this.#leaves.length > 0) return this.fail('entries after the last batch line');
    return this.#lineNumber > 1 || this.fail('the segment has no batch');
  }

  end(): boolean {
    if (this.#startsAfter === undefined) return true;
    this.#segment = this.#firstSegment;
    this.#lineNumber = 1;
    return this.fail('earlier segments are missing and no journal_trimmed entry tells of their removal', {
      expected: `a journal_trimmed entry with ${this.#startsAfter}`,
    });
  }

  fail(what: string, hashes: { expected?: string | number; found?: string | number } = {}): false {
    const where = `${segmentName(this.#segment)}:${this.#lineNumber}`;
    const { expected, found } = hashes;
    this.#problem = {
      where,
      what,
      ...(expected === undefined ? {} : { expected: String(expected) }),
      ...(found === undefined ? {} : { found: String(found) }),
    };
    return false;
  }

  result(): VerifyResult {
    return {
      ok: this.#problem === undefined,
      segments: this.#segments,
      batches: this.#batches,
      entries: this.#entries,
      head: this.#prev,
      firstSegment: this.#firstSegment,
      ...(this.#publicKeyText === undefined ? {} : { publicKey: this.#publicKeyText }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  #header(line: Buffer): boolean {
    const header = parseHeader(line);
    if (header === undefined) return this.fail('not a segment header');
    const { segment, prev, publicKey } = header;
    if (segment !== this.#segment) {
      return this.fail('segment number', { expected: this.#segment, found: segment });
    }
    if (this.#segments === 1 && segment > 1) {
      this.#prev = prev;
      this.#startsAfter = prev;
    } else if (this.#segments === 1) {
      this.#batch = 0;
      this.#nextSeq = 1;
    }
    if (prev !== this.#prev) {
      return this.fail('hash of the batch line before this segment', { expected: this.#prev, found: prev });
    }
    if (this.#pinned !== undefined && publicKey !== this.#pinned) {
      return this.fail('public key', { expected: this.#pinned, found: publicKey });
    }
    this.#publicKeyText = publicKey;
    this.#publicKey = publicKeyFrom(publicKey);
    return this.#publicKey !== undefined || this.fail('not an Ed25519 public key', { found: publicKey });
  }

  #batchLine(line: Buffer): boolean {
    const batch = parseBatch(line);
    if (batch === undefined) return this.fail('not a batch line');
    const number = (this.#batch ?? batch.batch - 1) + 1;
    const first = this.#nextSeq ?? batch.first;
    if (batch.prev !== this.#prev) {
      return this.fail('hash of the batch line before', { expected: this.#prev, found: batch.prev });
    }
    if (batch.batch !== number) return this.fail('batch number', { expected: number, found: batch.batch });
    if (batch.first !== first) return this.fail('first entry', { expected: first, found: batch.first });
    const count = this.#leaves.length;
    if (batch.count !== count) return this.fail('number of entries', { expected: batch.count, found: count });
    const root = rootOf(this.#leaves);
    if (batch.root !== root) {
      return this.fail('Merkle root of the entries before this line', { expected: batch.root, found: root });
    }
    if (this.#publicKey === undefined || !isSigned(batch, this.#publicKey)) return this.fail('signature');
    if (!this.#numbered(first)) return false;
    this.#batch = number;
    this.#nextSeq = first + count;
    this.#batches += 1;
    this.#entries += count;
    this.#prev = lineHash(line);
    this.#leaves = [];
    return true;
  }

  #numbered(first: number): boolean {
    let seq = first;
    for (const leaf of this.#leaves) {
      const start = `{"seq":${seq},`;
      if (leaf.toString('latin1', 0, start.length) !== start) {
        return this.fail(`entry ${seq} of this batch has another number`);
      }
      if (this.#startsAfter !== undefined && leaf.includes('"journal_trimmed"')) this.#confirmTrim(leaf);
      seq += 1;
    }
    return true;
  }

  #confirmTrim(leaf: Buffer): void {
    const entry = JSON.parse(leaf.toString('utf8')) as {
      kind?: string;
      event?: string;
      detail?: { segments?: { lastBatch?: string }[] };
    };
    if (entry.kind !== 'system' || entry.event !== 'journal_trimmed') return;
    const told = entry.detail?.segments?.some(({ lastBatch }) => lastBatch === this.#startsAfter);
    if (told === true) this.#startsAfter = undefined;
  }
}
