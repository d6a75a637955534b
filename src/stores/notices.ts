import type { Database, RootDatabase } from 'lmdb';
import type { NoticeStore, WriteSet } from '../engine/ports.js';
import type { Delivery, Notice, ResetCode } from '../notices/records.js';
import { commit } from './commit.js';

/** Queue, time at which it is due, id. */
type DueKey = [queue: string, dueMs: number, id: string];

const SENT = 'sent';
/** Sorts behind every character of an id. */
const BEHIND = '\uffff';

/** Notices, their deliveries and reset codes: databases of their own in the one environment of the store. */
export class NoticeTables implements NoticeStore {
  readonly #root: RootDatabase;
  readonly #notices: Database<Notice, string>;
  readonly #deliveries: Database<Delivery, string>;
  readonly #due: Database<true, DueKey>;
  readonly #codes: Database<ResetCode, string>;

  constructor(root: RootDatabase) {
    this.#root = root;
    this.#notices = root.openDB({ name: 'notices' });
    this.#deliveries = root.openDB({ name: 'deliveries' });
    this.#due = root.openDB({ name: 'due' });
    this.#codes = root.openDB({ name: 'reset-codes' });
  }

  /** Inside the caller's transaction. */
  apply(set: WriteSet): void {
    for (const notice of set.notices ?? []) this.#notices.putSync(notice.id, notice);
    for (const code of set.codes ?? []) this.#codes.putSync(code.id, code);
    for (const delivery of set.deliveries ?? [])
      if (this.#deliveries.get(delivery.id) === undefined) this.#put(delivery, undefined);
  }

  notice(id: string): Notice | undefined {
    return this.#notices.get(id);
  }

  notices(): Notice[] {
    return [...this.#notices.getRange({})].map(({ value }) => value);
  }

  delivery(id: string): Delivery | undefined {
    return this.#deliveries.get(id);
  }

  deliveriesOf(message: string): Delivery[] {
    const range = this.#deliveries.getRange({ start: `${message}_`, end: `${message}_${BEHIND}` });
    return [...range].map(({ value }) => value);
  }

  deliveries(options: { after?: string } = {}): Iterable<Delivery> {
    const { after } = options;
    const range = after === undefined ? {} : { start: after, exclusiveStart: true };
    return this.#deliveries.getRange(range).map(({ value }) => value);
  }

  due(nowMs: number, after?: Delivery): Iterable<Delivery> {
    return this.#queue(SENT, nowMs, after);
  }

  nextDueMs(afterMs: number): number | undefined {
    const [next] = this.#due.getKeys({ start: [SENT, afterMs + 1, ''], end: [SENT, Infinity, ''], limit: 1 });
    return next?.[1];
  }

  waiting(stream: string): Iterable<Delivery> {
    return this.#queue(`poll ${stream}`, Number.MAX_SAFE_INTEGER);
  }

  code(id: string): ResetCode | undefined {
    return this.#codes.get(id);
  }

  async changeDelivery(
    id: string,
    change: (now: Delivery) => Delivery | undefined,
  ): Promise<Delivery | undefined> {
    return commit(this.#root, () => {
      const now = this.#deliveries.get(id);
      const next = now === undefined ? undefined : change(now);
      if (next !== undefined) this.#put(next, now);
      return next;
    });
  }

  async forget(ids: readonly string[]): Promise<void> {
    await commit(this.#root, () => {
      for (const id of ids) {
        const delivery = this.#deliveries.get(id);
        if (delivery !== undefined) this.#due.removeSync(dueKey(delivery));
        this.#deliveries.removeSync(id);
      }
    });
  }

  *#queue(queue: string, toMs: number, after?: Delivery): Iterable<Delivery> {
    const start: DueKey = after === undefined ? [queue, 0, ''] : dueKey(after);
    const range = { start, exclusiveStart: true, end: [queue, toMs, BEHIND] as DueKey };
    for (const [, , id] of this.#due.getKeys(range)) {
      const delivery = this.#deliveries.get(id);
      if (delivery !== undefined) yield delivery;
    }
  }

  #put(next: Delivery, before: Delivery | undefined): void {
    if (before !== undefined) this.#due.removeSync(dueKey(before));
    this.#deliveries.putSync(next.id, next);
    // What is being sent stays in the queue: after a crash it is found there.
    if (next.state === 'pending' || next.state === 'sending') this.#due.putSync(dueKey(next), true);
  }
}

function dueKey({ channel, recipient, nextMs, id }: Delivery): DueKey {
  return [channel === 'poll' ? `poll ${recipient}` : SENT, nextMs, id];
}
