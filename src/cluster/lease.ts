/**
 * A lease from both of its sides. Times are milliseconds of each process's own monotonic clock, passed in: a wall
 * clock that is wrong or jumps changes nothing. The holder counts from the moment it sent its request, the granter
 * from the moment it answered, so the holder's view always ends first.
 */

/** Renewals under way; older ones are forgotten, and a late answer to them gives nothing. */
const RENEWALS_MAX = 64;
/** Part of the lease that the holder gives away: a pause of so long between its last look and its act does no harm. */
const MARGIN = 0.2;

/** The side of a gateway. */
export class HeldLease {
  #untilMs = Number.NEGATIVE_INFINITY;
  #next = 1;
  readonly #sentMs = new Map<number, number>();

  /** A renewal goes out now. @returns its number */
  ask(nowMs: number): number {
    const n = this.#next;
    this.#next += 1;
    this.#sentMs.set(n, nowMs);
    for (const old of this.#sentMs.keys()) {
      if (this.#sentMs.size <= RENEWALS_MAX) break;
      this.#sentMs.delete(old);
    }
    return n;
  }

  granted(n: number, leaseMs: number): void {
    const sentMs = this.#sentMs.get(n);
    if (sentMs === undefined) return;
    this.#sentMs.delete(n);
    this.#untilMs = Math.max(this.#untilMs, sentMs + leaseMs * (1 - MARGIN));
  }

  isValid(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** The connection ended: what was asked over it is not answered any more. The lease itself runs on. */
  forgetAsked(): void {
    this.#sentMs.clear();
  }
}

/** The side of the control process, with the changes that the holder has been told of. */
export class GrantedLease {
  #untilMs = Number.NEGATIVE_INFINITY;
  readonly leaseMs: number;
  /** Changes told and not acknowledged, oldest first: number and time. */
  readonly #told = new Map<number, number>();

  constructor(leaseMs: number) {
    this.leaseMs = leaseMs;
  }

  get untilMs(): number {
    return this.#untilMs;
  }

  /** Changes that are not acknowledged yet. */
  get owed(): number {
    return this.#told.size;
  }

  told(change: number, nowMs: number): void {
    this.#told.set(change, nowMs);
  }

  /** Everything up to `change` has been applied. */
  acknowledged(change: number): void {
    for (const each of this.#told.keys()) {
      if (each > change) break;
      this.#told.delete(each);
    }
  }

  /** Who does not acknowledge gets no more time, so that nobody waits for him longer than one and a half leases. */
  renew(nowMs: number): boolean {
    const [oldestMs] = this.#told.values();
    if (oldestMs !== undefined && nowMs - oldestMs > this.leaseMs / 2) return false;
    this.extend(nowMs);
    return true;
  }

  /** What an earlier control process may have granted just before it ended. */
  extend(nowMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, nowMs + this.leaseMs);
  }

  isLive(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** Given back by its holder, who accepts nothing any more. */
  giveBack(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }
}
