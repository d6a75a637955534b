import { forwards } from '../core/verdict.js';
import type { Outcome } from '../journal/entry.js';
import type { SlicedEntry } from '../journal/slice.js';

/** One call of a key as the journal tells it, its end included. */
export interface JournalCall {
  /** Which of the journals that were read, and the entry's number in it. */
  readonly journal: number;
  readonly seq: number;
  readonly timeMs: number;
  readonly request: string;
  readonly key: string;
  readonly tenant: string;
  readonly method: string;
  readonly operation: string;
  readonly privilege: number;
  readonly address: string;
  readonly asn: number | undefined;
  readonly country: string | undefined;
  readonly client: string;
  readonly objects: readonly string[];
  readonly score: number | undefined;
  /** The detector had something to say of it. */
  readonly flagged: boolean;
  /** The one that it waited in; where it was forwarded, the one that was approved. */
  readonly hold: string | undefined;
  readonly forwarded: boolean;
  /** Answer of the upstream; 0 where there was none. */
  status: number;
  bytesOut: number;
  /** Id of the object that it created. */
  created: string | undefined;
}

/** It was forwarded, and the upstream did it. */
export function succeeded({ forwarded, status }: JournalCall): boolean {
  return forwarded && status >= 200 && status < 400;
}

const NONE: readonly string[] = [];
/** Exchanges whose end is awaited, at most: beyond, the oldest count as without an answer. */
const OPEN_MAX = 100_000;

/** Puts decisions and their outcomes together again. */
export class CallReader {
  readonly calls: JournalCall[] = [];
  /** Calls beyond the bound: the oldest were dropped. */
  dropped = 0;
  readonly #callsMax: number;
  readonly #open = new Map<string, JournalCall>();

  constructor(callsMax: number) {
    this.#callsMax = callsMax;
  }

  note(entry: SlicedEntry, journal: number): void {
    if (entry.kind === 'outcome') {
      const call = this.#open.get(entry.request);
      if (call !== undefined) this.#end(call, entry.outcome);
      return;
    }
    if (entry.kind === 'decision' && entry.key !== undefined) this.#begin(entry, journal);
  }

  #begin(entry: Extract<SlicedEntry, { kind: 'decision' }>, journal: number): void {
    const call: JournalCall = {
      ...{ journal, seq: entry.seq, timeMs: entry.time, request: entry.request },
      ...{ key: entry.key as string, tenant: entry.tenant ?? '' },
      ...{ method: entry.method, operation: entry.operation, privilege: entry.privilege },
      ...{ address: entry.address, asn: entry.asn, country: entry.country, client: entry.userAgent },
      objects: entry.objects ?? NONE,
      ...{ score: entry.score, flagged: entry.finding !== undefined, hold: entry.finding?.hold },
      forwarded: forwards(entry),
      ...{ status: 0, bytesOut: 0, created: undefined },
    };
    this.calls.push(call);
    if (this.calls.length > this.#callsMax * 1.25)
      this.dropped += this.calls.splice(0, this.calls.length - this.#callsMax).length;
    if (entry.outcome !== undefined) this.#end(call, entry.outcome);
    else if (call.forwarded) {
      this.#open.set(call.request, call);
      if (this.#open.size > OPEN_MAX) this.#open.delete(this.#open.keys().next().value as string);
    }
  }

  #end(call: JournalCall, { status, bytesOut, created }: Outcome): void {
    call.status = status;
    call.bytesOut = bytesOut;
    call.created = created;
    this.#open.delete(call.request);
  }
}
