import type { KeyObject } from 'node:crypto';
import { closeSync, fdatasyncSync, ftruncateSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodeBatch,
  encodeHeader,
  lineHash,
  NO_BATCH,
  publicKeyText,
  rootOf,
  segmentName,
  segmentPath,
  splitLines,
} from './format.js';
import { recover, syncDirectory } from './recovery.js';
import { excess, type Retention, readSealedSegments, type SealedSegment } from './retention.js';

/** An old segment is closed after this share of the retention age, so that little outlives its age. */
const AGE_SHARE = 8;

export interface SinkOptions {
  readonly dir: string;
  readonly privateKey: KeyObject;
  readonly segmentBytesMax: number;
  readonly retention: Retention;
}

/** What was found at opening. */
export interface SinkOpened {
  readonly nextSeq: number;
  readonly batches: number;
  readonly cutBytes: number;
}

/** One sealed batch: `lines` are its entry lines, each with its newline. */
export interface SinkBatch {
  readonly lines: Uint8Array<ArrayBuffer>;
  readonly first: number;
  readonly count: number;
  readonly time: number;
}

/** The segment being written. */
interface ActiveSegment {
  readonly segment: number;
  readonly fd: number;
  readonly startedMs: number;
  offset: number;
  lastMs: number;
}

/** Writes batches to segment files, synchronously; pure of threads. Throws when a batch could not be written. */
export class SegmentSink {
  readonly opened: SinkOpened;
  readonly #options: SinkOptions;
  readonly #publicKey: string;
  #active: ActiveSegment | undefined;
  #sealed: SealedSegment[];
  #lastSegment: number;
  #batch: number;
  #prev: string;
  /** Bytes of a failed write could not be taken back yet. */
  #dirty = false;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#publicKey = publicKeyText(options.privateKey);
    const { tail, cutBytes } = recover(options.dir, options.privateKey);
    this.#sealed = readSealedSegments(options.dir);
    this.#lastSegment = tail?.segment ?? 0;
    this.#batch = tail?.batch.batch ?? 0;
    this.#prev = tail?.batchHash ?? NO_BATCH;
    if (tail !== undefined && tail.publicKey === this.#publicKey) {
      const startedMs = this.#sealed.pop()?.firstMs ?? tail.batch.time;
      const fd = openSync(segmentPath(options.dir, tail.segment), 'r+');
      this.#active = { segment: tail.segment, fd, startedMs, offset: tail.offset, lastMs: tail.batch.time };
    }
    const nextSeq = tail === undefined ? 1 : tail.batch.first + tail.batch.count;
    this.opened = { nextSeq, batches: this.#batch, cutBytes };
  }

  /** Hashes, signs, writes and syncs one batch. After a throw the files are as before. */
  appendBatch({ lines, first, count, time }: SinkBatch): void {
    const body = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
    const batch = this.#batch + 1;
    const fields = { batch, first, count, time, root: rootOf(splitLines(body)), prev: this.#prev };
    const line = Buffer.from(encodeBatch(fields, this.#options.privateKey));
    const data = Buffer.concat([body, line, Buffer.from('\n')]);
    if (this.#active === undefined || this.#isFull(this.#active, data.length, time)) {
      this.#writeNewSegment(data, time);
    } else {
      this.#writeActive(this.#active, data, time);
    }
    this.#batch = batch;
    this.#prev = lineHash(line);
  }

  /** Sealed segments beyond the retention, oldest first. */
  excess(timeMs: number): SealedSegment[] {
    return excess(this.#sealed, this.#active?.offset ?? 0, this.#options.retention, timeMs);
  }

  /** Removes segments that `excess` named, oldest first, with what a crash tore off them. */
  remove(segments: readonly number[]): void {
    const names = readdirSync(this.#options.dir);
    this.#sealed = this.#sealed.filter(({ segment }) => !segments.includes(segment));
    for (const segment of segments) {
      for (const name of names.filter((each) => each.startsWith(segmentName(segment)))) {
        rmSync(join(this.#options.dir, name), { force: true });
      }
    }
    syncDirectory(this.#options.dir);
  }

  close(): void {
    if (this.#active !== undefined) closeSync(this.#active.fd);
    this.#active = undefined;
  }

  #isFull(active: ActiveSegment, bytes: number, time: number): boolean {
    const { segmentBytesMax, retention } = this.#options;
    if (active.offset + bytes > segmentBytesMax) return true;
    return retention.ageMsMax !== undefined && time - active.startedMs > retention.ageMsMax / AGE_SHARE;
  }

  #writeActive(active: ActiveSegment, data: Buffer, time: number): void {
    if (this.#dirty) this.#takeBack(active);
    try {
      writeAll(active.fd, data, active.offset);
      fdatasyncSync(active.fd);
    } catch (error) {
      this.#dirty = true;
      try {
        this.#takeBack(active);
      } catch {
        // Tried again before the next write, which fails while this does.
      }
      throw error;
    }
    active.offset += data.length;
    active.lastMs = time;
  }

  #takeBack(active: ActiveSegment): void {
    ftruncateSync(active.fd, active.offset);
    fdatasyncSync(active.fd);
    this.#dirty = false;
  }

  /** Header and first batch go out together: a segment without a batch is always a torn one. */
  #writeNewSegment(data: Buffer, time: number): void {
    // A segment whose end is not clean must not become a middle one.
    if (this.#dirty && this.#active !== undefined) this.#takeBack(this.#active);
    const segment = this.#lastSegment + 1;
    const path = segmentPath(this.#options.dir, segment);
    const header = encodeHeader({ segment, prev: this.#prev, publicKey: this.#publicKey });
    const whole = Buffer.concat([Buffer.from(`${header}\n`), data]);
    // Only a failed attempt of this very writer can have left a file here.
    const fd = openSync(path, 'w', 0o600);
    try {
      writeAll(fd, whole, 0);
      fdatasyncSync(fd);
      syncDirectory(this.#options.dir);
    } catch (error) {
      closeSync(fd);
      rmSync(path, { force: true });
      throw error;
    }
    this.#sealActive();
    this.#lastSegment = segment;
    this.#active = { segment, fd, startedMs: time, offset: whole.length, lastMs: time };
  }

  #sealActive(): void {
    if (this.#active === undefined) return;
    const { segment, fd, offset, startedMs, lastMs } = this.#active;
    closeSync(fd);
    this.#sealed.push({ segment, bytes: offset, firstMs: startedMs, lastMs, lastBatch: this.#prev });
  }
}

function writeAll(fd: number, data: Buffer, position: number): void {
  let written = 0;
  while (written < data.length) {
    written += writeSync(fd, data, written, data.length - written, position + written);
  }
}
