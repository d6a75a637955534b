import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Admission, EdgeRequest, HeldCall } from '../../engine/admission.js';
import { mayName } from '../../wire/created-object.js';
import { BodyReader } from '../../wire/http-body.js';
import { keepsAlive, parseRequestHead, type RequestHead } from '../../wire/http-head.js';
import { beginsHttp2, type ClientEnd, type Peer, type TakeHttp2 } from './client-end.js';
import { Exchange, type ExchangeClient } from './exchange.js';
import { forwardedHead, type HopFacts } from './forwarded-head.js';
import type { Gateway, ProxyUpstream } from './gateway.js';
import { HeldBody, heldProblem, withoutExpect } from './held-request.js';
import { problemResponse } from './problem.js';
import { rateHeaders } from './rate-headers.js';

type Phase = 'head' | 'deciding' | 'held' | 'exchange' | 'tunnel' | 'closing';

/** Bytes of later requests held while one is in progress. */
const PIPELINED_BYTES_MAX = 64 * 1024;
/** How long a refused client may go on sending before the connection is cut. */
const LINGER_MS = 2_000;
/** Operations of less privilege write nothing. */
const CREATES_FROM = 2;
const EMPTY = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** One HTTP/1.1 connection of a client: one request at a time, in order. */
export class ClientConnection implements ExchangeClient, ClientEnd {
  readonly socket: Duplex;
  readonly #gateway: Gateway;
  readonly #peer: Peer;
  readonly #takeHttp2: TakeHttp2 | undefined;
  readonly #listeners: readonly [string, (bytes: Buffer) => void][];
  #phase: Phase = 'head';
  #pending: Buffer = EMPTY;
  #head: RequestHead | undefined;
  #admission: Admission<ProxyUpstream> | undefined;
  #body: BodyReader | undefined;
  #heldCall: HeldCall<ProxyUpstream> | undefined;
  #held: HeldBody | undefined;
  #exchange: Exchange | undefined;
  #touchedMs: number;
  #first = true;

  constructor(socket: Duplex, gateway: Gateway, peer: Peer, takeHttp2?: TakeHttp2) {
    this.socket = socket;
    this.#gateway = gateway;
    this.#peer = peer;
    this.#takeHttp2 = takeHttp2;
    this.#touchedMs = Date.now();
    this.#listeners = [
      ['data', (bytes) => this.#data(bytes)],
      ['drain', () => this.#exchange?.clientDrain()],
      ['end', () => this.#ended()],
      ['error', () => socket.destroy()],
      ['close', () => this.#gone()],
    ];
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
  }

  /** Closes when idle; a request in progress is finished first. */
  drain(): void {
    this.#draining = true;
    if (this.#phase === 'head' && this.#pending.length === 0) this.socket.end();
  }
  #draining = false;

  checkTime(nowMs: number): void {
    const { headMs, idleMs } = this.#gateway.bounds;
    const waited = nowMs - this.#touchedMs;
    if (this.#phase === 'closing') {
      if (waited > LINGER_MS) this.socket.destroy();
    } else if (this.#phase === 'head') {
      const begun = this.#pending.length > 0 || this.#first;
      if (begun && waited > headMs)
        this.#refuse(408, 'request_timeout', 'The request head did not arrive in time.');
      else if (!begun && waited > idleMs) this.socket.destroy();
    } else if (this.#phase === 'held') {
      if (waited > idleMs)
        this.#refuseHeld(408, 'request_timeout', 'The request body did not arrive in time.');
    } else {
      this.#exchange?.checkTime(nowMs);
    }
  }

  /** A socket is done with what the kernel took; a stream in memory may pass on the very bytes. */
  holdsBytes(): boolean {
    return !(this.socket instanceof net.Socket) || this.socket.writableLength > 0;
  }

  pauseBody(): void {
    this.socket.pause();
  }

  resumeBody(): void {
    this.socket.resume();
    if (this.#phase === 'exchange') this.#takeBody();
  }

  bodyComplete(): boolean {
    return this.#body?.done ?? true;
  }

  cut(keys: ReadonlySet<string>): string[] {
    const key = this.#admission?.key?.key.id;
    const exchange = this.#exchange;
    if (key === undefined || !keys.has(key) || exchange === undefined) return [];
    const forwarded = this.#admission?.forwarded === true;
    this.#exchange = undefined;
    exchange.abort('key_ended');
    this.socket.destroy();
    return forwarded ? [key] : [];
  }

  failed(status: number, code: string, detail: string): void {
    this.#exchange = undefined;
    this.#refuse(status, code, detail);
  }

  finished(keepAlive: boolean): void {
    this.#exchange = undefined;
    if (keepAlive && !this.#draining && !this.socket.destroyed) this.#next();
    else this.#close();
  }

  tunnel(): void {
    this.#phase = 'tunnel';
    const rest = this.#pending;
    this.#pending = EMPTY;
    if (rest.length > 0) this.#exchange?.sendBody(rest);
  }

  #data(bytes: Buffer): void {
    switch (this.#phase) {
      case 'head':
        if (this.#pending.length === 0) this.#touchedMs = Date.now();
        this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
        this.#readHead();
        return;
      case 'tunnel':
        this.#exchange?.sendBody(bytes);
        return;
      case 'closing':
        return;
      case 'held':
        this.#takeHeldBody(bytes);
        return;
      case 'deciding':
      case 'exchange':
        this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
        if (this.#phase === 'exchange') this.#takeBody();
        else if (this.#pending.length > PIPELINED_BYTES_MAX) this.socket.pause();
        return;
    }
  }

  /** A FIN is how clients go away; whoever only half-closes is rare, and other proxies cut them off too. */
  #ended(): void {
    this.#draining = true;
    this.#exchange?.abort(this.#phase === 'tunnel' ? 'client_closed' : 'client_aborted');
    this.socket.end();
  }

  #gone(): void {
    if (this.#phase === 'held') this.#endHeld(0, 'client_aborted');
    this.#releaseHeld();
    this.#exchange?.abort('client_aborted');
  }

  #readHead(): void {
    // RFC 9112 section 2.2: an empty line before the request line is ignored.
    while (this.#pending.length >= 2 && this.#pending[0] === 13 && this.#pending[1] === 10)
      this.#pending = this.#pending.subarray(2);
    if (this.#pending.length === 0 || this.#isHttp2()) return;
    const parsed = parseRequestHead(this.#pending, this.#gateway.bounds.headBytesMax);
    if (parsed.kind === 'more') return;
    this.#first = false;
    if (parsed.kind === 'refused') {
      this.#refuse(parsed.status, 'request_malformed', `Refused: ${parsed.why}.`);
      return;
    }
    this.#pending = parsed.bytes === this.#pending.length ? EMPTY : this.#pending.subarray(parsed.bytes);
    this.#head = parsed.head;
    this.#body = new BodyReader(parsed.head.framing);
    this.#judge({ head: parsed.head, peer: this.#peer.address, timeMs: Date.now() });
  }

  #isHttp2(): boolean {
    const take = this.#takeHttp2;
    const bytes = this.#pending;
    if (!this.#first || take === undefined || !beginsHttp2(bytes)) return false;
    for (const [event, listener] of this.#listeners) this.socket.off(event, listener);
    this.#phase = 'closing';
    this.#pending = EMPTY;
    take(bytes);
    return true;
  }

  #judge(request: EdgeRequest): void {
    const admission = this.#gateway.loop.admit(request);
    if (admission.kind === 'refused') {
      this.#answer(admission.status, admission.code, admission.detail, admission.requestId);
      return;
    }
    if (admission.kind === 'held') {
      this.#hold(request.head, admission);
      return;
    }
    this.#admission = admission;
    const { verdict } = admission;
    if (verdict.decision === 'deny') {
      this.#answer(verdict.status, verdict.reason.code, verdict.reason.text, admission.requestId, [
        ...rateHeaders(admission, true),
        ...retryLater(verdict.reason.code),
      ]);
      admission.ticket.complete(
        { status: verdict.status, bytesIn: 0, bytesOut: 0, latencyMs: 0 },
        request.timeMs,
      );
      return;
    }
    this.#proceed(admission);
  }

  /** Forwards, once the decision is on disk where it must be. */
  #proceed(admission: Admission<ProxyUpstream>): void {
    if (admission.durable === undefined) {
      this.#forward(admission);
      return;
    }
    this.#phase = 'deciding';
    admission.durable.then(
      () => this.#forward(admission),
      () =>
        this.#unsent(
          admission,
          503,
          'journal_unavailable',
          'The record of decisions cannot be written at the moment.',
        ),
    );
  }

  /** Waits for the body: an approval is bound to it, and it may do less than was feared. */
  #hold(head: RequestHead, call: HeldCall<ProxyUpstream>): void {
    const { heldMemory, bounds } = this.#gateway;
    this.#heldCall = call;
    this.#phase = 'held';
    this.#touchedMs = Date.now();
    this.#held = new HeldBody(head.framing, heldMemory, bounds.heldBytesMax);
    const begun = this.#pending;
    this.#pending = EMPTY;
    // Nobody else will ask the client for its body: the upstream does not know of the call yet.
    if (this.#takeHeldBody(begun) === 'more' && head.expectContinue) this.socket.write(CONTINUE);
  }

  #takeHeldBody(bytes: Buffer): 'more' | undefined {
    const head = this.#head as RequestHead;
    const body = (this.#held as HeldBody).take(bytes);
    if (body.kind === 'more') return 'more';
    if (body.kind === 'refused') {
      this.#refuseHeld(body.status, body.code, body.detail);
      return;
    }
    const call = this.#heldCall as HeldCall<ProxyUpstream>;
    const answer = this.#gateway.loop.hold(call, head, body.payload, Date.now());
    if (answer.kind === 'admitted') {
      this.#admission = answer.admission;
      this.#head = withoutExpect(head);
      this.#pending = body.rest.length === 0 ? body.framed : Buffer.concat([body.framed, body.rest]);
      this.#proceed(answer.admission);
      return;
    }
    this.#pending = body.rest;
    this.#body?.take(body.framed);
    const { status, code, detail, headers, extra } = heldProblem(answer, this.#gateway.approvalUrl);
    const outcome = { status, bytesIn: body.framed.length, bytesOut: 0, latencyMs: 0 };
    answer.ticket.complete(outcome, Date.now());
    this.#answer(status, code, detail, call.requestId, [...headers, ...retryLater(code)], extra);
  }

  #refuseHeld(status: number, code: string, detail: string): void {
    this.#endHeld(status, code);
    this.#refuse(status, code, detail);
  }

  /** The held call ends without a body: what became of it is in the journal. */
  #endHeld(status: number, aborted: string): void {
    const call = this.#heldCall as HeldCall<ProxyUpstream>;
    this.#phase = 'closing';
    const outcome = { status, bytesIn: this.#held?.bytes ?? 0, bytesOut: 0, latencyMs: 0, aborted };
    this.#gateway.loop.holdEnded(call, outcome, Date.now());
  }

  #releaseHeld(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  /** The upstream does not hear of it. */
  #unsent(admission: Admission<ProxyUpstream>, status: number, code: string, detail: string): void {
    const outcome = { status, bytesIn: 0, bytesOut: 0, latencyMs: 0, aborted: code };
    this.#gateway.loop.unsent(admission, outcome, Date.now());
    this.#refuse(status, code, detail);
  }

  #forward(admission: Admission<ProxyUpstream>): void {
    if (this.socket.destroyed) {
      this.#unsent(admission, 0, 'client_aborted', '');
      return;
    }
    const head = this.#head as RequestHead;
    const { upstream } = admission;
    const upgrade =
      head.upgrade !== undefined && upstream.upgrades.includes(head.upgrade) && this.bodyComplete()
        ? head.upgrade
        : undefined;
    let text: string;
    try {
      const hop: HopFacts = {
        peer: this.#peer.address.text,
        peerTrusted: this.#gateway.loop.forwarding.trusted.has(this.#peer.address),
        scheme: this.#peer.scheme,
        version: this.#peer.version ?? (head.minor === 1 ? '1.1' : '1.0'),
      };
      text = forwardedHead(head, admission, this.#gateway.injection(admission), hop, upgrade);
    } catch {
      this.#unsent(
        admission,
        503,
        'credential_unavailable',
        'The credential of the upstream cannot be opened at the moment.',
      );
      return;
    }
    const nowMs = Date.now();
    const { operation, path } = admission.observation;
    this.#phase = 'exchange';
    const exchange = new Exchange(
      this,
      {
        method: head.method,
        head: text,
        hasBody: !this.bodyComplete(),
        upgrade,
        clientMinor: head.minor,
        clientKeepsAlive: keepsAlive(head) && !this.#draining,
        responseHeaders: rateHeaders(admission, false),
        mayCreate: operation.privilege >= CREATES_FROM && mayName(head.method, path),
        pass: () => this.#gateway.loop.pass(admission, Date.now()),
      },
      upstream.pool,
      upstream.timeouts,
      nowMs,
      (outcome) => this.#gateway.loop.completed(admission, outcome, Date.now()),
    );
    this.#exchange = exchange;
    if (!this.bodyComplete()) this.socket.pause();
    exchange.start(nowMs);
  }

  /** Moves body bytes from the client to the upstream as far as both go. */
  #takeBody(): void {
    const body = this.#body as BodyReader;
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (body.done) {
      if (this.#pending.length > PIPELINED_BYTES_MAX) this.socket.pause();
      return;
    }
    if (!exchange.ready || this.#pending.length === 0) return;
    const bytes = this.#pending;
    const used = body.take(bytes);
    if (body.refused !== undefined) {
      exchange.abort('request_malformed');
      this.#exchange = undefined;
      this.#refuse(400, 'request_malformed', `Refused: ${body.refused}.`);
      return;
    }
    const bytesMax = this.#admission?.bodyBytesMax;
    if (bytesMax !== undefined && body.payloadBytes > bytesMax) {
      exchange.abort('body_too_large');
      this.#exchange = undefined;
      this.#refuse(413, 'body_too_large', `The request body is larger than ${bytesMax} bytes.`);
      return;
    }
    this.#pending = used === bytes.length ? EMPTY : bytes.subarray(used);
    exchange.sendBody(used === bytes.length ? bytes : bytes.subarray(0, used));
  }

  #next(): void {
    this.#phase = 'head';
    this.#touchedMs = Date.now();
    this.#head = undefined;
    this.#admission = undefined;
    this.#heldCall = undefined;
    this.#body = undefined;
    this.#releaseHeld();
    this.socket.resume();
    if (this.#pending.length > 0) this.#readHead();
  }

  /** Answers a request that is not forwarded; the connection lives on when nothing of the body is owed. */
  #answer(
    status: number,
    code: string,
    detail: string,
    requestId: string,
    headers: readonly string[] = [],
    extra: Readonly<Record<string, string>> = {},
  ): void {
    const head = this.#head as RequestHead;
    const keep = this.bodyComplete() && keepsAlive(head) && !this.#draining;
    this.socket.write(
      problemResponse({ status, code, detail, requestId, headers, extra }, head.method, keep),
    );
    if (keep) this.#next();
    else this.#close();
  }

  /** Answers and closes: what follows on the connection cannot be trusted or is not wanted. */
  #refuse(status: number, code: string, detail: string): void {
    if (this.socket.destroyed) return;
    const requestId =
      this.#admission?.requestId ?? this.#heldCall?.requestId ?? this.#gateway.loop.nextRequestId();
    this.socket.write(
      problemResponse(
        { status, code, detail, requestId, headers: retryLater(code) },
        this.#head?.method ?? 'GET',
        false,
      ),
    );
    this.#close();
  }

  /** Sends what is written and then reads on for a moment, so that a reset does not destroy the answer. */
  #close(): void {
    this.#phase = 'closing';
    this.#touchedMs = Date.now();
    this.#pending = EMPTY;
    this.#releaseHeld();
    this.socket.resume();
    this.socket.end();
  }
}

/** Where the same request may well succeed a moment later. */
function retryLater(code: string): string[] {
  return code === 'lease_expired' ? ['Retry-After', '1'] : [];
}
