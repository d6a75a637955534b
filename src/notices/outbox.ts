import type { NoticeStore } from '../engine/ports.js';
import { ActFault, type Acts } from '../keys/acts.js';
import type { Channel, Delivery } from './records.js';

/** How an attempt ended. `permanent`: trying again would not help until somebody changes something. */
export type SendResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly permanent: boolean; readonly problem: string };

export interface Sender {
  /** At most so many attempts at a time for one destination. */
  readonly atOnceMax: number;
  /** What a slow answer of one recipient must not hold up: everything with another destination. */
  destination(delivery: Delivery): string;
  /** Never rejects for what the other side does. */
  send(delivery: Delivery, signal: AbortSignal): Promise<SendResult>;
}

export interface RetryPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly attemptsMax: number;
}

interface Parts {
  readonly store: NoticeStore;
  readonly acts: Acts;
  readonly senders: Partial<Record<Channel, Sender>>;
  readonly retries: RetryPolicy;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Longest time for one attempt, whatever the other side does. */
  readonly attemptMs: number;
  /** An attempt has ended, and this is where it leaves the delivery. */
  readonly tried: (delivery: Delivery) => void;
  /** The outbox itself failed, as when the disk is full. */
  readonly failed: (error: unknown) => void;
}

const IN_FLIGHT_MAX = 32;
/** Due deliveries looked at in one round; the next round goes on behind them, so that one busy recipient blocks none. */
const LOOK_MAX = 1_000;
const NEXT_LOOK_MS = 100;
const IDLE_MS = 60_000;
const TROUBLE_MS = 1_000;

/** Waits before attempt `attempts + 1`: doubling, and spread over the upper half so that retries do not march in step. */
export function backoffMs(policy: RetryPolicy, attempts: number, random: number): number {
  const full = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(full * (0.5 + random / 2));
}

/**
 * Sends what is due, each delivery under one id for all of its attempts. `sending` is on disk before the first
 * byte leaves, the result before anything else is done with it. So what is in doubt after a crash is known, and is
 * sent again under the same id: nothing is lost, and what a recipient may see twice carries an id it has seen.
 */
export class Outbox {
  readonly #parts: Parts;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #busy = new Map<string, number>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #open = false;
  /** Where the last round stopped looking. */
  #looked: Delivery | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#open = true;
    this.wake();
  }

  /** Looks again, soon. */
  wake(): void {
    this.#schedule(0);
  }

  /** Lets attempts end for so long; what then is still under way is in doubt, and the next start takes it up. */
  async close(graceMs: number): Promise<void> {
    this.#open = false;
    clearTimeout(this.#timer);
    const ended = Promise.all(this.#inFlight.values());
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      ended,
      new Promise((resolve) => {
        timer = setTimeout(resolve, graceMs);
      }),
    ]);
    clearTimeout(timer);
    this.#stop.abort();
    await ended;
  }

  /** An operator does not want to wait, or has mended what was broken. */
  retry(actor: string, id: string): Promise<Delivery> {
    const { store, acts } = this.#parts;
    return acts.run(async () => {
      const delivery = store.delivery(id);
      if (delivery === undefined) throw new ActFault('not_found', `There is no delivery ${id}.`);
      const { state, channel } = delivery;
      if (channel === 'poll') throw new ActFault('conflict', `Its receiver fetches ${id} when it likes.`);
      if (state !== 'failed' && state !== 'pending')
        throw new ActFault('conflict', `Delivery ${id} is ${state}; there is nothing to try again.`);
      await acts.record(actor, 'delivery.retry', id, { channel, recipient: delivery.recipient });
      const changed = await store.changeDelivery(id, ({ endedMs: _, ...now }) =>
        now.state === 'failed' || now.state === 'pending'
          ? { ...now, state: 'pending', attempts: 0, nextMs: acts.now() }
          : undefined,
      );
      this.wake();
      return changed ?? delivery;
    });
  }

  #schedule(ms: number): void {
    if (!this.#open) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#round(), ms);
  }

  #round(): void {
    const { store, acts, failed } = this.#parts;
    const now = acts.now();
    let looked = 0;
    let last: Delivery | undefined;
    try {
      for (const delivery of store.due(now, this.#looked)) {
        if (this.#inFlight.size >= IN_FLIGHT_MAX || looked >= LOOK_MAX) break;
        this.#begin(delivery);
        looked += 1;
        last = delivery;
      }
      this.#looked = looked >= LOOK_MAX ? last : undefined;
      // Whatever ends wakes the next round; only what is due later needs the clock.
      const next = store.nextDueMs(now) ?? Number.POSITIVE_INFINITY;
      const soon = looked >= LOOK_MAX ? NEXT_LOOK_MS : IDLE_MS;
      this.#schedule(Math.min(soon, Math.max(1, next - now)));
    } catch (error) {
      failed(error);
      this.#schedule(TROUBLE_MS);
    }
  }

  #begin(delivery: Delivery): void {
    const sender = this.#parts.senders[delivery.channel];
    if (sender === undefined || this.#inFlight.has(delivery.id)) return;
    const destination = `${delivery.channel} ${sender.destination(delivery)}`;
    const busy = this.#busy.get(destination) ?? 0;
    if (busy >= sender.atOnceMax) return;
    this.#busy.set(destination, busy + 1);
    const done = this.#attempt(delivery.id, sender)
      .catch((error) => {
        this.#parts.failed(error);
        return TROUBLE_MS;
      })
      .then((pauseMs) => {
        this.#inFlight.delete(delivery.id);
        const left = (this.#busy.get(destination) ?? 1) - 1;
        if (left === 0) this.#busy.delete(destination);
        else this.#busy.set(destination, left);
        this.#schedule(pauseMs);
      });
    this.#inFlight.set(delivery.id, done);
  }

  /** @returns how long to pause before the next round */
  async #attempt(id: string, sender: Sender): Promise<number> {
    const { store, attemptMs } = this.#parts;
    const begun = await store.changeDelivery(id, (now) => this.#beginning(now));
    if (begun?.state !== 'sending') return 0;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(attemptMs)]);
    const result = await sender.send(begun, signal).catch((error): SendResult => {
      this.#parts.failed(error);
      return { ok: false, permanent: false, problem: 'Keyward itself failed; its log says how' };
    });
    // Cut off by the stop of the guard: nobody knows how it ended, and `sending` says so.
    if (!result.ok && this.#stop.signal.aborted) return 0;
    const ended = await store.changeDelivery(id, (now) =>
      now.state === 'sending' ? this.#ended(now, result) : undefined,
    );
    if (ended !== undefined) this.#parts.tried(ended);
    return 0;
  }

  #beginning(now: Delivery): Delivery | undefined {
    const atMs = this.#parts.acts.now();
    const { endedMs: _, ...rest } = now;
    if (this.#withdrawn(now)) return { ...rest, state: 'cancelled', endedMs: atMs };
    if (now.state === 'sending')
      return { ...rest, inDoubt: now.inDoubt + 1, attempts: now.attempts + 1, lastMs: atMs };
    if (now.state === 'pending')
      return { ...rest, state: 'sending', attempts: now.attempts + 1, lastMs: atMs };
    return undefined;
  }

  #ended(now: Delivery, result: SendResult): Delivery {
    const { retries, acts, random } = this.#parts;
    const atMs = acts.now();
    const { problem: _, ...rest } = now;
    if (result.ok) return { ...rest, state: 'delivered', endedMs: atMs };
    const { problem } = result;
    if (this.#withdrawn(now)) return { ...rest, state: 'cancelled', endedMs: atMs, problem };
    if (result.permanent || now.attempts >= retries.attemptsMax)
      return { ...rest, state: 'failed', endedMs: atMs, problem };
    return { ...rest, state: 'pending', nextMs: atMs + backoffMs(retries, now.attempts, random()), problem };
  }

  #withdrawn({ notice }: Delivery): boolean {
    return notice !== undefined && this.#parts.store.notice(notice)?.withdrawn !== undefined;
  }
}
