import type { BodyFields } from '../catalogs/body-fields.js';
import { type Decision, guardAgain } from '../core/guard.js';
import type { Operation } from '../core/observation.js';
import { type Action, respond } from '../core/response.js';
import { withoutSecrets } from '../core/secret-text.js';
import { ALLOW, deny, type Verdict } from '../core/verdict.js';
import type { Finding, Outcome } from '../journal/entry.js';
import type { KeyDirectory } from '../keys/directory.js';
import { credentialOf } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';
import type { Admission, Call, HeldCall } from './admission.js';
import { type Behaviour, verdictOf } from './behaviour.js';
import type { Decisions } from './decisions.js';
import type { Hold, Holds } from './holds.js';
import { type Denial, LEASE_EXPIRED } from './last-look.js';
import type { Journal, JournalTicket, Standing } from './ports.js';
import { requestFields } from './request-fields.js';
import { requestHash } from './request-hash.js';
import type { Upstream } from './routing.js';

/** What becomes of a held call once its body is known. */
export type HeldAnswer<U extends Upstream> =
  | { readonly kind: 'admitted'; readonly admission: Admission<U> }
  | {
      readonly kind: 'refused';
      readonly verdict: Exclude<Verdict, { decision: 'allow' | 'flag' }>;
      /** The one that it waits in, or that was denied; none where it was refused for something else. */
      readonly hold: Hold | undefined;
      readonly ticket: JournalTicket;
    };

interface Parts<U extends Upstream> {
  readonly holds: Holds;
  readonly journal: Journal;
  readonly directory: KeyDirectory;
  readonly standing: Standing;
  readonly behaviour: Behaviour;
  readonly decisions: Decisions<U>;
}

const HOLD_DENIED = deny('hold_denied', 'This call was looked at and refused.') as Denial;

/** Calls that were held when their head came, once their body is here: only now they are decided. */
export class HeldCalls<U extends Upstream> {
  readonly #parts: Parts<U>;

  constructor(parts: Parts<U>) {
    this.#parts = parts;
  }

  begin(call: Call<U>, verdict: HeldCall<U>['verdict'], startedMs: number): HeldCall<U> {
    const held = { ...call, kind: 'held', verdict, spentMs: performance.now() - startedMs } as HeldCall<U>;
    if (held.rate !== undefined) this.#parts.directory.takeRate(held.key, held.rate);
    return held;
  }

  /**
   * What lets the call through once, or the hold that it waits in.
   * @param body its payload, without framing
   */
  answer(held: HeldCall<U>, head: RequestHead, body: Uint8Array, timeMs: number): HeldAnswer<U> {
    const startedMs = performance.now() - held.spentMs;
    const call = this.#now(held, timeMs, body.length);
    const now = this.#again(call);
    if (now.verdict.decision === 'deny') return this.#refuse(call, now.verdict, undefined, startedMs);
    const { upstream, target } = call;
    const fields = requestFields(head, target.query, body);
    const operation = upstream.catalog.match(call.observation.method, target.segments, fields);
    const action = this.#actionOn(call, operation);
    if (action === 'allow' || action === 'flag') {
      const milder = this.#settled(milderCall(call, operation), 'alarm');
      return this.#admit(milder, verdictOf(action, upstream.behaviour), now.quota, startedMs);
    }
    const hash = requestHash(call.key.key.id, head, upstream.credentials, body);
    const approval = this.#parts.holds.use(hash, timeMs);
    if (approval !== undefined) {
      // Whoever approved it has decided: it is not learned, and nobody is asked about it again.
      return this.#admit(this.#settled(call, 'refused'), ALLOW, now.quota, startedMs, approval);
    }
    const hold = this.#open(call, hash, fields, body.length);
    const verdict = hold.state === 'denied' ? HOLD_DENIED : held.verdict;
    return this.#refuse(
      action === 'freeze' ? withFinding(call, (finding) => ({ ...finding, freeze: true })) : call,
      verdict,
      hold,
      startedMs,
    );
  }

  /** There is no body to decide by, and will be none. */
  ended(held: HeldCall<U>, outcome: Outcome, timeMs: number): void {
    const call = this.#now(held, timeMs, held.observation.bodyBytes);
    this.#refuse(call, held.verdict, undefined, performance.now() - held.spentMs).ticket.complete(
      outcome,
      timeMs,
    );
  }

  /** The upstream never heard of the request: it was not the "once" that was approved. */
  unsent({ approval, requestId }: Admission<U>, timeMs: number): void {
    const { holds, journal } = this.#parts;
    if (approval === undefined || !holds.giveBack(approval)) return;
    journal.append({
      kind: 'system',
      time: timeMs,
      event: 'hold.returned',
      detail: { hold: approval.id, key: approval.key, request: requestId },
    });
  }

  /** As it is now: its key may have changed while the body came. */
  #now(held: HeldCall<U>, timeMs: number, bodyBytes: number | undefined): HeldCall<U> {
    const { directory } = this.#parts;
    const call = {
      ...held,
      observation: { ...held.observation, timeMs, bodyBytes },
      seen: { ...held.seen, timeMs, bodyBytes },
    };
    const key = directory.live(held.key.key.id);
    return key === undefined ? call : { ...call, key, version: directory.version };
  }

  /** Everything that does not depend on the detector: an approval lets nothing through that would be refused without it. */
  #again({ observation, upstream, address, key }: HeldCall<U>): Decision {
    const { standing, decisions } = this.#parts;
    if (!standing.mayAccept()) return { verdict: LEASE_EXPIRED };
    const fault = decisions.fault(upstream, observation);
    if (fault !== undefined) return { verdict: fault };
    return guardAgain(observation, address, key, upstream.policy);
  }

  /** Held for the worst that its body might do: now the body is known, and it may do less. */
  #actionOn({ upstream, judged: { finding } }: HeldCall<U>, { privilege }: Operation): Action {
    if (finding === undefined) return 'hold';
    return respond(finding.evidence, finding.threshold, privilege, upstream.behaviour.plan);
  }

  #settled(call: HeldCall<U>, decided: 'alarm' | 'refused', hold?: Hold): HeldCall<U> {
    const { behaviour } = this.#parts;
    return { ...call, judged: behaviour.settle(call.key.key.id, call.judged, decided, hold?.id) };
  }

  #open(call: HeldCall<U>, hash: string, fields: BodyFields, bodyBytes: number): Hold {
    const { key, upstream, seen, judged, requestId } = call;
    const { hold, isNew } = this.#parts.holds.open(
      {
        key: key.key.id,
        tenant: key.key.tenant,
        principal: key.key.principal,
        upstream: upstream.name,
        method: seen.method,
        path: seen.path,
        operation: seen.operation.name,
        privilege: seen.operation.privilege,
        address: seen.address,
        userAgent: seen.userAgent,
        bodyBytes,
        fields: shown(fields, call),
        requestHash: hash,
        finding: judged.finding,
        source: judged.judgement?.symbols.source,
      },
      seen.timeMs,
    );
    if (isNew)
      this.#parts.journal.append({
        kind: 'system',
        time: seen.timeMs,
        event: 'hold.opened',
        detail: { hold: hold.id, key: hold.key, request: requestId, operation: hold.operation },
      });
    return hold;
  }

  #admit(
    call: HeldCall<U>,
    verdict: Verdict,
    quota: Decision['quota'],
    startedMs: number,
    approval?: Hold,
  ): HeldAnswer<U> {
    const decided = { verdict, finding: findingOf(call, approval), quota, startedMs };
    const admission = this.#parts.decisions.admit(call, decided, approval !== undefined);
    return { kind: 'admitted', admission: approval === undefined ? admission : { ...admission, approval } };
  }

  #refuse(
    call: HeldCall<U>,
    verdict: Extract<HeldAnswer<U>, { kind: 'refused' }>['verdict'],
    hold: Hold | undefined,
    startedMs: number,
  ): Extract<HeldAnswer<U>, { kind: 'refused' }> {
    // What was denied has had its answer: it does not wait for another.
    const decided = hold?.state === 'denied' ? 'refused' : 'alarm';
    const finding = findingOf(call, hold);
    const settled = this.#settled(call, decided, hold);
    const ticket = this.#parts.decisions.enter(settled, { verdict, finding, startedMs });
    return { kind: 'refused', verdict, hold, ticket };
  }
}

function withFinding<U extends Upstream>(
  call: HeldCall<U>,
  change: (finding: Finding) => Finding,
): HeldCall<U> {
  const { finding } = call.judged;
  return finding === undefined ? call : { ...call, judged: { ...call.judged, finding: change(finding) } };
}

/** The evidence counts what the call might have done; its entry says what it does. */
function milderCall<U extends Upstream>(call: HeldCall<U>, operation: Operation): HeldCall<U> {
  const { privilege } = call.observation.operation;
  const text = `before its body was read it might have been of privilege ${privilege}: that needs less doubt`;
  const milder = withFinding(call, (finding) => ({
    ...finding,
    reasons: finding.reasons.map((each) => (each.term === 'privilege' ? { ...each, text } : each)),
  }));
  return {
    ...milder,
    observation: { ...milder.observation, operation },
    seen: { ...milder.seen, operation },
  };
}

/** With the hold that the call waits in, or was approved by. */
function findingOf({ judged }: HeldCall<Upstream>, hold: Hold | undefined) {
  return judged.finding && hold ? { ...judged.finding, hold: hold.id } : judged.finding;
}

/** Names are what the client chose, too: whoever puts a key where a name belongs does not show it to operators. */
function shown({ names }: BodyFields, { presented }: Pick<Call<Upstream>, 'presented'>): string[] {
  const credential = credentialOf(presented);
  return [...new Set([...names].map((name) => withoutSecrets(name, credential)))].sort();
}
