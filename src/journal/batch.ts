import type { JournalTicket } from '../engine/ports.js';
import type { JournalEntry, Outcome } from './entry.js';
import type { JournalFault } from './fault.js';

export type BatchState = 'open' | 'sealed' | 'written' | 'failed';

/** What a batch asks of the writer it belongs to. */
export interface BatchOwner {
  /** Somebody waits for an entry: seal as soon as possible. */
  hurry(): void;
  append(entry: JournalEntry): unknown;
}

const encoder = new TextEncoder();

/** Entries that become durable together. */
export class Batch {
  readonly owner: BatchOwner;
  readonly entries: JournalEntry[] = [];
  state: BatchState = 'open';
  /** When its first entry came. */
  openedMs = 0;
  urgent = false;
  #fault: JournalFault | undefined;
  #durable: PromiseWithResolvers | undefined;

  constructor(owner: BatchOwner) {
    this.owner = owner;
  }

  durable(): Promise<void> {
    if (this.state === 'written') return Promise.resolve();
    if (this.state === 'failed') return Promise.reject(this.#fault);
    if (!this.urgent) {
      this.urgent = true;
      this.owner.hurry();
    }
    this.#durable ??= withResolvers();
    return this.#durable.promise;
  }

  /** One line an entry, numbered from `first`; in memory of its own, to be handed to another thread. */
  seal(first: number): Uint8Array<ArrayBuffer> {
    this.state = 'sealed';
    const pieces: string[] = [];
    let seq = first;
    for (const entry of this.entries) {
      pieces.push(`{"seq":${seq},`, encode(entry).slice(1), '\n');
      seq += 1;
    }
    return encoder.encode(pieces.join(''));
  }

  written(): void {
    this.state = 'written';
    this.#durable?.resolve();
    this.#release();
  }

  fail(fault: JournalFault): void {
    this.state = 'failed';
    this.#fault = fault;
    this.#durable?.reject(fault);
    this.#release();
  }

  /** Tickets of long exchanges hold on to their batch; it must not hold the other entries. */
  #release(): void {
    this.entries.length = 0;
    this.#durable = undefined;
  }
}

/** A detail that JSON cannot hold (a cycle, a bigint) must not take the other entries with it. */
function encode(entry: JournalEntry): string {
  try {
    return JSON.stringify(entry);
  } catch (error) {
    const detail = { kind: entry.kind, problem: (error as Error).message };
    return JSON.stringify({ kind: 'system', time: entry.time, event: 'entry_unencodable', detail });
  }
}

export class Ticket implements JournalTicket {
  readonly #batch: Batch;
  readonly #entry: JournalEntry;

  constructor(batch: Batch, entry: JournalEntry) {
    this.#batch = batch;
    this.#entry = entry;
  }

  durable(): Promise<void> {
    return this.#batch.durable();
  }

  complete(outcome: Outcome, timeMs: number): void {
    const entry = this.#entry;
    const { state, owner } = this.#batch;
    // An outcome of a decision that was lost says nothing.
    if (entry.kind !== 'decision' || state === 'failed') return;
    if (state === 'open') entry.outcome = outcome;
    else owner.append({ kind: 'outcome', time: timeMs, request: entry.request, key: entry.key, outcome });
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (fault: JournalFault) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => {};
  let reject: (fault: JournalFault) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
