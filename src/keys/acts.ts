import type { Journal } from '../engine/ports.js';

/** An act that cannot be carried out; the text is for the operator. */
export class ActFault extends Error {
  override readonly name = 'ActFault';
  readonly code: 'not_found' | 'conflict' | 'invalid';

  constructor(code: 'not_found' | 'conflict' | 'invalid', message: string) {
    super(message);
    this.code = code;
  }
}

/** What most acts are about: what lies in the store. */
const RECORDS = 'records';

/**
 * Administrative acts, one after the other: what reads a record, journals and writes it back must not
 * interleave. Each is in the journal, on disk, before it takes effect.
 */
export class Acts {
  readonly #journal: Journal;
  readonly now: () => number;
  /** Of each thing that acts are about, the last one, while there is one under way. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(journal: Journal, now: () => number) {
    this.#journal = journal;
    this.now = now;
  }

  /**
   * @param about what it must not interleave with other acts on. An act that asks gateways names what it asks about: one that
   * does not answer must hold up nothing else, a revocation least of all.
   */
  run<T>(task: () => Promise<T>, about = RECORDS): Promise<T> {
    const result = (this.#last.get(about) ?? Promise.resolve()).then(task);
    const ended = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(about) === ended) this.#last.delete(about);
      });
    this.#last.set(about, ended);
    return result;
  }

  record(actor: string, action: string, target: string, detail: Record<string, unknown> = {}): Promise<void> {
    return this.#journal.append({ kind: 'act', time: this.now(), actor, action, target, detail }).durable();
  }
}
