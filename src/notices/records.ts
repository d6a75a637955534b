import type { TenantFacts } from './facts.js';

/** What is kept of notices, of their way to the recipients, and of reset codes. Holds no secret. */

export type NoticeKind = 'touched' | 'precaution';

/** Where a notice stands; what follows the approval is read off its deliveries. */
export type NoticeState = 'draft' | 'approved' | 'delivering' | 'delivered' | 'failed' | 'withdrawn';

/** What one tenant is told of one incident. */
export interface Notice {
  readonly id: string;
  readonly incident: string;
  readonly tenant: string;
  readonly kind: NoticeKind;
  readonly facts: TenantFacts;
  readonly draftedMs: number;
  readonly draftedBy: string;
  readonly approved?: { readonly atMs: number; readonly by: string };
  readonly withdrawn?: { readonly atMs: number; readonly by: string; readonly why: string };
  /** From the approval on. */
  readonly signed?: SignedNotice;
  readonly subject?: string;
  /** Ids of the one-time codes that go with the e-mail. */
  readonly codes?: readonly string[];
}

/** The notice file: the document, the text that a person reads, and what proves both. */
export interface SignedNotice {
  readonly format: 'keyward-notice-v1';
  readonly document: Record<string, unknown>;
  readonly text: string;
  /** base64url Ed25519. */
  readonly signature: string;
  /** base64url SPKI. */
  readonly publicKey: string;
}

export type Channel = 'email' | 'webhook' | 'push' | 'poll';

export type DeliveryState = 'pending' | 'sending' | 'delivered' | 'failed' | 'cancelled';

/** One message on its way to one recipient over one channel. Its id is what the recipient sees, in every attempt. */
export interface Delivery {
  readonly id: string;
  readonly channel: Channel;
  /** E-mail address, URL, or name of a stream. */
  readonly recipient: string;
  /** What is sent: a notice, or else an event. */
  readonly notice?: string;
  readonly event?: SecurityEvent;
  readonly state: DeliveryState;
  /** Begun, since the last time an operator asked for a retry. */
  readonly attempts: number;
  /** Attempts whose end nobody saw, because the process died: each may have arrived. */
  readonly inDoubt: number;
  readonly createdMs: number;
  /** When it is due. */
  readonly nextMs: number;
  readonly lastMs?: number;
  readonly endedMs?: number;
  /** Why the last attempt failed; never what the other side sent. */
  readonly problem?: string;
}

/** A change that receivers of security event tokens hear of. */
export interface SecurityEvent {
  readonly type: 'credential-change' | 'session-revoked';
  readonly key: string;
  readonly tenant: string;
  readonly atMs: number;
  readonly change?: 'create' | 'revoke' | 'update' | 'delete';
  readonly reason?: string;
}

/** A one-time code for a replacement key; the code itself is nowhere in here. */
export interface ResetCode {
  /** First part of the code. */
  readonly id: string;
  /** HMAC of the whole code. */
  readonly fingerprint: string;
  readonly notice: string;
  readonly tenant: string;
  /** The dead key that is to be replaced. */
  readonly key: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** Wrong second parts that were tried. */
  readonly wrong: number;
  /** A replacement was made; until `used` its answer may not have left. */
  readonly minted?: { readonly key: string; readonly atMs: number };
  readonly used?: { readonly atMs: number };
  readonly cancelled?: { readonly atMs: number };
}

/** Where notices stand, from the deliveries of one. */
export function noticeState(notice: Notice, deliveries: readonly Delivery[]): NoticeState {
  if (notice.withdrawn !== undefined) return 'withdrawn';
  if (notice.approved === undefined) return 'draft';
  if (deliveries.some(({ state }) => state === 'pending' || state === 'sending'))
    return deliveries.some(({ attempts, state }) => attempts > 0 || state === 'delivered')
      ? 'delivering'
      : 'approved';
  return deliveries.some(({ state }) => state === 'failed') ? 'failed' : 'delivered';
}
