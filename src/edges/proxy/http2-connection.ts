import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type net from 'node:net';
import { HEADERS_MAX } from '../../wire/http-head.js';
import { http1RequestHead } from '../../wire/http2-fields.js';
import { ClientConnection } from './client-connection.js';
import type { ClientEnd, Peer } from './client-end.js';
import { duplexPair } from './duplex-pair.js';
import type { Gateway } from './gateway.js';
import { bridgeRequestBody } from './http2-request-body.js';
import { Http2Response } from './http2-response.js';
import { problemResponse } from './problem.js';

const STREAMS_MAX = 128;
/** Streams that a client may break off within the window; beyond is an attack (CVE-2023-44487). */
const RESETS_MAX = 200;
const RESET_WINDOW_MS = 10_000;
const INVALID_FRAMES_MAX = 100;
const PSEUDO_FIELDS = 4;
/** How long the client may take to close the connection after the session ended. */
const LINGER_MS = 2_000;

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } =
  http2.constants;

/** A request in progress on a stream. */
interface Request {
  readonly stream: ServerHttp2Stream;
  readonly response: Http2Response;
  /** Absent when the request was refused before it was one. */
  readonly connection: ClientConnection | undefined;
  completeMs: number | undefined;
}

/** One HTTP/2 connection of a client: each stream takes the path of an HTTP/1.1 connection with one request. */
export class Http2Connection implements ClientEnd {
  readonly #socket: net.Socket;
  readonly #gateway: Gateway;
  readonly #peer: Peer;
  readonly #session: ServerHttp2Session;
  readonly #requests = new Set<Request>();
  #touchedMs = Date.now();
  #first = true;
  #resets = 0;
  #resetsSinceMs = 0;

  constructor(socket: net.Socket, gateway: Gateway, peer: Peer) {
    this.#socket = socket;
    this.#gateway = gateway;
    this.#peer = { ...peer, version: '2' };
    this.#session = http2.performServerHandshake(socket, {
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: gateway.bounds.headBytesMax },
      maxHeaderListPairs: HEADERS_MAX + PSEUDO_FIELDS,
      maxSessionInvalidFrames: INVALID_FRAMES_MAX,
    });
    this.#session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, flags: number, fields: string[] = []) =>
        this.#stream(stream, flags, fields),
    );
    this.#session.on('error', () => undefined);
    this.#session.on('frameError', () => undefined);
    socket.on('error', () => socket.destroy());
    // As in HTTP/1.1, a client that ends its side is gone.
    socket.on('end', () => socket.destroy());
  }

  /** GOAWAY; streams in progress are finished. */
  drain(): void {
    if (!this.#session.closed) this.#session.close();
  }

  cut(keys: ReadonlySet<string>): string[] {
    return [...this.#requests].flatMap(({ connection }) => connection?.cut(keys) ?? []);
  }

  checkTime(nowMs: number): void {
    for (const request of this.#requests) this.#checkRequest(request, nowMs);
    if (this.#requests.size > 0) {
      this.#touchedMs = nowMs;
      return;
    }
    const { headMs, idleMs } = this.#gateway.bounds;
    const waited = nowMs - this.#touchedMs;
    if (this.#session.destroyed) {
      if (waited > LINGER_MS) this.#socket.destroy();
    } else if (waited > (this.#first ? headMs : idleMs)) {
      this.#touchedMs = nowMs;
      this.#session.destroy();
    }
  }

  #checkRequest(request: Request, nowMs: number): void {
    request.connection?.checkTime(nowMs);
    const { stream, response } = request;
    if (!response.complete || stream.closed || stream.destroyed) return;
    request.completeMs ??= nowMs;
    // RFC 9113 section 8.1: the answer is out, the rest of the request is not wanted.
    if (stream.state.localClose === 1) stream.close(NGHTTP2_NO_ERROR);
    else if (nowMs - request.completeMs > this.#gateway.bounds.idleMs) stream.close(NGHTTP2_CANCEL);
  }

  #stream(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    this.#touchedMs = Date.now();
    this.#first = false;
    stream.on('error', () => undefined);
    if (stream.destroyed || stream.closed) {
      this.#countReset();
      return;
    }
    const request = this.#open(stream, fields, (flags & NGHTTP2_FLAG_END_STREAM) !== 0);
    this.#requests.add(request);
    stream.once('close', () => {
      this.#requests.delete(request);
      this.#touchedMs = Date.now();
      if (!request.response.complete) this.#countReset();
    });
  }

  #open(stream: ServerHttp2Stream, fields: readonly string[], ended: boolean): Request {
    const [near, bridge] = duplexPair();
    const head = http1RequestHead(fields, ended);
    if (head.kind === 'refused') {
      const method = fields[fields.indexOf(':method') + 1] ?? 'GET';
      const response = new Http2Response(stream, bridge, method);
      const problem = {
        status: head.status,
        code: head.status === 501 ? 'method_not_supported' : 'request_malformed',
        detail: `Refused: ${head.why}.`,
        requestId: this.#gateway.loop.nextRequestId(),
      };
      near.end(problemResponse(problem, method, false));
      stream.resume();
      return { stream, response, connection: undefined, completeMs: undefined };
    }
    const connection = new ClientConnection(near, this.#gateway, this.#peer);
    const response = new Http2Response(stream, bridge, head.method);
    bridge.write(head.head, 'latin1');
    bridgeRequestBody(stream, bridge, head.body);
    return { stream, response, connection, completeMs: undefined };
  }

  /** Counts streams that ended without their answer, whichever side broke them off. */
  #countReset(): void {
    const nowMs = Date.now();
    if (nowMs - this.#resetsSinceMs > RESET_WINDOW_MS) {
      this.#resetsSinceMs = nowMs;
      this.#resets = 0;
    }
    this.#resets += 1;
    if (this.#resets > RESETS_MAX && !this.#session.destroyed)
      this.#session.destroy(new Error('too many streams were reset'), NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
