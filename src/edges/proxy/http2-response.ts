import http2, { type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { BodyReader } from '../../wire/http-body.js';
import { HEADERS_MAX, parseResponseHead, type ResponseHead } from '../../wire/http-head.js';
import { http2Headers, http2ResponseHeaders } from '../../wire/http2-fields.js';

/** The upstream's head was bounded already; the guard adds a few lines of its own. */
const HEAD_BYTES_MAX = 64 * 1024;
const LINES_MAX = HEADERS_MAX + 16;
const EMPTY = Buffer.alloc(0);

/** Reads the HTTP/1.1 answer from `bridge` and gives it to a stream. */
export class Http2Response {
  /** The whole answer was handed to the stream. */
  complete = false;
  readonly #stream: ServerHttp2Stream;
  readonly #bridge: Duplex;
  readonly #method: string;
  #held: Buffer = EMPTY;
  #body: BodyReader | undefined;

  constructor(stream: ServerHttp2Stream, bridge: Duplex, method: string) {
    this.#stream = stream;
    this.#bridge = bridge;
    this.#method = method;
    stream.on('drain', () => bridge.resume());
    stream.on('aborted', () => bridge.destroy());
    stream.on('close', () => bridge.destroy());
    bridge.on('data', (bytes: Buffer) => this.#guarded(() => this.#data(bytes)));
    bridge.on('end', () => this.#guarded(() => this.#ended()));
    bridge.on('error', () => bridge.destroy());
    bridge.on('close', () => {
      if (!this.complete) this.#break();
    });
  }

  /** An answer that node:http2 will not send must cost this stream only. */
  #guarded(act: () => void): void {
    if (this.complete || this.#stream.destroyed || this.#stream.closed) return;
    try {
      act();
    } catch {
      this.#break();
    }
  }

  #data(bytes: Buffer): void {
    if (this.#body === undefined)
      this.#head(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]));
    else this.#content(this.#body, bytes);
  }

  #head(bytes: Buffer): void {
    this.#held = EMPTY;
    const parsed = parseResponseHead(bytes, this.#method, HEAD_BYTES_MAX, LINES_MAX);
    if (parsed.kind === 'more') {
      this.#held = bytes;
      return;
    }
    if (parsed.kind === 'refused') {
      this.#break();
      return;
    }
    const { head } = parsed;
    const rest = bytes.subarray(parsed.bytes);
    if (head.status < 200) {
      this.#stream.additionalHeaders(http2ResponseHeaders(head));
      if (rest.length > 0) this.#head(rest);
      return;
    }
    this.#respond(head);
    if (!this.complete && rest.length > 0) this.#content(this.#body as BodyReader, rest);
  }

  #respond(head: ResponseHead): void {
    const body = new BodyReader(head.framing);
    this.#body = body;
    // Closing a stream ends its writable side first, and that would send END_STREAM: only trailers may.
    this.#stream.once('wantTrailers', () => {
      if (this.complete) this.#stream.sendTrailers(http2Headers(body.trailers));
    });
    this.#stream.respond(http2ResponseHeaders(head), { endStream: body.done, waitForTrailers: !body.done });
    if (body.done) this.#finish();
  }

  #content(body: BodyReader, bytes: Buffer): void {
    const stream = this.#stream;
    stream.cork();
    body.take(bytes, (slice) => {
      if (!stream.write(slice)) this.#bridge.pause();
    });
    stream.uncork();
    if (body.refused !== undefined) this.#break();
    else if (body.done) this.#finish();
  }

  #ended(): void {
    if (this.#body?.end() === true) this.#finish();
    else this.#break();
  }

  #finish(): void {
    this.complete = true;
    this.#stream.end();
    this.#bridge.destroy();
  }

  /** Half an answer must never look like a whole one. */
  #break(): void {
    this.#bridge.destroy();
    if (!this.#stream.destroyed && !this.#stream.closed)
      this.#stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }
}
