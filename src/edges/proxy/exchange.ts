import type { Duplex } from 'node:stream';
import type { Denial } from '../../engine/last-look.js';
import type { Outcome } from '../../journal/entry.js';
import { CreatedObject } from '../../wire/created-object.js';
import { BodyReader } from '../../wire/http-body.js';
import {
  isHopByHop,
  keepsAlive,
  lowerName,
  parseResponseHead,
  type ResponseHead,
} from '../../wire/http-head.js';
import type { ConnectionWaiter, UpstreamConnection, UpstreamFault, UpstreamPool } from './upstream-pool.js';

/** Bounds on how long one exchange may take, in milliseconds. */
export interface ExchangeTimeouts {
  /** From the last request byte sent to the response head. */
  readonly headMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  readonly totalMs: number;
}

/** The request as it goes upstream. */
export interface ForwardedRequest {
  readonly method: string;
  /** Request line and header lines, with the final empty line. */
  readonly head: string;
  readonly hasBody: boolean;
  /** Protocol the client asked to switch to, when that is allowed. */
  readonly upgrade: string | undefined;
  /** HTTP minor version of the client: 1.0 understands neither chunks nor 1xx. */
  readonly clientMinor: 0 | 1;
  readonly clientKeepsAlive: boolean;
  /** Header lines to add to the response. */
  readonly responseHeaders: readonly string[];
  /** Whether the answer may name an object that this request has created. */
  readonly mayCreate: boolean;
  /** Asked just before the first byte goes out; a denial ends the exchange there. */
  readonly pass: () => Denial | undefined;
}

/** The client's side of an exchange. */
export interface ExchangeClient {
  readonly socket: Duplex;
  /** Whether bytes that were written to it may still be in use. */
  holdsBytes(): boolean;
  pauseBody(): void;
  resumeBody(): void;
  /** True when the whole request body has been taken from the client. */
  bodyComplete(): boolean;
  /** Nothing was sent to the client yet: it answers with a problem. */
  failed(status: number, code: string, detail: string): void;
  /** The response is complete. */
  finished(keepAlive: boolean): void;
  /** From now on bytes pass in both directions unread. */
  tunnel(): void;
}

const FAULTS: Record<
  UpstreamFault | 'upstream_closed' | 'upstream_malformed' | 'upstream_timeout',
  [502 | 503 | 504, string]
> = {
  upstream_unreachable: [502, 'The upstream cannot be reached.'],
  upstream_connect_timeout: [504, 'The upstream did not accept a connection in time.'],
  upstream_busy: [503, 'All connections to the upstream are busy and the queue is full.'],
  upstream_closed: [502, 'The upstream closed the connection without a complete answer.'],
  upstream_malformed: [502, 'The upstream sent an answer that is not valid HTTP.'],
  upstream_timeout: [504, 'The upstream did not answer in time.'],
};

/**
 * Bytes that wait for one side before the other is paused. Well above what write() asks for: it asks for a pause
 * even after what the kernel took at once, and each pause costs system calls.
 */
const WAITING_BYTES_MAX = 256 * 1024;

function isFull(socket: { readonly writableLength: number }): boolean {
  return socket.writableLength > WAITING_BYTES_MAX;
}

/** A head of latin1 text and what follows it. */
function joined(head: string, slice: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + slice.length);
  bytes.write(head, 'latin1');
  slice.copy(bytes, head.length);
  return bytes;
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** Up to here, head and first body bytes go out in one write. */
const JOINED_BYTES_MAX = 4096;

type Phase = 'connecting' | 'head' | 'body' | 'tunnel' | 'done';

/** One request on its way to the upstream and its response on the way back, streaming, byte for byte. */
export class Exchange implements ConnectionWaiter {
  readonly #client: ExchangeClient;
  readonly #request: ForwardedRequest;
  readonly #pool: UpstreamPool;
  readonly #timeouts: ExchangeTimeouts;
  readonly #ended: (outcome: Outcome) => void;
  readonly #startedMs: number;
  #connection: UpstreamConnection | undefined;
  #phase: Phase = 'connecting';
  #held: Buffer | undefined;
  #unsentHead: string | undefined;
  #response: ResponseHead | undefined;
  #body: BodyReader | undefined;
  #created: CreatedObject | undefined;
  #touchedMs: number;
  #bytesIn = 0;
  #bytesOut = 0;
  #answered = false;

  constructor(
    client: ExchangeClient,
    request: ForwardedRequest,
    pool: UpstreamPool,
    timeouts: ExchangeTimeouts,
    nowMs: number,
    ended: (outcome: Outcome) => void,
  ) {
    this.#client = client;
    this.#request = request;
    this.#pool = pool;
    this.#timeouts = timeouts;
    this.#startedMs = nowMs;
    this.#touchedMs = nowMs;
    this.#ended = ended;
  }

  start(nowMs: number): void {
    this.#pool.acquire(this, nowMs);
  }

  connected(connection: UpstreamConnection): void {
    if (this.#phase === 'done') {
      connection.user = undefined;
      connection.socket.destroy();
      return;
    }
    this.#connection = connection;
    const denial = this.#request.pass();
    if (denial !== undefined) {
      this.#deny(denial);
      return;
    }
    this.#phase = 'head';
    const { socket } = connection;
    if (!this.#request.hasBody) {
      socket.write(this.#request.head, 'latin1');
      return;
    }
    // What has come of the body already goes out with the head, in one write.
    this.#unsentHead = this.#request.head;
    this.#client.resumeBody();
    if (this.#unsentHead !== undefined) socket.write(this.#unsentHead, 'latin1');
    this.#unsentHead = undefined;
  }

  notConnected(fault: UpstreamFault): void {
    if (this.#phase !== 'done') this.#fail(fault);
  }

  /** Forwards a slice of the request body, framing included. */
  sendBody(slice: Buffer): void {
    this.#bytesIn += slice.length;
    const socket = this.#connection?.socket;
    if (socket === undefined) return;
    socket.write(this.#unsentHead === undefined ? slice : joined(this.#unsentHead, slice));
    this.#unsentHead = undefined;
    if (isFull(socket)) this.#client.pauseBody();
  }

  /** Whether body bytes can be taken now. */
  get ready(): boolean {
    return this.#connection !== undefined && !isFull(this.#connection.socket);
  }

  upstreamDrain(): void {
    this.#touchedMs = Date.now();
    this.#client.resumeBody();
  }

  /** The client can take more. */
  clientDrain(): void {
    this.#connection?.socket.resume();
  }

  /** The client is gone: so is the reason for asking the upstream. */
  abort(why: string): void {
    if (this.#phase === 'done') return;
    if (this.#connection === undefined) this.#pool.forget(this);
    this.#end(why);
    this.#dropConnection();
  }

  /** @returns false when a time limit was passed and the exchange ended. */
  checkTime(nowMs: number): boolean {
    if (this.#phase === 'done' || this.#phase === 'tunnel') return true;
    const waited = nowMs - this.#touchedMs;
    const waitingForHead = this.#phase === 'head' && this.#client.bodyComplete();
    const over =
      nowMs - this.#startedMs > this.#timeouts.totalMs ||
      waited > this.#timeouts.idleMs ||
      (waitingForHead && waited > this.#timeouts.headMs);
    if (over) this.#fail('upstream_timeout');
    return !over;
  }

  upstreamClosed(): void {
    this.#connection = this.#phase === 'head' ? this.#connection : undefined;
    switch (this.#phase) {
      case 'head':
        this.#closedBeforeHead();
        return;
      case 'body':
        if (this.#body?.end()) this.#complete();
        else this.#fail('upstream_closed');
        return;
      case 'tunnel':
        this.#end(undefined);
        this.#client.socket.end();
        return;
      case 'connecting':
      case 'done':
        return;
    }
  }

  /** A kept-alive connection may be closed just as it is used: what is safe to repeat is repeated once. */
  #closedBeforeHead(): void {
    const again =
      this.#connection?.reused === true &&
      this.#held === undefined &&
      !this.#request.hasBody &&
      IDEMPOTENT.has(this.#request.method);
    this.#connection = undefined;
    if (!again) {
      this.#fail('upstream_closed');
      return;
    }
    this.#phase = 'connecting';
    this.#pool.acquireFresh(this);
  }

  upstreamData(bytes: Buffer): boolean {
    this.#touchedMs = Date.now();
    switch (this.#phase) {
      case 'head':
        this.#head(this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]));
        break;
      case 'body':
        this.#bodyBytes(bytes, '');
        break;
      case 'tunnel':
        this.#toClient(bytes);
        break;
      case 'connecting':
      case 'done':
        break;
    }
    return this.#held !== undefined || this.#client.holdsBytes();
  }

  #head(bytes: Buffer): void {
    this.#held = undefined;
    const parsed = parseResponseHead(bytes, this.#request.method);
    if (parsed.kind === 'more') {
      this.#held = bytes;
      return;
    }
    if (parsed.kind === 'refused') {
      this.#fail('upstream_malformed');
      return;
    }
    const { head } = parsed;
    const rest = bytes.subarray(parsed.bytes);
    if (head.status === 101) {
      this.#switch(head, rest);
      return;
    }
    if (head.status < 200) {
      if (this.#request.clientMinor === 1)
        this.#client.socket.write(this.#responseHead(head, true), 'latin1');
      if (rest.length > 0) this.#head(rest);
      return;
    }
    this.#response = head;
    this.#body = new BodyReader(head.framing);
    this.#phase = 'body';
    this.#answered = true;
    if (this.#request.mayCreate && head.status < 300) this.#created = new CreatedObject(head);
    this.#bodyBytes(rest, this.#responseHead(head, this.#keepsClient(head)));
  }

  /** Whether the client's connection can carry another request after this response. */
  #keepsClient(head: ResponseHead): boolean {
    const unframed =
      head.framing.kind === 'close' || (head.framing.kind === 'chunked' && this.#request.clientMinor === 0);
    return this.#request.clientKeepsAlive && !unframed && this.#client.bodyComplete();
  }

  #responseHead(head: ResponseHead, keep: boolean): string {
    const dechunk = head.framing.kind === 'chunked' && this.#request.clientMinor === 0;
    let text = `HTTP/1.1 ${head.status} ${head.statusText}\r\n`;
    const { headers } = head;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (isHopByHop(name, head.connection) || (dechunk && lowerName(name) === 'transfer-encoding')) continue;
      text += `${name}: ${headers[i + 1]}\r\n`;
    }
    if (head.status >= 200) {
      const extra = this.#request.responseHeaders;
      for (let i = 0; i + 1 < extra.length; i += 2) text += `${extra[i]}: ${extra[i + 1]}\r\n`;
      if (!keep) text += 'Connection: close\r\n';
      else if (this.#request.clientMinor === 0) text += 'Connection: keep-alive\r\n';
    }
    return `${text}\r\n`;
  }

  #switch(head: ResponseHead, rest: Buffer): void {
    if (this.#request.upgrade === undefined) {
      this.#fail('upstream_malformed');
      return;
    }
    const text = this.#responseHead(head, true).slice(0, -2);
    this.#answered = true;
    this.#response = head;
    this.#client.socket.write(
      `${text}Connection: Upgrade\r\nUpgrade: ${head.upgrade ?? this.#request.upgrade}\r\n\r\n`,
      'latin1',
    );
    this.#phase = 'tunnel';
    this.#client.tunnel();
    if (rest.length > 0) this.#toClient(rest);
  }

  /** Forwards body bytes, after `head` if that is still to be sent. */
  #bodyBytes(bytes: Buffer, head: string): void {
    const body = this.#body as BodyReader;
    const dechunked: Buffer[] | undefined =
      this.#response?.framing.kind === 'chunked' && this.#request.clientMinor === 0 ? [] : undefined;
    const created = this.#created;
    const used = body.take(
      bytes,
      dechunked === undefined && created === undefined
        ? undefined
        : (payload) => {
            dechunked?.push(payload);
            created?.take(payload);
          },
    );
    if (body.refused !== undefined) {
      if (head !== '') this.#answered = false;
      this.#fail('upstream_malformed');
      return;
    }
    const slice =
      dechunked === undefined
        ? used === bytes.length
          ? bytes
          : bytes.subarray(0, used)
        : Buffer.concat(dechunked);
    this.#send(head, slice);
    if (!body.done) return;
    if (used < bytes.length) this.#spoiled = true;
    this.#complete();
  }

  /** Bytes came after the end of the response: the connection cannot be trusted with another. */
  #spoiled = false;

  #send(head: string, slice: Buffer): void {
    if (head === '') {
      if (slice.length > 0) this.#toClient(slice);
      return;
    }
    if (slice.length <= JOINED_BYTES_MAX) {
      this.#bytesOut += slice.length;
      const text = slice.length === 0 ? head : head + slice.toString('latin1');
      this.#client.socket.write(text, 'latin1');
      if (isFull(this.#client.socket)) this.#connection?.socket.pause();
      return;
    }
    this.#client.socket.cork();
    this.#client.socket.write(head, 'latin1');
    this.#toClient(slice);
    this.#client.socket.uncork();
  }

  #toClient(slice: Buffer): void {
    this.#bytesOut += slice.length;
    this.#client.socket.write(slice);
    if (isFull(this.#client.socket)) this.#connection?.socket.pause();
  }

  #complete(): void {
    const head = this.#response as ResponseHead;
    const keepClient = this.#keepsClient(head);
    const connection = this.#connection;
    this.#end(undefined);
    if (connection !== undefined) {
      this.#connection = undefined;
      const reusable =
        !this.#spoiled && keepsAlive(head) && head.framing.kind !== 'close' && this.#client.bodyComplete();
      if (reusable) {
        connection.socket.resume();
        this.#pool.release(connection, this.#touchedMs, keepAliveHint(head));
      } else {
        connection.user = undefined;
        connection.socket.destroy();
      }
    }
    this.#client.finished(keepClient);
  }

  #fail(code: keyof typeof FAULTS): void {
    const [status, detail] = FAULTS[code];
    const answered = this.#answered;
    if (this.#connection === undefined) this.#pool.forget(this);
    this.#end(code, answered ? undefined : status);
    this.#dropConnection();
    // Half an answer is out: cutting the connection is the only honest way to say that it is not whole.
    if (answered) this.#client.socket.destroy();
    else this.#client.failed(status, code, detail);
  }

  /** Nothing has gone to the upstream. */
  #deny({ status, reason }: Denial): void {
    this.#end(reason.code, status);
    this.#dropConnection();
    this.#client.failed(status, reason.code, reason.text);
  }

  #dropConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    connection.user = undefined;
    connection.socket.destroy();
  }

  #end(aborted: string | undefined, status?: number): void {
    this.#phase = 'done';
    const created = aborted === undefined ? this.#created?.id() : undefined;
    this.#ended({
      status: status ?? this.#response?.status ?? 0,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      latencyMs: Date.now() - this.#startedMs,
      ...(aborted === undefined ? {} : { aborted }),
      ...(created === undefined ? {} : { created }),
    });
  }
}

/** `Keep-Alive: timeout=N`, in milliseconds. */
function keepAliveHint(head: ResponseHead): number | undefined {
  for (let i = 0; i < head.headers.length; i += 2) {
    if (lowerName(head.headers[i] as string) !== 'keep-alive') continue;
    const seconds = /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(head.headers[i + 1] as string)?.[1];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  }
  return undefined;
}
