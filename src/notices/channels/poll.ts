import { createHash, timingSafeEqual } from 'node:crypto';
import type { NoticeStore } from '../../engine/ports.js';
import type { Stream, TokenSigner } from '../security-events.js';
import { plain } from '../text.js';

interface Parts {
  readonly store: NoticeStore;
  readonly streams: readonly Stream[];
  readonly signer: TokenSigner;
  readonly now: () => number;
}

/** RFC 8936 section 2.2. */
export interface PollRequest {
  readonly maxEvents: number;
  readonly returnImmediately: boolean;
  readonly ack: readonly string[];
  readonly setErrs: Readonly<Record<string, { readonly err: string; readonly description: string }>>;
}

export interface PollAnswer {
  readonly sets: Record<string, string>;
  readonly moreAvailable: boolean;
}

const EVENTS_MAX = 1_000;
const WAIT_MS = 30_000;
const LOOK_MS = 250;

/** Poll delivery of security event tokens, RFC 8936: what is not acknowledged is given again. */
export class PollStreams {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The stream whose token this is; a wrong name and a wrong token look the same. */
  authenticate(name: string, token: string): Stream | undefined {
    const stream = this.#parts.streams.find((each) => each.name === name && each.delivery === 'poll');
    const digest = (text: string) => createHash('sha256').update(text).digest();
    const same = timingSafeEqual(digest(stream?.token ?? ''), digest(token));
    return same && stream?.token !== undefined ? stream : undefined;
  }

  async poll(stream: Stream, request: PollRequest, signal: AbortSignal): Promise<PollAnswer> {
    for (const id of request.ack) await this.#settle(stream, id, undefined);
    for (const [id, { err }] of Object.entries(request.setErrs))
      await this.#settle(stream, id, `the receiver refused it (${plain(err).slice(0, 64)})`);
    const max = Math.min(request.maxEvents, EVENTS_MAX);
    if (max === 0) return { sets: {}, moreAvailable: this.#waiting(stream, 1).length > 0 };
    const endMs = this.#parts.now() + WAIT_MS;
    let found = this.#waiting(stream, max + 1);
    while (found.length === 0 && !request.returnImmediately && !signal.aborted) {
      if (this.#parts.now() >= endMs) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      // Gone, or the guard stops: then there may be no store any more.
      if (signal.aborted) break;
      found = this.#waiting(stream, max + 1);
    }
    const sets: Record<string, string> = {};
    for (const delivery of found.slice(0, max)) {
      sets[delivery.id] = await this.#parts.signer.token(delivery, stream.audience);
    }
    return { sets, moreAvailable: found.length > max };
  }

  #waiting(stream: Stream, max: number) {
    const found = [];
    for (const delivery of this.#parts.store.waiting(stream.name)) {
      found.push(delivery);
      if (found.length >= max) break;
    }
    return found;
  }

  async #settle(stream: Stream, id: string, problem: string | undefined): Promise<void> {
    const { store, now } = this.#parts;
    await store.changeDelivery(id, (delivery) => {
      if (delivery.recipient !== stream.name || delivery.channel !== 'poll') return undefined;
      if (delivery.state !== 'pending') return undefined;
      const ended = { ...delivery, attempts: delivery.attempts + 1, endedMs: now() };
      return problem === undefined
        ? { ...ended, state: 'delivered' }
        : { ...ended, state: 'failed', problem };
    });
  }
}
