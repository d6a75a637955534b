import type { Admission } from '../../engine/admission.js';
import type { ProxyUpstream } from './gateway.js';

/** RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), and Retry-After when refused. */
export function rateHeaders(admission: Admission<ProxyUpstream>, refused: boolean): string[] {
  const limit = admission.key?.limits.rate;
  const { rate } = admission;
  if (limit === undefined || rate === undefined) return [];
  const lines = [
    'RateLimit-Policy',
    `"key";q=${limit.requests};w=${limit.seconds}`,
    'RateLimit',
    `"key";r=${rate.remaining};t=${rate.resetSeconds}`,
  ];
  if (refused && !rate.allowed) lines.push('Retry-After', String(rate.resetSeconds));
  return lines;
}
