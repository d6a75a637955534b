import { objectsOf } from '../catalogs/objects.js';
import { type Credential, guard } from '../core/guard.js';
import type { Observation } from '../core/observation.js';
import { pathWithoutSecrets, withoutSecrets } from '../core/secret-text.js';
import type { DecisionEntry, Outcome } from '../journal/entry.js';
import type { KeyDirectory, LiveKey } from '../keys/directory.js';
import type { CidrSet } from '../wire/cidr.js';
import { clientAddress } from '../wire/client-address.js';
import { credentialOf, type Presented, presentedCredential, valuesOf } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';
import type { IpAddress } from '../wire/ip-address.js';
import { parseTarget, type RequestTarget } from '../wire/request-target.js';
import type { Admission, Call, EdgeRequest, HeldCall, Refusal } from './admission.js';
import { ambiguity } from './ambiguity.js';
import type { Behaviour } from './behaviour.js';
import { Decisions, type Observer } from './decisions.js';
import { type HeldAnswer, HeldCalls } from './held-calls.js';
import type { Holds } from './holds.js';
import { type Denial, LastLook, LEASE_EXPIRED } from './last-look.js';
import type { Geo, Journal, JournalTicket, Standing } from './ports.js';
import type { Routing, Upstream } from './routing.js';

export interface Forwarding {
  readonly trusted: CidrSet;
  readonly header: 'x-forwarded-for' | 'forwarded' | 'none';
}

const NONE: readonly string[] = [];

/** Load, decide in the core, journal, count: the one loop behind every live edge. */
export class GuardLoop<U extends Upstream> {
  routing: Routing<U>;
  forwarding: Forwarding;
  readonly #behaviour: Behaviour;
  readonly #held: HeldCalls<U>;
  readonly #directory: KeyDirectory;
  readonly #journal: Journal;
  readonly #geo: Geo;
  readonly #observer: Observer;
  readonly #decisions: Decisions<U>;
  readonly #standing: Standing;
  readonly #lastLook: LastLook<U>;
  readonly #idPrefix: string;
  #count = 0;

  constructor(parts: {
    routing: Routing<U>;
    forwarding: Forwarding;
    directory: KeyDirectory;
    journal: Journal;
    geo: Geo;
    observer: Observer;
    /** Told of each decision that the detector had something to say of. */
    found?: (entry: DecisionEntry, ticket: JournalTicket) => void;
    behaviour: Behaviour;
    holds: Holds;
    standing: Standing;
    idPrefix: string;
  }) {
    this.routing = parts.routing;
    this.forwarding = parts.forwarding;
    this.#directory = parts.directory;
    this.#journal = parts.journal;
    this.#geo = parts.geo;
    this.#observer = parts.observer;
    this.#decisions = new Decisions(parts);
    this.#behaviour = parts.behaviour;
    this.#held = new HeldCalls({ ...parts, decisions: this.#decisions });
    this.#standing = parts.standing;
    this.#lastLook = new LastLook(parts.directory, parts.standing);
    this.#idPrefix = parts.idPrefix;
  }

  nextRequestId(): string {
    this.#count += 1;
    return `${this.#idPrefix}-${this.#count.toString(36)}`;
  }

  admit(request: EdgeRequest): Admission<U> | HeldCall<U> | Refusal {
    const startedMs = performance.now();
    const { head } = request;
    const requestId = this.nextRequestId();
    const route = this.#route(head);
    if ('code' in route) {
      this.#observer.turnedAway(route.code);
      return { kind: 'refused', requestId, ...route };
    }
    const { upstream, target } = route;

    const address = this.#address(request);
    const presented = presentedCredential(upstream.credentials, head.headers, target.query);
    const observation = this.#observe(request, upstream, target, address, credentialOf(presented));
    const credential = this.#identify(presented, upstream);
    const key = credential.kind === 'known' ? (credential.subject as LiveKey) : undefined;

    const decision = guard(observation, address, credential, upstream.policy);
    const able = this.#decisions.fault(upstream, observation) ?? decision.verdict;
    const checked = able.decision !== 'deny' && !this.#standing.mayAccept() ? LEASE_EXPIRED : able;
    // Only calls with a key teach paths: strangers must not decide what is an id.
    const behaved =
      checked.decision === 'allow' && key !== undefined
        ? this.#behaved(observation, upstream, target)
        : undefined;
    const judged =
      behaved === undefined || key === undefined
        ? undefined
        : this.#behaviour.judge(key.key, behaved, upstream.behaviour);
    const verdict = judged?.verdict ?? checked;
    const call: Call<U> = {
      requestId,
      upstream,
      target,
      presented,
      key,
      address,
      rate: decision.rate,
      bodyBytesMax: smaller(key?.limits.bodyBytesMax, upstream.policy.bodyBytesMax),
      observation,
      seen: behaved ?? observation,
      judged,
      version: this.#directory.version,
    };
    return verdict.decision === 'hold'
      ? this.#held.begin(call, verdict, startedMs)
      : this.#decisions.admit(call, { ...decision, verdict, finding: judged?.finding, startedMs });
  }

  /** The last look, just before the first byte goes to the upstream; undefined lets it go. */
  pass(admission: Admission<U>, timeMs: number): Denial | undefined {
    return this.#lastLook.pass(admission, timeMs);
  }

  /** A held request whose body is known: the hold it waits in, or what lets it through. */
  hold(call: HeldCall<U>, head: RequestHead, body: Uint8Array, timeMs: number): HeldAnswer<U> {
    return this.#held.answer(call, head, body, timeMs);
  }

  /** A held request whose body will never be known. */
  holdEnded(call: HeldCall<U>, outcome: Outcome, timeMs: number): void {
    this.#held.ended(call, outcome, timeMs);
  }

  /** It was to go on, and there was no exchange. */
  unsent(admission: Admission<U>, outcome: Outcome, timeMs: number): void {
    admission.ticket.complete({ ...outcome, unsent: true }, timeMs);
    this.#held.unsent(admission, timeMs);
  }

  /** The exchange ended: completes the journal entry and, where asked for, enrols a foreign key. */
  completed(admission: Admission<U>, outcome: Outcome, timeMs: number): void {
    if (admission.forwarded) admission.ticket.complete(outcome, timeMs);
    else this.unsent(admission, outcome, timeMs);
    this.#lastLook.ended(admission);
    const { presented, upstream, judged, key } = admission;
    if (judged !== undefined && key !== undefined)
      this.#behaviour.completed(key.key.id, judged, { status: outcome.status, bytesOut: outcome.bytesOut });
    this.#observer.finished(upstream.name, outcome);
    const accepted = outcome.status >= 200 && outcome.status < 400;
    if (
      admission.key === undefined &&
      accepted &&
      upstream.foreignKeys === 'enrol' &&
      presented.kind === 'one'
    ) {
      this.#directory.enrol(presented.credential, upstream.name, timeMs).then(
        (key) => {
          if (key === undefined) return;
          this.#journal.append({
            kind: 'act',
            time: timeMs,
            actor: 'keyward',
            action: 'key.enrol',
            target: key.id,
            detail: { upstream: upstream.name },
          });
        },
        () => undefined,
      );
    }
  }

  #identify(presented: Presented, upstream: U): Credential {
    if (presented.kind !== 'one') return { kind: presented.kind === 'none' ? 'missing' : 'ambiguous' };
    return this.#directory.identify(presented.credential, upstream.name, upstream.foreignKeys);
  }

  #route(
    head: RequestHead,
  ):
    | Pick<Refusal, 'status' | 'code' | 'detail'>
    | { upstream: U; target: Extract<RequestTarget, { kind: 'done' }> } {
    if (head.method === 'CONNECT')
      return { status: 501, code: 'method_not_supported', detail: 'CONNECT is not served here.' };
    // Encoded separators are the upstream's matter; it is not known yet.
    const target = parseTarget(head.target, 'forward');
    if (target.kind === 'refused')
      return { status: 400, code: 'request_ambiguous', detail: `Refused: ${target.why}.` };
    const upstream = this.routing.find(target.authority ?? head.host, target.segments);
    if (upstream === undefined)
      return { status: 404, code: 'no_route', detail: 'No upstream answers to this host and path.' };
    const ambiguous = ambiguity(head, target, upstream);
    return ambiguous === undefined
      ? { upstream, target }
      : { status: 400, code: 'request_ambiguous', detail: `Refused: ${ambiguous}.` };
  }

  #address(request: EdgeRequest): IpAddress {
    const { trusted, header } = this.forwarding;
    if (header === 'none') return request.peer;
    const values = valuesOf(request.head.headers, header);
    if (values.length === 0) return request.peer;
    return clientAddress({
      peer: request.peer,
      trusted,
      header,
      forwardedFor: header === 'x-forwarded-for' ? values : NONE,
      forwarded: header === 'forwarded' ? values : NONE,
    });
  }

  #observe(
    request: EdgeRequest,
    upstream: U,
    target: { path: string; segments: readonly string[] },
    address: IpAddress,
    credential: string | undefined,
  ): Observation {
    const { head } = request;
    const { framing } = head;
    return {
      timeMs: request.timeMs,
      upstream: upstream.name,
      method: head.method,
      path: pathWithoutSecrets(target.path, credential),
      operation: upstream.catalog.match(head.method, target.segments),
      address: address.text,
      place: this.#geo.lookup(address.text),
      userAgent: withoutSecrets(valuesOf(head.headers, 'user-agent')[0] ?? '', credential),
      objects: [],
      bodyBytes: framing.kind === 'length' ? framing.bytes : framing.kind === 'none' ? 0 : undefined,
    };
  }

  /** As detector and journal see it: with its objects, and a path that no catalog knows by its learned template. */
  #behaved(
    observation: Observation,
    upstream: U,
    target: Extract<RequestTarget, { kind: 'done' }>,
  ): Observation {
    const { operation, method } = observation;
    const shown = observation.path === target.path ? target : parseTarget(observation.path, 'forward');
    const segments = shown.kind === 'done' ? shown.segments : NONE;
    if (upstream.catalog.describe(operation) !== undefined)
      return { ...observation, objects: objectsOf(operation, segments) };
    const learned = upstream.templates.templateOf(method, segments);
    return {
      ...observation,
      operation: { ...learned.operation, privilege: operation.privilege },
      objects: learned.objects,
    };
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
