import { createHash } from 'node:crypto';
import type { KeyEvents, KeyStore, NoticeStore } from '../engine/ports.js';
import { publicKeyText } from '../journal/format.js';
import { ActFault, type Acts } from '../keys/acts.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { newKeyId } from '../keys/format.js';
import type { TenantFacts } from './facts.js';
import type { Outbox } from './outbox.js';
import { type Recipients, recipientsOf } from './recipients.js';
import {
  type Delivery,
  type Notice,
  type NoticeState,
  noticeState,
  type ResetCode,
  type SecurityEvent,
  type SignedNotice,
} from './records.js';
import { codeFingerprint, codeText, newCodeId } from './reset/code.js';
import type { Template } from './templates.js';
import { type Issue, type Letterhead, writeSigned, writeText } from './write.js';

interface Parts {
  readonly store: KeyStore;
  readonly notices: NoticeStore;
  readonly acts: Acts;
  readonly fingerprints: Fingerprints;
  readonly events: KeyEvents;
  readonly outbox: Outbox;
  readonly head: Letterhead;
  readonly approval: 'required' | 'none';
  readonly smtp: boolean;
  /** Where codes are entered, without scheme, and how long they hold. */
  readonly reset: { readonly address: string; readonly hours: number } | undefined;
}

/** A notice with what became of it. */
export interface Standing {
  readonly notice: Notice;
  readonly state: NoticeState;
  readonly deliveries: readonly Delivery[];
  /** Of a draft: who would be told, and what stands in the way. */
  readonly recipients: Recipients;
}

const HOUR_MS = 3_600_000;
const FACTS_MAX = 100_000;

/** Tells each tenant what an incident meant for it: written, read by an operator, approved, signed, sent. */
export class Notices {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Security events for changes that were not made through `KeyService`, which tells of its own. */
  readonly emit = {
    credentialChange: (key: string, tenant: string, change: 'create' | 'revoke' | 'update' | 'delete') =>
      this.#tell({ type: 'credential-change', key, tenant, change, atMs: this.#parts.acts.now() }),
    sessionRevoked: (key: string, tenant: string, reason: string) =>
      this.#tell({ type: 'session-revoked', key, tenant, reason, atMs: this.#parts.acts.now() }),
  };

  /**
   * One notice for each tenant. What was drafted before for the same incident and tenant, and not approved, is
   * replaced. @throws ActFault invalid when facts name a key of another tenant: nobody may read of it
   */
  async draft(actor: string, all: readonly TenantFacts[]): Promise<Notice[]> {
    const { acts, store, notices, approval } = this.#parts;
    const drafted = await acts.run(async () => {
      this.#check(all);
      const earlier = new Map(
        notices
          .notices()
          .filter((each) => each.approved === undefined && each.withdrawn === undefined)
          .map((each) => [JSON.stringify([each.incident, each.tenant]), each.id]),
      );
      const written = all.map((facts): Notice => {
        const { incident, tenant, touched } = facts;
        const id = earlier.get(JSON.stringify([incident, tenant])) ?? `n${newKeyId()}`;
        const kind = touched ? 'touched' : 'precaution';
        return { id, incident, tenant, kind, facts, draftedMs: acts.now(), draftedBy: actor };
      });
      await Promise.all(
        written.map(({ id, incident, tenant, kind }) =>
          acts.record(actor, 'notice.draft', id, { incident, tenant, kind }),
        ),
      );
      await store.write({ notices: written });
      return written;
    });
    if (approval === 'required') return drafted;
    const approved: Notice[] = [];
    for (const notice of drafted) {
      const { problem } = this.#recipients(notice);
      const codes = this.#codeProblem(notice) === undefined;
      approved.push(problem === undefined ? await this.approve(actor, notice.id, { codes }) : notice);
    }
    return approved;
  }

  /** Newest first. */
  list(where: { incident?: string; tenant?: string; state?: NoticeState } = {}): Standing[] {
    return this.#parts.notices
      .notices()
      .filter(({ incident }) => where.incident === undefined || incident === where.incident)
      .filter(({ tenant }) => where.tenant === undefined || tenant === where.tenant)
      .map((notice) => this.#standing(notice))
      .filter(({ state }) => where.state === undefined || state === where.state)
      .sort((a, b) => b.notice.draftedMs - a.notice.draftedMs);
  }

  show(id: string): Standing {
    return this.#standing(this.#find(id));
  }

  /** The text as it would go out now, or as it went out. */
  preview(id: string, codes: boolean): Template {
    const notice = this.#find(id);
    if (notice.signed !== undefined) return { subject: notice.subject ?? '', body: notice.signed.text };
    const keys = codes ? this.#replaceable(notice).length : 0;
    return writeText(this.#parts.head, notice, this.#issue(notice, keys));
  }

  /** What tenants note before they ever get a notice. */
  get publicKey(): string {
    return publicKeyText(this.#parts.head.privateKey);
  }

  /** The file that a tenant can check. */
  signed(id: string): SignedNotice {
    const { signed } = this.#find(id);
    if (signed === undefined)
      throw new ActFault('not_found', `Notice ${id} is not approved, so nothing is signed.`);
    return signed;
  }

  /** Signs it and sends it on its way. With `codes`, the e-mail carries a one-time code for each dead key. */
  approve(actor: string, id: string, { codes: withCodes }: { codes: boolean }): Promise<Notice> {
    const { acts, store, outbox, head } = this.#parts;
    return acts.run(async () => {
      const draft = this.#find(id);
      const { state, recipients } = this.#standing(draft);
      if (state !== 'draft')
        throw new ActFault('conflict', `Notice ${id} is ${state}; only a draft is approved.`);
      if (recipients.problem !== undefined) throw new ActFault('conflict', recipients.problem);
      const problem = withCodes ? this.#codeProblem(draft) : undefined;
      if (problem !== undefined) throw new ActFault('conflict', problem);
      const keys = withCodes ? this.#replaceable(draft) : [];
      const issue = this.#issue(draft, keys.length);
      const codes = keys.map((key) => this.#code(draft, key, issue));
      const approved: Notice = {
        ...draft,
        ...writeSigned(head, draft, issue),
        approved: { atMs: issue.atMs, by: actor },
        codes: codes.map((code) => code.id),
      };
      const deliveries = recipients.all.map(({ channel, recipient }): Delivery => {
        const place = createHash('sha256').update(`${channel}\0${recipient}`).digest('hex').slice(0, 16);
        const times = { createdMs: issue.atMs, nextMs: issue.atMs };
        const begin = { state: 'pending', attempts: 0, inDoubt: 0 } as const;
        return { id: `${id}_${place}`, channel, recipient, notice: id, ...begin, ...times };
      });
      await acts.record(actor, 'notice.approve', id, {
        ...{
          incident: draft.incident,
          tenant: draft.tenant,
          textSha256: approved.signed?.document.textSha256,
        },
        ...{ deliveries: deliveries.length, codes: codes.map(({ id: code, key }) => ({ code, key })) },
      });
      await store.write({ notices: [approved], deliveries, codes });
      outbox.wake();
      return approved;
    });
  }

  /** What has not left stays; codes end. What has left cannot be called back. */
  withdraw(actor: string, id: string, why: string): Promise<Standing> {
    const { acts, store, notices, outbox } = this.#parts;
    return acts.run(async () => {
      const notice = this.#find(id);
      if (notice.withdrawn !== undefined) return this.#standing(notice);
      const atMs = acts.now();
      const codes = (notice.codes ?? [])
        .map((code) => notices.code(code))
        .filter((code) => code !== undefined && code.used === undefined)
        .map((code) => ({ ...(code as ResetCode), cancelled: { atMs } }));
      await acts.record(actor, 'notice.withdraw', id, { why, codes: codes.length });
      await store.write({ notices: [{ ...notice, withdrawn: { atMs, by: actor, why } }], codes });
      for (const delivery of notices.deliveriesOf(id))
        await notices.changeDelivery(delivery.id, (now) =>
          now.state === 'pending' ? { ...now, state: 'cancelled', endedMs: atMs } : undefined,
        );
      outbox.wake();
      return this.show(id);
    });
  }

  async #tell(event: SecurityEvent): Promise<void> {
    const { store, events } = this.#parts;
    await store.write({ deliveries: events.deliveriesOf([event]) });
    events.wake();
  }

  #check(all: readonly TenantFacts[]): void {
    const { store } = this.#parts;
    if (all.length > FACTS_MAX) throw new ActFault('invalid', `At most ${FACTS_MAX} notices at a time.`);
    const seen = new Set<string>();
    for (const { incident, tenant, keys } of all) {
      const which = JSON.stringify([incident, tenant]);
      if (seen.has(which)) throw new ActFault('invalid', `Tenant ${tenant} is there twice.`);
      seen.add(which);
      for (const { id } of keys) {
        const owner = store.key(id)?.tenant ?? tenant;
        if (owner !== tenant)
          throw new ActFault('invalid', `Key ${id} belongs to tenant ${owner}, not to ${tenant}.`);
      }
    }
  }

  #find(id: string): Notice {
    const notice = this.#parts.notices.notice(id);
    if (notice === undefined) throw new ActFault('not_found', `There is no notice ${id}.`);
    return notice;
  }

  #standing(notice: Notice): Standing {
    const deliveries = this.#parts.notices.deliveriesOf(notice.id);
    const state = noticeState(notice, deliveries);
    return { notice, state, deliveries, recipients: this.#recipients(notice) };
  }

  #recipients({ tenant }: Notice): Recipients {
    return recipientsOf(tenant, this.#parts.store.tenant(tenant), this.#parts.smtp);
  }

  #issue({ tenant }: Notice, keys: number): Issue {
    const { acts, store, reset } = this.#parts;
    const atMs = acts.now();
    const pickUp =
      reset === undefined || keys === 0
        ? undefined
        : { address: reset.address, untilMs: atMs + reset.hours * HOUR_MS, keys };
    return { atMs, tenantName: store.tenant(tenant)?.name, pickUp };
  }

  /** Dead keys of this very tenant that Keyward can make anew: not those of the upstream. */
  #replaceable({ facts, tenant }: Notice): string[] {
    const { store, acts } = this.#parts;
    return facts.keys
      .map(({ id }) => store.key(id))
      .filter((key) => key !== undefined && key.tenant === tenant && key.kind !== 'foreign')
      .filter((key) => key?.revoked !== undefined || key?.replaced !== undefined)
      .filter((key) => (key?.expiresMs ?? Number.POSITIVE_INFINITY) > acts.now())
      .map((key) => key?.id ?? '');
  }

  #codeProblem(notice: Notice): string | undefined {
    const { reset, store } = this.#parts;
    if (reset === undefined) return 'Codes need a place to enter them; configure notices.reset.';
    if ((store.tenant(notice.tenant)?.contacts?.emails.length ?? 0) === 0)
      return `Codes go out by e-mail, and tenant ${notice.tenant} has no address.`;
    if (this.#replaceable(notice).length === 0)
      return 'No key of this notice is revoked or rotated, so there is nothing to pick up.';
    return undefined;
  }

  #code(notice: Notice, key: string, { atMs, pickUp }: Issue): ResetCode {
    const { fingerprints } = this.#parts;
    const of = { id: newCodeId(), notice: notice.id, key };
    const fingerprint = codeFingerprint(codeText(of, fingerprints), fingerprints);
    const expiresMs = pickUp?.untilMs ?? atMs;
    return { ...of, fingerprint, tenant: notice.tenant, createdMs: atMs, expiresMs, wrong: 0 };
  }
}
