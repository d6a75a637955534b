import type { Decision } from '../core/guard.js';
import { type Observation, PRIVILEGED_FROM } from '../core/observation.js';
import type { RateResult } from '../core/rate.js';
import { deny, forwards, type Verdict } from '../core/verdict.js';
import type { DecisionEntry, Finding, Outcome } from '../journal/entry.js';
import type { KeyDirectory } from '../keys/directory.js';
import type { Admission, Call, Refusal } from './admission.js';
import { decisionEntry } from './decision-entry.js';
import type { Journal, JournalTicket } from './ports.js';
import type { Upstream } from './routing.js';

/** Counts what happens; the metrics adapter implements it. */
export interface Observer {
  decided(upstream: string, verdict: Verdict, microseconds: number): void;
  /** A request that reached no decision. */
  turnedAway(code: Refusal['code']): void;
  /** A forwarded request ended. */
  finished(upstream: string, outcome: Outcome): void;
}

/** A decision with what it costs the key. */
export interface Decided {
  readonly verdict: Verdict;
  readonly finding: Finding | undefined;
  /** The place that it takes in the key's rate, unless it has taken it already. */
  readonly rate?: RateResult | undefined;
  /** Costs nothing where the call is refused. */
  readonly quota?: Decision['quota'] | undefined;
  /** By the monotonic clock; later by as long as it has waited for its body. */
  readonly startedMs: number;
}

/** Final decisions: each is one entry of the journal and counts once, however long the call waited for it. */
export class Decisions<U extends Upstream> {
  readonly #directory: KeyDirectory;
  readonly #journal: Journal;
  readonly #observer: Observer;
  readonly #found: (entry: DecisionEntry, ticket: JournalTicket) => void;

  constructor(parts: {
    directory: KeyDirectory;
    journal: Journal;
    observer: Observer;
    /** Told of each decision that the detector had something to say of. */
    found?: (entry: DecisionEntry, ticket: JournalTicket) => void;
  }) {
    this.#directory = parts.directory;
    this.#journal = parts.journal;
    this.#observer = parts.observer;
    this.#found = parts.found ?? (() => undefined);
  }

  /** While the journal cannot be written, only what the operator chose goes on. */
  fault(upstream: U, { operation }: Observation): Verdict | undefined {
    if (
      this.#journal.health().ok ||
      (upstream.failPolicy === 'open' && operation.privilege < PRIVILEGED_FROM)
    )
      return undefined;
    return deny('journal_unavailable', 'The record of decisions cannot be written at the moment.');
  }

  /** The call as it was decided. @param durable its entry is on disk before it is forwarded, whatever its privilege */
  admit(call: Call<U>, decided: Decided, durable = false): Admission<U> {
    const { verdict } = decided;
    const ticket = this.enter(call, decided);
    const wanted = durable || call.seen.operation.privilege >= PRIVILEGED_FROM;
    return {
      ...{ ...call, kind: 'judged', verdict, ticket, forwarded: false },
      durable: forwards(verdict) && wanted ? ticket.durable() : undefined,
    };
  }

  enter(call: Call<U>, decided: Decided): JournalTicket {
    const { requestId, upstream, seen, key, judged } = call;
    const { verdict, finding, rate, quota, startedMs } = decided;
    const entry = decisionEntry(requestId, seen, verdict, key?.key, {
      judgement: judged?.judgement,
      finding,
    });
    const ticket = this.#journal.append(entry);
    if (finding !== undefined) this.#found(entry, ticket);
    const accepted = forwards(verdict);
    if (key !== undefined)
      this.#directory.record(key, {
        timeMs: seen.timeMs,
        address: seen.address,
        userAgent: seen.userAgent,
        operation: seen.operation.name,
        accepted,
        rate,
        quota: accepted ? quota : undefined,
      });
    this.#observer.decided(upstream.name, verdict, (performance.now() - startedMs) * 1000);
    return ticket;
  }
}
