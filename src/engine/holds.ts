import { createHash } from 'node:crypto';
import type { Finding } from '../journal/entry.js';

/** How long a hold waits for a word, an approval for its request, and a denial against its repetition. */
const WAIT_MS = 24 * 3_600_000;
const APPROVAL_MS = 15 * 60_000;
const HOLDS_MAX = 10_000;

export type HoldState = 'pending' | 'approved' | 'denied' | 'used';

/** A request that waits for a person. */
export interface Hold {
  readonly id: string;
  readonly key: string;
  readonly tenant: string;
  readonly principal: string;
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly privilege: number;
  readonly address: string;
  readonly userAgent: string;
  /** SHA-256 of what was asked, body included: only this very request can be let through. */
  readonly requestHash: string;
  readonly openedMs: number;
  readonly finding: Finding | undefined;
  /** Network and client that it came from, as the detector knows them. */
  readonly source: number | undefined;
  /** Times the client asked again. */
  asked: number;
  state: HoldState;
  decidedBy?: string;
  decidedMs?: number;
}

/** What a request hash covers. The body is taken with its framing, as it came. */
export function requestHash(
  key: string,
  method: string,
  host: string,
  target: string,
  body: Uint8Array,
): string {
  const hash = createHash('sha256');
  for (const part of [key, method, host, target]) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.update(body).digest('base64url');
}

/** Requests that wait, in memory: after a restart the client asks again and a new hold begins. */
export class Holds {
  readonly #byId = new Map<string, Hold>();
  readonly #byRequest = new Map<string, Hold>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** The hold of this request: the one it has already, or a new one. */
  open(
    facts: Omit<Hold, 'id' | 'asked' | 'state' | 'openedMs'>,
    nowMs: number,
  ): { hold: Hold; isNew: boolean } {
    this.#expire(nowMs);
    const known = this.#byRequest.get(facts.requestHash);
    if (known !== undefined) {
      known.asked += 1;
      return { hold: known, isNew: false };
    }
    const hold: Hold = { ...facts, id: this.#newId(), openedMs: nowMs, asked: 1, state: 'pending' };
    this.#byId.set(hold.id, hold);
    this.#byRequest.set(hold.requestHash, hold);
    return { hold, isNew: true };
  }

  /** Uses an approval: true once, for the very request that was approved. */
  use(hash: string, nowMs: number): Hold | undefined {
    this.#expire(nowMs);
    const hold = this.#byRequest.get(hash);
    if (hold?.state !== 'approved') return undefined;
    hold.state = 'used';
    this.#byRequest.delete(hash);
    return hold;
  }

  /** The hold of a request, if it has one that still counts. */
  find(hash: string, nowMs: number): Hold | undefined {
    this.#expire(nowMs);
    return this.#byRequest.get(hash);
  }

  get(id: string): Hold | undefined {
    return this.#byId.get(id);
  }

  decide(hold: Hold, state: 'approved' | 'denied', by: string, nowMs: number): void {
    hold.state = state;
    hold.decidedBy = by;
    hold.decidedMs = nowMs;
  }

  /** Newest first. */
  list(nowMs: number, state?: HoldState): Hold[] {
    this.#expire(nowMs);
    return [...this.#byId.values()].filter((each) => state === undefined || each.state === state).reverse();
  }

  /** Insertion order is age. */
  #expire(nowMs: number): void {
    for (const hold of this.#byId.values()) {
      if (this.#byId.size <= HOLDS_MAX && nowMs - hold.openedMs < WAIT_MS) break;
      this.#forget(hold);
    }
    for (const hold of this.#byRequest.values()) {
      const approval = hold.state === 'approved' && nowMs - (hold.decidedMs ?? 0) > APPROVAL_MS;
      if (approval) this.#byRequest.delete(hold.requestHash);
    }
  }

  #forget(hold: Hold): void {
    this.#byId.delete(hold.id);
    if (this.#byRequest.get(hold.requestHash) === hold) this.#byRequest.delete(hold.requestHash);
  }
}
