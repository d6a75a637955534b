import type { BodyFields } from '../catalogs/body-fields.js';
import { PRIVILEGED_FROM } from '../core/observation.js';
import { respond } from '../core/response.js';
import { withoutSecrets } from '../core/secret-text.js';
import { ALLOW, type Verdict } from '../core/verdict.js';
import type { Finding } from '../journal/entry.js';
import type { LiveKey } from '../keys/directory.js';
import { credentialOf } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';
import { decisionEntry } from './decision-entry.js';
import type { Admission } from './guard-loop.js';
import type { Hold, Holds } from './holds.js';
import type { Journal } from './ports.js';
import { requestFields } from './request-fields.js';
import { requestHash } from './request-hash.js';
import type { Upstream } from './routing.js';

/** What becomes of a held request once its body is known. */
export type HeldAnswer<U extends Upstream> =
  | { readonly kind: 'approved'; readonly admission: Admission<U> }
  | { readonly kind: 'waiting'; readonly hold: Hold }
  | { readonly kind: 'denied'; readonly hold: Hold };

/** Calls that were held when their head came, once their body is here. */
export class HeldCalls<U extends Upstream> {
  readonly #holds: Holds;
  readonly #journal: Journal;

  constructor(holds: Holds, journal: Journal) {
    this.#holds = holds;
    this.#journal = journal;
  }

  /**
   * A held request whose body is known: the hold it waits in, or the approval that lets it through once.
   * @param body its payload, without framing
   */
  answer(admission: Admission<U>, head: RequestHead, body: Uint8Array, timeMs: number): HeldAnswer<U> {
    const { observation, upstream, target } = admission;
    const fields = requestFields(head, target.query, body);
    const milder = this.#milder(admission, fields);
    if (milder !== undefined) return { kind: 'approved', admission: milder };
    const key = admission.key as LiveKey;
    const hash = requestHash(key.key.id, head, upstream.credentials, body);
    const approved = this.#holds.use(hash, timeMs);
    if (approved !== undefined) return { kind: 'approved', admission: this.#approve(admission, approved) };
    const { hold, isNew } = this.#holds.open(
      {
        key: key.key.id,
        tenant: key.key.tenant,
        principal: key.key.principal,
        upstream: upstream.name,
        method: observation.method,
        path: observation.path,
        operation: observation.operation.name,
        privilege: observation.operation.privilege,
        address: observation.address,
        userAgent: observation.userAgent,
        bodyBytes: body.length,
        fields: shown(fields, admission),
        requestHash: hash,
        finding: admission.judged?.finding,
        source: admission.judged?.judgement?.symbols.source,
      },
      timeMs,
    );
    if (isNew)
      this.#journal.append({
        kind: 'system',
        time: timeMs,
        event: 'hold.opened',
        detail: { hold: hold.id, key: hold.key, request: admission.requestId, operation: hold.operation },
      });
    return { kind: hold.state === 'denied' ? 'denied' : 'waiting', hold };
  }

  /** The upstream never heard of the request: it was not the "once" that was approved. */
  unsent({ approval, requestId }: Admission<U>, timeMs: number): void {
    if (approval === undefined || !this.#holds.giveBack(approval)) return;
    this.#journal.append({
      kind: 'system',
      time: timeMs,
      event: 'hold.returned',
      detail: { hold: approval.id, key: approval.key, request: requestId },
    });
  }

  /** Held for the worst that its body might do: now the body is known, and it may do less. */
  #milder(admission: Admission<U>, fields: BodyFields): Admission<U> | undefined {
    const { observation, upstream, judged, requestId, key, target } = admission;
    const finding = judged?.finding;
    if (finding === undefined) return undefined;
    const operation = upstream.catalog.match(observation.method, target.segments, fields);
    const { plan } = upstream.behaviour;
    const action = respond(finding.evidence, finding.threshold, operation.privilege, plan);
    if (action === 'hold' || action === 'deny') return undefined;
    const verdict: Verdict =
      action === 'allow'
        ? ALLOW
        : { decision: 'flag', reason: { code: 'behaviour_flagged', text: 'unlike the past of the key' } };
    const seen = { ...observation, operation };
    const ticket = this.#journal.append(decisionEntry(requestId, seen, verdict, key?.key, judged));
    const durable = operation.privilege >= PRIVILEGED_FROM ? ticket.durable() : undefined;
    return { ...admission, observation: seen, verdict, ticket, durable };
  }

  /** The request goes on, under an entry of its own that names the hold. */
  #approve(admission: Admission<U>, hold: Hold): Admission<U> {
    const { requestId, observation, key } = admission;
    const finding: Finding | undefined = admission.judged?.finding && {
      ...admission.judged.finding,
      hold: hold.id,
    };
    const ticket = this.#journal.append(
      decisionEntry(requestId, observation, ALLOW, key?.key, {
        judgement: admission.judged?.judgement,
        finding,
      }),
    );
    return { ...admission, verdict: ALLOW, ticket, durable: ticket.durable(), approval: hold };
  }
}

/** Names are what the client chose, too: whoever puts a key where a name belongs does not show it to operators. */
function shown({ names }: BodyFields, { presented }: Pick<Admission<Upstream>, 'presented'>): string[] {
  const credential = credentialOf(presented);
  return [...new Set([...names].map((name) => withoutSecrets(name, credential)))].sort();
}
