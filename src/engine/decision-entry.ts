import type { KeyRecord } from '../core/key.js';
import type { Observation } from '../core/observation.js';
import type { Verdict } from '../core/verdict.js';
import type { DecisionEntry, Finding } from '../journal/entry.js';

/** The journal's entry of a decision. */
export function decisionEntry(
  request: string,
  observation: Observation,
  verdict: Verdict,
  key: KeyRecord | undefined,
  finding: Finding | undefined,
): DecisionEntry {
  const { operation, place } = observation;
  return {
    kind: 'decision',
    time: observation.timeMs,
    request,
    upstream: observation.upstream,
    method: observation.method,
    path: observation.path,
    operation: operation.name,
    privilege: operation.privilege,
    address: observation.address,
    country: place.country,
    asn: place.asn,
    network: place.kind,
    userAgent: observation.userAgent,
    bodyBytes: observation.bodyBytes,
    key: key?.id,
    tenant: key?.tenant,
    principal: key?.principal,
    decision: verdict.decision,
    reason: verdict.decision === 'allow' ? undefined : verdict.reason.code,
    finding,
  };
}
