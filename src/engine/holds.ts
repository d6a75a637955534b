import type { Finding } from '../journal/entry.js';

/** How long a hold waits for a person, how long a refusal stands, and how long an approval waits for its request. */
const WAIT_MS = 24 * 3_600_000;
const DENIAL_MS = 24 * 3_600_000;
const APPROVAL_MS = 15 * 60_000;
/** Who holds a stolen key can ask for anything: no key's holds push out another's, until very many keys do that. */
const PENDING_PER_KEY_MAX = 50;
const HOLDS_MAX = 10_000;
/** Of what the client chose. */
const TEXT_CHARS_MAX = 2_048;
const FIELDS_MAX = 50;
const FIELD_CHARS_MAX = 128;

/** `expired`: it was approved, and its request did not come in time. */
export const HOLD_STATES = ['pending', 'approved', 'denied', 'used', 'expired'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

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
  readonly bodyBytes: number;
  /** Names of fields in query and body: what they say may be secret. */
  readonly fields: readonly string[];
  /** Only this very request can be let through. */
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

export interface HoldFilter {
  readonly state?: HoldState;
  readonly key?: string;
}

/** Requests that wait, in memory: after a restart the client asks again and a new hold begins. */
export class Holds {
  /** The oldest first. */
  readonly #byId = new Map<string, Hold>();
  readonly #byRequest = new Map<string, Hold>();
  readonly #pendingOf = new Map<string, Set<Hold>>();
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
    const hold: Hold = {
      ...facts,
      ...{ path: facts.path.slice(0, TEXT_CHARS_MAX), userAgent: facts.userAgent.slice(0, TEXT_CHARS_MAX) },
      fields: facts.fields.slice(0, FIELDS_MAX).map((name) => name.slice(0, FIELD_CHARS_MAX)),
      ...{ id: this.#newId(), openedMs: nowMs, asked: 1, state: 'pending' },
    };
    this.#makeRoom(hold.key);
    this.#byId.set(hold.id, hold);
    this.#byRequest.set(hold.requestHash, hold);
    const pending = this.#pendingOf.get(hold.key) ?? new Set();
    this.#pendingOf.set(hold.key, pending.add(hold));
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

  /**
   * Takes back an approval whose request never left: it counts again, for as long as it would have.
   * @returns false where the request has been decided anew meanwhile
   */
  giveBack(hold: Hold): boolean {
    const other = this.#byRequest.get(hold.requestHash);
    if (this.#byId.get(hold.id)?.state !== 'used') return false;
    if (other !== undefined && other.state !== 'pending') return false;
    if (other !== undefined) this.#forget(other);
    hold.state = 'approved';
    this.#byRequest.set(hold.requestHash, hold);
    return true;
  }

  get(id: string, nowMs: number): Hold | undefined {
    this.#expire(nowMs);
    return this.#byId.get(id);
  }

  decide(hold: Hold, state: 'approved' | 'denied', by: string, nowMs: number): void {
    this.#settle(hold);
    hold.state = state;
    hold.decidedBy = by;
    hold.decidedMs = nowMs;
  }

  /** Newest first. */
  list(nowMs: number, { state, key }: HoldFilter = {}): Hold[] {
    this.#expire(nowMs);
    return [...this.#byId.values()]
      .filter((each) => state === undefined || each.state === state)
      .filter((each) => key === undefined || each.key === key)
      .reverse();
  }

  /** The oldest that waits makes room: of the same key, or of any where there are too many in all. */
  #makeRoom(key: string): void {
    const [oldest] = this.#pendingOf.get(key) ?? [];
    if (oldest !== undefined && (this.#pendingOf.get(key)?.size ?? 0) >= PENDING_PER_KEY_MAX)
      this.#forget(oldest);
    if (this.#byId.size < HOLDS_MAX) return;
    const all = [...this.#byId.values()];
    const last = all.find(({ state }) => state !== 'approved' && state !== 'denied') ?? all[0];
    if (last !== undefined) this.#forget(last);
  }

  #expire(nowMs: number): void {
    for (const hold of this.#byId.values()) {
      if (nowMs - hold.openedMs < WAIT_MS) break;
      if (!waitsForRequest(hold, nowMs) && !refuses(hold, nowMs)) this.#forget(hold);
    }
    for (const hold of this.#byRequest.values()) {
      if (hold.state !== 'approved' || waitsForRequest(hold, nowMs)) continue;
      hold.state = 'expired';
      this.#byRequest.delete(hold.requestHash);
    }
  }

  #forget(hold: Hold): void {
    this.#settle(hold);
    this.#byId.delete(hold.id);
    if (this.#byRequest.get(hold.requestHash) === hold) this.#byRequest.delete(hold.requestHash);
  }

  /** It waits no longer. */
  #settle(hold: Hold): void {
    const pending = this.#pendingOf.get(hold.key);
    pending?.delete(hold);
    if (pending?.size === 0) this.#pendingOf.delete(hold.key);
  }
}

/** It is approved, and its time has not gone by: nor has the clock been set back, which would make it longer. */
function waitsForRequest({ state, decidedMs = 0 }: Hold, nowMs: number): boolean {
  return state === 'approved' && Math.abs(nowMs - decidedMs) <= APPROVAL_MS;
}

/** It is denied, and is so for a day from when it was: not from when it was asked. */
function refuses({ state, decidedMs = 0 }: Hold, nowMs: number): boolean {
  return state === 'denied' && nowMs - decidedMs < DENIAL_MS;
}
