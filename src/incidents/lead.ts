import { forwards } from '../core/verdict.js';
import type { DecisionEntry } from '../journal/entry.js';
import type { Lead } from './incident.js';

/** The lead that a decision is; undefined where the detector had nothing against it, or the key is unknown. */
export function leadOf(entry: DecisionEntry): Lead | undefined {
  const { finding, key } = entry;
  // A call that an operator approved is the owner's.
  if (finding?.rarity === undefined || key === undefined) return undefined;
  if (finding.hold !== undefined && entry.decision === 'allow') return undefined;
  return {
    timeMs: entry.time,
    request: entry.request,
    key,
    tenant: entry.tenant ?? '',
    principal: entry.principal ?? '',
    address: entry.address,
    network: networkOf(entry.address),
    asn: entry.asn,
    country: entry.country,
    client: entry.userAgent,
    operation: entry.operation,
    targets: entry.objects ?? [],
    privilege: entry.privilege,
    forwarded: forwards(entry),
    evidence: finding.evidence,
    rarity: finding.rarity,
    reasons: finding.reasons,
    freeze: finding.freeze,
  };
}

/** /24 of an IPv4 address, /48 of an IPv6 one, as CIDR. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  const [head = ''] = address.split('::');
  const groups = head.split(':').concat('0', '0', '0').slice(0, 3);
  return `${groups.map((group) => (group === '' ? '0' : group)).join(':')}::/48`;
}
