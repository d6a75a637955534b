import { randomBytes } from 'node:crypto';
import net from 'node:net';
import type { Desk } from '../engine/desk.js';
import type { LeasePolicy, Standing } from '../engine/ports.js';
import type { Applier } from './applier.js';
import { answerFrom } from './desk.js';
import { HeldLease } from './lease.js';
import {
  Decoder,
  type Enrolment,
  encode,
  type FromControl,
  type FromGateway,
  fromControl,
  PROTOCOL,
  ProtocolFault,
  type Question,
  type UsageRow,
} from './protocol.js';

export interface MembershipParts {
  readonly socketPath: string;
  readonly name: string;
  readonly policy: LeasePolicy;
  readonly renewMs: number;
  readonly applier: Applier;
  /** What this gateway holds and has learned, for operators. */
  readonly desk: Desk;
  /** The lease was lost or is held again. */
  readonly leaseChanged: (held: boolean, lostConnection: string | undefined) => void;
  /** The control process does not want this gateway; it is asked again. */
  readonly refused: (why: string) => void;
}

const AGAIN_MS = 100;
/** Unanswered enrolments; more are not asked for. */
const ENROLMENTS_MAX = 1_000;

/** A gateway's tie to the control process: joins, keeps its lease, applies changes, reports what it counted. */
export class Membership implements Standing {
  readonly #parts: MembershipParts;
  readonly #instance = randomBytes(12).toString('hex');
  readonly #lease = new HeldLease();
  readonly #enrolments = new Map<number, (stored: boolean) => void>();
  #socket: net.Socket | undefined;
  #joined = false;
  #applied = 0;
  /** The last change that was applied when it last asked for a lease. */
  #askedAt = -1;
  #held = false;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #n = 0;
  #usageTaken: (() => void) | undefined;
  #closed = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#connect();
    this.#timer = setInterval(() => this.#tick(), this.#parts.renewMs);
  }

  mayAccept(): boolean {
    return this.#parts.policy === 'continue' || this.#lease.isValid(performance.now());
  }

  /** Whether it goes by what it knew when it last held its lease. */
  get stale(): boolean {
    return !this.#lease.isValid(performance.now());
  }

  /** Resolves when the control process has written it; undefined where it cannot be told. One report at a time. */
  report(rows: readonly UsageRow[]): Promise<void> | undefined {
    if (!this.#joined || this.#usageTaken !== undefined) return undefined;
    return new Promise((resolve) => {
      this.#usageTaken = resolve;
      this.#send({ type: 'usage', n: this.#next(), rows: [...rows] });
    });
  }

  enrol(key: Enrolment): Promise<boolean> {
    if (!this.#joined || this.#enrolments.size >= ENROLMENTS_MAX) return Promise.resolve(false);
    return new Promise((resolve) => {
      const n = this.#next();
      this.#enrolments.set(n, resolve);
      this.#send({ type: 'enrol', n, key });
    });
  }

  /** Call it when nothing is accepted any more: nobody waits for the lease then. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    const socket = this.#socket;
    if (socket === undefined) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (this.#joined) this.#send({ type: 'leave' });
    socket.end();
    const timer = setTimeout(() => socket.destroy(), 1_000);
    await closed;
    clearTimeout(timer);
  }

  #next(): number {
    this.#n += 1;
    return this.#n;
  }

  #send(message: FromGateway): void {
    this.#socket?.write(encode(message));
  }

  #tick(): void {
    if (this.#joined) this.#ask();
    // Without its control process it can at least read what the store says.
    else if (this.#parts.policy === 'continue') this.#parts.applier.refreshAll();
    this.#tellLease();
  }

  #ask(): void {
    this.#askedAt = this.#applied;
    this.#send({ type: 'renew', n: this.#lease.ask(performance.now()), applied: this.#applied });
  }

  #tellLease(): void {
    const held = !this.stale;
    if (held === this.#held) return;
    this.#held = held;
    this.#parts.leaseChanged(held, this.#problem);
  }

  #connect(): void {
    const socket = net.connect(this.#parts.socketPath);
    const decoder = new Decoder<FromControl>(fromControl);
    const { name, policy } = this.#parts;
    this.#socket = socket;
    socket.on('connect', () =>
      this.#send({
        type: 'join',
        protocol: PROTOCOL,
        name,
        instance: this.#instance,
        pid: process.pid,
        policy,
      }),
    );
    socket.on('data', (bytes: Buffer) => {
      if (this.#socket !== socket) return;
      try {
        for (const message of decoder.take(bytes)) this.#message(message);
        // Out of lease and further than when it last asked: no need to wait for the next turn.
        if (this.#joined && this.stale && this.#applied !== this.#askedAt) this.#ask();
      } catch (error) {
        this.#problem = (error as Error).message;
        socket.destroy();
      }
      this.#tellLease();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#problem = error.code ?? error.message;
    });
    socket.on('close', () => this.#disconnected(socket));
  }

  #disconnected(socket: net.Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#joined = false;
    this.#lease.forgetAsked();
    this.#usageTaken?.();
    this.#usageTaken = undefined;
    for (const resolve of this.#enrolments.values()) resolve(false);
    this.#enrolments.clear();
    if (!this.#closed) this.#again = setTimeout(() => this.#connect(), AGAIN_MS);
  }

  #message(message: FromControl): void {
    switch (message.type) {
      case 'welcome':
        // Whatever changed while it was away is in the store; what changes from now on it is told.
        this.#parts.applier.refreshAll();
        this.#applied = message.seq;
        this.#joined = true;
        this.#problem = undefined;
        this.#ask();
        return;
      case 'change':
        this.#change(message);
        return;
      case 'grant':
        this.#lease.granted(message.n, message.leaseMs);
        return;
      case 'refused':
        this.#parts.refused(message.why);
        return;
      case 'usageTaken':
        this.#usageTaken?.();
        this.#usageTaken = undefined;
        return;
      case 'enrolled':
        this.#enrolments.get(message.n)?.(message.stored);
        this.#enrolments.delete(message.n);
        return;
      case 'ask':
        void this.#answer(message.n, message.question);
        return;
    }
  }

  /** Without an answer the control process waits no longer than it has time. */
  async #answer(n: number, question: Question): Promise<void> {
    try {
      const answer = await answerFrom(this.#parts.desk, question);
      this.#send({ type: 'answer', n, ...answer });
    } catch {
      this.#problem = 'an operator could not be answered';
    }
  }

  #change({ seq, keys, tenants, cut }: Extract<FromControl, { type: 'change' }>): void {
    if (seq !== this.#applied + 1) throw new ProtocolFault(`Change ${seq} came after ${this.#applied}.`);
    const nowMs = Date.now();
    const standing = this.#parts.applier.apply({ keys, tenants }, cut);
    this.#applied = seq;
    this.#send({
      type: 'ack',
      seq,
      keys: standing.map(({ last, ...rest }) => ({
        ...rest,
        last: last && { request: last.request, agoMs: Math.max(0, nowMs - last.timeMs) },
      })),
    });
  }
}
