/** Why a request was refused: a closed list. Each code is stable; clients, metrics and rules may rely on it. */
export type ReasonCode =
  | 'credential_missing'
  | 'credential_invalid'
  | 'credential_ambiguous'
  | 'key_suspended'
  | 'key_revoked'
  | 'key_rotated'
  | 'key_expired'
  | 'key_idle'
  | 'key_upstream'
  | 'key_frozen'
  | 'location_denied'
  | 'operation_denied'
  | 'time_window'
  | 'rate_limited'
  | 'quota_exceeded'
  | 'body_too_large'
  | 'journal_unavailable'
  | 'behaviour_flagged'
  | 'behaviour_held'
  | 'behaviour_denied'
  | 'hold_denied'
  | 'detector_unavailable'
  | 'lease_expired';

/** One reason with the sentence that explains it; the text may be shown to the caller. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

/** What the guard decided: `allow` and `flag` are forwarded, `hold` waits for a person, `deny` is refused. */
export type Verdict =
  | { readonly decision: 'allow' }
  | { readonly decision: 'flag'; readonly reason: Reason }
  | { readonly decision: 'hold'; readonly status: number; readonly reason: Reason }
  | { readonly decision: 'deny'; readonly status: number; readonly reason: Reason };

export const ALLOW: Verdict = { decision: 'allow' };

/**
 * HTTP status of each refusal. A contained key gets 401 or 403, never 429 or 503: real clients answer those
 * with retry storms.
 */
export function statusOf(code: ReasonCode): number {
  switch (code) {
    case 'credential_missing':
    case 'credential_invalid':
    case 'credential_ambiguous':
    case 'key_suspended':
    case 'key_revoked':
    case 'key_rotated':
    case 'key_expired':
    case 'key_idle':
      return 401;
    case 'key_upstream':
    case 'key_frozen':
    case 'location_denied':
    case 'operation_denied':
    case 'time_window':
    case 'behaviour_flagged':
    case 'behaviour_held':
    case 'behaviour_denied':
    case 'hold_denied':
      return 403;
    case 'body_too_large':
      return 413;
    case 'rate_limited':
    case 'quota_exceeded':
      return 429;
    case 'journal_unavailable':
    case 'detector_unavailable':
    case 'lease_expired':
      return 503;
  }
}

export function deny(code: ReasonCode, text: string): Verdict {
  return { decision: 'deny', status: statusOf(code), reason: { code, text } };
}

/** Whether the request goes on to the upstream. */
export function forwards({ decision }: Pick<Verdict, 'decision'>): boolean {
  return decision === 'allow' || decision === 'flag';
}
