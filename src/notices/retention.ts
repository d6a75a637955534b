import type { NoticeStore } from '../engine/ports.js';
import type { Delivery } from './records.js';

/** How long an event is kept for its receiver, and for whoever asks what became of it. Notices are kept for good. */
const EVENT_DAYS = 30;
const DAY_MS = 86_400_000;
/** Looked at in one go: requests must not wait for it. */
const PIECE = 500;

/** Removes events that are over, or that nobody fetched in a month. @returns how many */
export async function forgetOldEvents(store: NoticeStore, nowMs: number): Promise<number> {
  const before = nowMs - EVENT_DAYS * DAY_MS;
  let after: string | undefined;
  let forgotten = 0;
  for (;;) {
    const piece: Delivery[] = [];
    for (const each of store.deliveries({ after })) {
      piece.push(each);
      if (piece.length === PIECE) break;
    }
    const old = piece.filter((each) => each.event !== undefined && over(each, before)).map(({ id }) => id);
    if (old.length > 0) await store.forget(old);
    forgotten += old.length;
    if (piece.length < PIECE) return forgotten;
    after = piece.at(-1)?.id;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function over({ endedMs, createdMs, channel }: Delivery, before: number): boolean {
  return (endedMs ?? (channel === 'poll' ? createdMs : Number.POSITIVE_INFINITY)) < before;
}
