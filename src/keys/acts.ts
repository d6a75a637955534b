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

/**
 * Administrative acts, one after the other: what reads a record, journals and writes it back must not
 * interleave. Each is in the journal, on disk, before it takes effect.
 */
export class Acts {
  readonly #journal: Journal;
  readonly now: () => number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal, now: () => number) {
    this.#journal = journal;
    this.now = now;
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  record(actor: string, action: string, target: string, detail: Record<string, unknown> = {}): Promise<void> {
    return this.#journal.append({ kind: 'act', time: this.now(), actor, action, target, detail }).durable();
  }
}
