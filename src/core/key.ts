import type { NetworkKind, Privilege } from './observation.js';

/** Allow and deny rules for places. A request must match one allow rule (if any is given) and no deny rule. */
export interface LocationRules {
  readonly allow?: LocationRule[];
  readonly deny?: LocationRule[];
}

/** One rule; exactly one field is set. */
export type LocationRule =
  | { readonly cidr: string }
  | { readonly country: string }
  | { readonly asn: number }
  | { readonly kind: NetworkKind };

export interface OperationRules {
  /** Operation names or patterns (`users.*`), or `METHOD /path/{template}`. Empty or absent: all. */
  readonly allow?: string[];
  readonly deny?: string[];
  readonly privilegeMax?: Privilege;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** When a key may be used. `from` and `to` are local `HH:MM` in `timeZone`; `to` before `from` spans midnight. */
export interface TimeWindow {
  readonly days?: Weekday[];
  readonly from: string;
  readonly to: string;
  /** IANA name; UTC when absent. */
  readonly timeZone?: string;
}

/** At most `requests` in any `seconds`, as a token bucket of that size. */
export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

/** At most `requests` per calendar day or month, UTC. */
export interface Quota {
  readonly requests: number;
  readonly per: 'day' | 'month';
}

/** Everything that narrows a key. */
export interface KeyLimits {
  readonly operations?: OperationRules;
  readonly locations?: LocationRules;
  readonly windows?: TimeWindow[];
  readonly rate?: RateLimit;
  readonly quota?: Quota;
  readonly bodyBytesMax?: number;
}

/**
 * `issued` by Keyward; `imported` by its hash from another system; `foreign`: the upstream's own key,
 * recognised and fingerprinted.
 */
export type KeyKind = 'issued' | 'imported' | 'foreign';

/** Stands for a principal that nobody named: keys that share it have nothing in common. */
export const UNNAMED_PRINCIPAL = 'unknown';

/** A credential and what it may do. Holds no secret: only a keyed fingerprint (HMAC-SHA-256 under the pepper). */
export interface KeyRecord {
  readonly id: string;
  readonly kind: KeyKind;
  /** Of an issued key: the environment in its text. */
  readonly env?: string;
  readonly name: string;
  readonly tenant: string;
  readonly principal: string;
  /** Upstreams it opens; empty means all. */
  readonly upstreams: string[];
  /** base64url HMAC-SHA-256 of the credential. */
  readonly fingerprint: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly limits: KeyLimits;
  /** Sealed upstream credential to inject in place of this key. */
  readonly sealed?: string;
  readonly expiresMs?: number;
  /** The key expires when unused for this long. */
  readonly idleMs?: number;
  readonly suspended?: { readonly atMs: number; readonly by: string; readonly why: string };
  /** Partial freeze: what the key has always done goes on, all else is refused. */
  readonly frozen?: {
    readonly atMs: number;
    readonly by: string;
    readonly why: string;
    readonly limits: Pick<KeyLimits, 'operations' | 'locations'>;
  };
  /** A tombstone: the key stays recognisable and each later use is refused and counted. */
  readonly revoked?: { readonly atMs: number; readonly by: string; readonly why: string };
  readonly replaces?: string;
  /** The key with which this one was asked for: should that one turn out stolen, this one is suspect. */
  readonly issuedWith?: string;
  /** Its successor; until `overlapUntilMs` both work. */
  readonly replaced?: { readonly by: string; readonly atMs: number; readonly overlapUntilMs: number };
}

/** A customer organisation; its location rules apply to all of its keys. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly locations?: LocationRules;
  readonly contacts?: TenantContacts;
}

/** Where a tenant is told of incidents. */
export interface TenantContacts {
  readonly emails: string[];
  readonly webhooks: { readonly url: string; readonly secrets: string[] }[];
}

/** When, whence and by what a key was last used. Written coarsely. */
export interface KeyUsage {
  readonly accepted: number;
  readonly refused: number;
  readonly firstUsedMs?: number;
  readonly lastUsedMs?: number;
  readonly lastAddress?: string;
  readonly lastUserAgent?: string;
  readonly lastOperation?: string;
  readonly lastRefusedMs?: number;
  readonly lastRefusedAddress?: string;
  readonly lastRefusedUserAgent?: string;
  /** Accepted uses since the key was replaced: who has not moved to the successor yet. */
  readonly acceptedSinceReplaced?: number;
  /** Requests counted in the current quota period, and that period (`2026-11` or `2026-11-24`). */
  readonly quotaUsed?: number;
  readonly quotaPeriod?: string;
}
