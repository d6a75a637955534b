import type { KeyRecord } from '../core/key.js';
import type { Observation } from '../core/observation.js';
import type { Verdict } from '../core/verdict.js';
import type { DecisionEntry } from '../journal/entry.js';
import type { Judged } from './behaviour.js';

/** The journal's entry of a decision. */
export function decisionEntry(
  request: string,
  observation: Observation,
  verdict: Verdict,
  key: KeyRecord | undefined,
  judged: Pick<Judged, 'judgement' | 'finding'> | undefined,
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
    objects: observation.objects.length === 0 ? undefined : observation.objects,
    bodyBytes: observation.bodyBytes,
    key: key?.id,
    tenant: key?.tenant,
    principal: key?.principal,
    decision: verdict.decision,
    reason: verdict.decision === 'allow' ? undefined : verdict.reason.code,
    score: scoreOf(judged),
    warming: judged?.judgement?.state === 'warming' ? true : undefined,
    finding: judged?.finding,
  };
}

/** Two decimals are more than a change point needs. */
function scoreOf(judged: Pick<Judged, 'judgement'> | undefined): number | undefined {
  const { judgement } = judged ?? {};
  return judgement?.state === 'ready' ? Math.round(judgement.score * 100) / 100 : undefined;
}
