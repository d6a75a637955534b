import type { Socket } from 'node:net';
import type { Confirmation, GatewayRecord, KeyStanding } from '../engine/ports.js';
import { FarDesk } from './desk.js';
import { GrantedLease } from './lease.js';
import { type Answer, encode, type FromControl, type Question } from './protocol.js';

/** Bytes that may wait for a gateway that does not read; more, and it has to join anew. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** How long an operator waits for a gateway. */
const ANSWER_MS = 2_000;

export interface PeerEvents {
  /** Its lease ran out; nobody gave it back. */
  readonly lost: (peer: Peer) => void;
  /** It has neither connection nor lease. */
  readonly gone: (peer: Peer) => void;
}

interface Asked {
  readonly answered: (answer: Answer) => void;
  readonly unanswered: () => void;
}

interface Wait {
  readonly sinceMs: number;
  readonly resolve: (confirmation: Confirmation) => void;
}

/** One start of a gateway process as the control process sees it, until its lease is over and its connection closed. */
export class Peer {
  readonly record: GatewayRecord;
  readonly #lease: GrantedLease;
  readonly #events: PeerEvents;
  readonly #waits = new Map<number, Wait>();
  readonly #questions = new Map<number, Asked>();
  #n = 0;
  /** For operators: what it holds, and what it has learned. */
  readonly desk = new FarDesk((question) => this.#ask(question));
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Wall-clock time at which its lease ran out, while it has no other. */
  #lostAtMs: number | undefined;
  #left = false;

  constructor(record: GatewayRecord, events: PeerEvents) {
    this.record = record;
    this.#lease = new GrantedLease(record.leaseMs);
    this.#events = events;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  get live(): boolean {
    return this.#lease.isLive(performance.now());
  }

  /** It may accept requests although it holds no lease, and has not said that it stopped. */
  get acceptsAnyway(): boolean {
    return this.record.policy === 'continue' && !this.live && !this.#left;
  }

  isOver(socket: Socket): boolean {
    return this.#socket !== socket;
  }

  /** A connection of its own; one that it had before is cut. */
  attach(socket: Socket): void {
    const before = this.#socket;
    this.#socket = socket;
    before?.destroy();
    this.#hangUp();
  }

  detach(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#hangUp();
    if (!this.live) this.#end();
  }

  send(message: FromControl): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.write(encode(message));
    if (socket.writableLength > WAITING_BYTES_MAX) socket.destroy();
  }

  /** Counts as live for one lease more, whatever came before: for those whom an earlier control process knew. */
  assumeLive(): void {
    this.#lease.extend(performance.now());
    this.#watch();
  }

  answered(n: number, answer: Answer): void {
    this.#questions.get(n)?.answered(answer);
  }

  /** Answered only where it may go on. */
  renew(n: number, applied: number): void {
    this.acknowledge(applied, []);
    if (!this.#lease.renew(performance.now())) return;
    this.#lostAtMs = undefined;
    this.send({ type: 'grant', n, leaseMs: this.#lease.leaseMs });
    this.#watch();
  }

  /** Tells it of a change. @returns when it knows or has lost its lease; undefined where it has never had one */
  tell(change: Extract<FromControl, { type: 'change' }>): Promise<Confirmation> | undefined {
    const nowMs = performance.now();
    this.#lease.told(change.seq, nowMs);
    this.send(change);
    if (!this.live) return this.#withoutLease();
    return new Promise((resolve) => {
      this.#waits.set(change.seq, { sinceMs: nowMs, resolve });
    });
  }

  /** @param keys how they stood, of the change `seq` itself; what came before it is known, too */
  acknowledge(seq: number, keys: readonly KeyStanding[]): void {
    this.#lease.acknowledged(seq);
    for (const [each, wait] of this.#waits) {
      if (each > seq) break;
      this.#waits.delete(each);
      wait.resolve(this.#confirmation('acknowledged', wait, each === seq ? keys : []));
    }
  }

  /** It accepts nothing any more, by its own word. */
  leave(): void {
    this.#left = true;
    this.#lease.giveBack();
    this.#settle('acknowledged');
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The control process stops. Who waits gets no answer: nothing false may be signed. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waits.clear();
    this.#socket?.destroy();
  }

  #ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#n += 1;
      const n = this.#n;
      const unanswered = () => {
        clearTimeout(timer);
        this.#questions.delete(n);
        reject(new Error(`Gateway ${this.record.name} did not answer.`));
      };
      const timer = setTimeout(unanswered, ANSWER_MS);
      const answered = (answer: Answer) => {
        clearTimeout(timer);
        this.#questions.delete(n);
        resolve(answer);
      };
      this.#questions.set(n, { answered, unanswered });
      if (this.connected) this.send({ type: 'ask', n, question });
      else unanswered();
    });
  }

  /** What was asked on a connection is answered on it or never. */
  #hangUp(): void {
    for (const { unanswered } of [...this.#questions.values()]) unanswered();
  }

  /** A timer that looks again: the lease may have been renewed meanwhile. */
  #watch(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        if (this.live) this.#watch();
        else this.#expired();
      },
      Math.max(1, Math.ceil(this.#lease.untilMs - performance.now())),
    );
  }

  #withoutLease(): Promise<Confirmation> | undefined {
    const atMs = this.#lostAtMs ?? (this.acceptsAnyway ? Date.now() : undefined);
    if (atMs === undefined || this.#left) return undefined;
    const { name, pid, policy } = this.record;
    return Promise.resolve({ name, pid, policy, kind: 'expired', atMs, milliseconds: 0, keys: [] });
  }

  #expired(): void {
    this.#lostAtMs = Date.now();
    this.#settle('expired');
    this.#events.lost(this);
    if (!this.connected) this.#end();
  }

  #settle(kind: Confirmation['kind']): void {
    for (const wait of this.#waits.values()) wait.resolve(this.#confirmation(kind, wait, []));
    this.#waits.clear();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#settle('expired');
    this.#events.gone(this);
  }

  #confirmation(kind: Confirmation['kind'], { sinceMs }: Wait, keys: readonly KeyStanding[]): Confirmation {
    const { name, pid, policy } = this.record;
    return { name, pid, policy, kind, atMs: Date.now(), milliseconds: performance.now() - sinceMs, keys };
  }
}
