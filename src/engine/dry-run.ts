import { guard, type Subject } from '../core/guard.js';
import type { KeyLimits, KeyRecord } from '../core/key.js';
import type { Observation } from '../core/observation.js';
import type { ReasonCode } from '../core/verdict.js';
import type { DecisionEntry, JournalEntry } from '../journal/entry.js';
import { compileLimits } from '../keys/directory.js';
import { parseIp } from '../wire/ip-address.js';
import { parseTarget } from '../wire/request-target.js';
import type { Upstream } from './routing.js';

/** Limits that are not in force yet, and whose requests they would concern. */
export interface Candidate {
  readonly scope: 'key' | 'tenant' | 'upstream';
  readonly id: string;
  /** Of a tenant or an upstream: locations only. */
  readonly limits: KeyLimits;
}

export interface DryRunExample {
  readonly seq: number;
  readonly timeMs: number;
  readonly key: string;
  readonly address: string;
  readonly operation: string;
  readonly reason: ReasonCode;
  readonly text: string;
}

export interface DryRunResult {
  /** Requests that were allowed and that the candidate concerns. */
  readonly examined: number;
  readonly wouldRefuse: number;
  readonly byReason: Readonly<Partial<Record<ReasonCode, number>>>;
  readonly byKey: Readonly<Record<string, number>>;
  /** The first few that would be refused. */
  readonly examples: readonly DryRunExample[];
}

const EXAMPLES_MAX = 20;
const KEYS_MAX = 1_000;

/** What a call was, as journal and holds tell it. */
type Told = Pick<
  DecisionEntry,
  | ('time' | 'upstream' | 'method' | 'path' | 'operation' | 'privilege' | 'bodyBytes')
  | ('address' | 'network' | 'country' | 'asn' | 'userAgent')
>;
type Allowed = DecisionEntry & { readonly seq: number; readonly key: string };

/**
 * Which past requests these limits would have refused. Decides with the guard itself, from what the journal
 * recorded: the place is the one that was known then.
 */
export async function dryRun(
  entries: AsyncIterable<JournalEntry & { readonly seq: number }>,
  candidate: Candidate,
  upstreams: readonly Upstream[],
): Promise<DryRunResult> {
  const judge = judgeOf(candidate, new Map(upstreams.map((each) => [each.name, each])));
  const byReason: Partial<Record<ReasonCode, number>> = {};
  const byKey: Record<string, number> = {};
  const examples: DryRunExample[] = [];
  let examined = 0;
  let wouldRefuse = 0;
  for await (const entry of entries) {
    if (entry.kind !== 'decision' || entry.decision !== 'allow' || entry.key === undefined) continue;
    if (entry[candidate.scope] !== candidate.id) continue;
    examined += 1;
    const verdict = judge(entry as Allowed);
    if (verdict.decision === 'allow') continue;
    wouldRefuse += 1;
    const { code, text } = verdict.reason;
    byReason[code] = (byReason[code] ?? 0) + 1;
    if (byKey[entry.key] !== undefined || Object.keys(byKey).length < KEYS_MAX)
      byKey[entry.key] = (byKey[entry.key] ?? 0) + 1;
    if (examples.length < EXAMPLES_MAX) {
      const { seq, time, key, address, operation } = entry;
      examples.push({ seq, timeMs: time, key, address, operation, reason: code, text });
    }
  }
  return { examined, wouldRefuse, byReason, byKey, examples };
}

/** The guard with nothing but the candidate's limits; rate and quota are counted as it goes. */
function judgeOf(candidate: Candidate, upstreams: ReadonlyMap<string, Upstream>) {
  const limits = compileLimits(candidate.limits);
  let bucket: Subject['bucket'];
  let usage: Subject['usage'];
  const nothing = compileLimits({});
  return (entry: Allowed) => {
    const subject: Subject = {
      key: bareKey(entry),
      usage,
      bucket,
      limits: candidate.scope === 'key' ? limits : nothing,
      freeze: undefined,
      tenantLocations: candidate.scope === 'tenant' ? limits.locations : undefined,
    };
    const policy = {
      locations: candidate.scope === 'upstream' ? limits.locations : undefined,
      bodyBytesMax: undefined,
    };
    const decision = guard(
      observationOf(entry, upstreams.get(entry.upstream)),
      parseIp(entry.address) ?? { family: 4, text: '0.0.0.0', value: 0 },
      { kind: 'known', subject },
      policy,
    );
    bucket = decision.rate?.bucket ?? bucket;
    if (decision.quota !== undefined)
      usage = {
        accepted: 0,
        refused: 0,
        quotaUsed: decision.quota.used,
        quotaPeriod: decision.quota.period,
      };
    return decision.verdict;
  };
}

function bareKey(entry: Allowed): KeyRecord {
  return {
    id: entry.key,
    kind: 'issued',
    name: '',
    tenant: entry.tenant ?? '',
    principal: entry.principal ?? '',
    upstreams: [],
    fingerprint: '',
    createdMs: 0,
    createdBy: '',
    limits: {},
  };
}

/** The operation is named anew where the upstream still exists: limits may be by path template. */
export function observationOf(entry: Told, upstream: Upstream | undefined): Observation {
  const target = parseTarget(entry.path, 'forward');
  const matched =
    upstream !== undefined && target.kind === 'done'
      ? upstream.catalog.match(entry.method, target.segments)
      : { name: entry.operation, template: entry.method, privilege: entry.privilege };
  return {
    timeMs: entry.time,
    upstream: entry.upstream,
    method: entry.method,
    path: entry.path,
    operation: matched,
    address: entry.address,
    place: {
      kind: entry.network ?? 'unknown',
      ...(entry.country === undefined ? {} : { country: entry.country }),
      ...(entry.asn === undefined ? {} : { asn: entry.asn }),
    },
    userAgent: entry.userAgent,
    objects: [],
    bodyBytes: entry.bodyBytes,
  };
}
