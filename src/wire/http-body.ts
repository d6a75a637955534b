import { readingOf } from './header-names.js';
import { type Framing, trimOws } from './http-head.js';

/**
 * Follows a message body through arbitrary slices without changing a byte (RFC 9112 sections 6 and 7): says
 * where it ends and refuses chunked coding that two servers could read differently.
 */
export class BodyReader {
  /** Payload bytes seen: without chunk framing and trailers. */
  payloadBytes = 0;
  done: boolean;
  /** Why the body was refused; final. */
  refused: string | undefined;
  /** Trailer lines seen, as alternating name and value. */
  get trailers(): readonly string[] {
    return this.#trailers ?? NO_TRAILERS;
  }
  #trailers: string[] | undefined;
  readonly #chunked: boolean;
  readonly #untilClose: boolean;
  /** Bytes left of the body or of the current chunk. */
  #left = 0;
  #state: ChunkState = 'size';
  #line = '';
  #lineBytes = 0;
  #trailerBytes = 0;

  constructor(framing: Framing) {
    this.done = framing.kind === 'none';
    this.#chunked = framing.kind === 'chunked';
    this.#untilClose = framing.kind === 'close';
    if (framing.kind === 'length') this.#left = framing.bytes;
  }

  /**
   * Takes the next slice.
   * @param payload called with each run of payload bytes, where the caller wants them without framing.
   * @returns how many bytes belong to this body; the rest belongs to the next message.
   */
  take(bytes: Buffer, payload?: (slice: Buffer) => void): number {
    if (this.done || this.refused !== undefined) return 0;
    if (this.#chunked) return this.#takeChunked(bytes, payload);
    if (this.#untilClose) {
      this.payloadBytes += bytes.length;
      payload?.(bytes);
      return bytes.length;
    }
    const used = Math.min(this.#left, bytes.length);
    this.#left -= used;
    this.payloadBytes += used;
    if (this.#left === 0) this.done = true;
    if (used > 0) payload?.(used === bytes.length ? bytes : bytes.subarray(0, used));
    return used;
  }

  /** The connection ended: whether the body is whole. */
  end(): boolean {
    if (this.#untilClose) this.done = true;
    return this.done;
  }

  #takeChunked(bytes: Buffer, payload?: (slice: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && !this.done && this.refused === undefined) {
      if (this.#state === 'data') {
        const used = Math.min(this.#left, bytes.length - at);
        payload?.(bytes.subarray(at, at + used));
        this.payloadBytes += used;
        this.#left -= used;
        at += used;
        if (this.#left === 0) this.#state = 'data-end';
      } else {
        at = this.#takeLine(bytes, at);
      }
    }
    return at;
  }

  /** Gathers one CRLF-terminated line, bounded, and steps the state when it is complete. */
  #takeLine(bytes: Buffer, from: number): number {
    const lf = bytes.indexOf(10, from);
    const end = lf === -1 ? bytes.length : lf + 1;
    this.#lineBytes += end - from;
    if (this.#lineBytes > CHUNK_LINE_BYTES_MAX) {
      this.refused = `a chunk line longer than ${CHUNK_LINE_BYTES_MAX} bytes`;
      return end;
    }
    this.#line += bytes.toString('latin1', from, end);
    if (lf === -1) return end;
    const line = this.#line;
    this.#line = '';
    this.#lineBytes = 0;
    if (!line.endsWith('\r\n')) this.refused = 'a chunk line that ends in a bare LF';
    else this.#step(line.slice(0, -2));
    return end;
  }

  #step(line: string): void {
    switch (this.#state) {
      case 'size': {
        const match = CHUNK_SIZE.exec(line);
        if (match === null) {
          this.refused = 'a malformed chunk size';
          return;
        }
        this.#left = Number.parseInt(match[1] as string, 16);
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        return;
      }
      case 'data-end':
        if (line !== '') this.refused = 'chunk data longer than its size';
        else this.#state = 'size';
        return;
      case 'trailer':
        this.#trailer(line);
        return;
      case 'data':
        return;
    }
  }

  #trailer(line: string): void {
    if (line === '') {
      this.done = true;
      return;
    }
    this.#trailerBytes += line.length;
    const name = TRAILER.exec(line)?.[1];
    const lower = name?.toLowerCase();
    if (name === undefined || lower === undefined) this.refused = 'a malformed trailer line';
    else if (isForbidden(readingOf(name).dashed)) this.refused = `a trailer that may not be one: ${lower}`;
    else if (this.#trailerBytes > TRAILER_BYTES_MAX)
      this.refused = `trailers longer than ${TRAILER_BYTES_MAX} bytes`;
    else {
      this.#trailers ??= [];
      this.#trailers.push(name, trimOws(line, name.length + 1));
    }
  }
}

type ChunkState = 'size' | 'data' | 'data-end' | 'trailer';

const NO_TRAILERS: readonly string[] = [];
const CHUNK_LINE_BYTES_MAX = 4096;
const TRAILER_BYTES_MAX = 16 * 1024;
/** Size in hex, then extensions of visible characters (RFC 9112 section 7.1.1). 12 digits stay exact in a number. */
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t -~\x80-\xff]*)?$/;
const TRAILER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t -~\x80-\xff]*$/;
/** Fields that change framing, routing or rights may not come after the body (RFC 9110 section 6.5.1). */
const FORBIDDEN_TRAILERS = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'trailer',
  'te',
  'content-encoding',
  'content-type',
  'content-range',
  'x-forwarded-for',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);

/** @param name as a server may read it */
function isForbidden(name: string): boolean {
  return FORBIDDEN_TRAILERS.has(name) || name.startsWith('x-keyward-');
}
