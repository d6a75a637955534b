import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Episode } from './episodes.js';

/** Version of the OCSF schema that is written. */
export const OCSF_VERSION = '1.9.0-dev';
const CATEGORY_FINDINGS = 2;
const CLASS_DETECTION_FINDING = 2004;
const ACTIVITY_CREATE = 1;

/** An episode as an OCSF Detection Finding (schema.ocsf.io, class 2004). */
export function detectionFinding(episode: Episode, threshold: number, version: string) {
  const { key, tenant, principal, startMs, endMs, peak } = episode;
  const uid = createHash('sha256').update(`${key}\n${startMs}`).digest('hex').slice(0, 32);
  const severity = severityOf(episode, threshold);
  return {
    activity_id: ACTIVITY_CREATE,
    activity_name: 'Create',
    category_uid: CATEGORY_FINDINGS,
    category_name: 'Findings',
    class_uid: CLASS_DETECTION_FINDING,
    class_name: 'Detection Finding',
    type_uid: CLASS_DETECTION_FINDING * 100 + ACTIVITY_CREATE,
    type_name: 'Detection Finding: Create',
    severity_id: severity.id,
    severity: severity.name,
    status_id: 1,
    status: 'New',
    time: endMs,
    start_time: startMs,
    end_time: endMs,
    count: episode.calls,
    message: `Key ${key}: ${episode.reasons[0]?.text ?? 'unlike its past'}`,
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Keyward', vendor_name: 'Keyward', version },
      ...(tenant === undefined ? {} : { tenant_uid: tenant }),
    },
    finding_info: {
      uid,
      title: 'API key used unlike its past',
      desc: episode.reasons.map(({ text }) => text).join('; '),
      types: ['Stolen credential'],
      created_time: endMs,
      first_seen_time: startMs,
      last_seen_time: endMs,
      analytic: { name: 'Keyward behavioural detector', type_id: 4, type: 'Learning (ML/DL)' },
    },
    is_alert: true,
    evidences: episode.examples.slice(0, 10).map((call) => ({
      api: {
        operation: call.operation,
        ...(call.status === undefined ? {} : { response: { code: call.status } }),
      },
      actor: {
        user: { uid: key, ...(principal === undefined ? {} : { name: principal }) },
      },
      ...(call.address === '' ? {} : { src_endpoint: endpointOf(call.address) }),
      data: { line: call.line, file: call.file, evidence: call.evidence, reasons: call.reasons },
    })),
    unmapped: { evidence_nats: peak, threshold_nats: threshold, privileged_calls: episode.privileged },
  };
}

/** The log may name a service, or anything, in place of an address. */
function endpointOf(address: string): { ip: string } | { svc_name: string } {
  return isIP(address) === 0 ? { svc_name: address } : { ip: address };
}

function severityOf({ peak, privileged }: Episode, threshold: number): { id: number; name: string } {
  if (privileged > 0 && peak > 1.5 * threshold) return { id: 5, name: 'Critical' };
  if (privileged > 0) return { id: 4, name: 'High' };
  return peak > 1.5 * threshold ? { id: 3, name: 'Medium' } : { id: 2, name: 'Low' };
}
