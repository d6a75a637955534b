import type { Observation } from '../core/observation.js';
import type { RateResult } from '../core/rate.js';
import type { Verdict } from '../core/verdict.js';
import type { LiveKey } from '../keys/directory.js';
import type { Presented } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { RequestTarget } from '../wire/request-target.js';
import type { Judged } from './behaviour.js';
import type { Hold } from './holds.js';
import type { JournalTicket } from './ports.js';
import type { Upstream } from './routing.js';

/** One request as an edge hands it over. */
export interface EdgeRequest {
  readonly head: RequestHead;
  readonly peer: IpAddress;
  readonly timeMs: number;
}

/** A request the guard does not judge because it cannot: the edge answers and forwards nothing. */
export interface Refusal {
  readonly kind: 'refused';
  readonly requestId: string;
  readonly status: 400 | 404 | 501;
  readonly code: 'request_ambiguous' | 'no_route' | 'method_not_supported';
  readonly detail: string;
}

/** A request that reached its upstream's rules: what it is, and who sends it. */
export interface Call<U extends Upstream> {
  readonly requestId: string;
  readonly upstream: U;
  readonly target: Extract<RequestTarget, { kind: 'done' }>;
  readonly presented: Presented;
  readonly key: LiveKey | undefined;
  readonly address: IpAddress;
  readonly rate: RateResult | undefined;
  readonly bodyBytesMax: number | undefined;
  readonly observation: Observation;
  /** The same as detector and journal see it: with its objects, and a path that no catalog knows by its learned template. */
  readonly seen: Observation;
  /** What the detector made of it; absent where it was not asked. */
  readonly judged: Judged | undefined;
  /** Of the key directory, when the decision was made. */
  readonly version: number;
}

/** A call that is not decided before its body is known. */
export interface HeldCall<U extends Upstream> extends Call<U> {
  readonly kind: 'held';
  readonly key: LiveKey;
  readonly judged: Judged;
  /** What it ends with unless its body or an approval lets it through. */
  readonly verdict: Extract<Verdict, { decision: 'hold' }>;
  /** What it took so far, without the time that the body takes to come. */
  readonly spentMs: number;
}

/** A decided request: what to answer or forward, and how to report its end. */
export interface Admission<U extends Upstream> extends Call<U> {
  readonly kind: 'judged';
  readonly verdict: Verdict;
  /** For privileged operations: the decision must be on disk before the request is forwarded. */
  readonly durable: Promise<void> | undefined;
  readonly ticket: JournalTicket;
  /** The approval that it uses up. */
  readonly approval?: Hold;
  /** Whether it has passed the last look and not ended. */
  forwarded: boolean;
}
