import { checkSubject } from '../core/guard.js';
import type { Privilege } from '../core/observation.js';
import type { Reason, ReasonCode } from '../core/verdict.js';
import type { KeyDirectory } from '../keys/directory.js';
import { parseIp } from '../wire/ip-address.js';
import type { HoldFacts } from './desk.js';
import { observationOf } from './dry-run.js';
import type { Geo } from './ports.js';
import type { Upstream } from './routing.js';

interface Parts {
  readonly directory: KeyDirectory;
  readonly geo: Geo;
  readonly upstreams: () => readonly Upstream[];
}

/** What an operator can undo, and by which command. */
const UNDONE_BY: Partial<Record<ReasonCode, string>> = { key_suspended: 'resume', key_frozen: 'thaw' };

/**
 * Why a held call would be refused though somebody approved it, by the guard itself: an approval opens nothing that would be
 * closed without the detector. Undefined where nothing is known against it.
 */
export function refusalOf(hold: HoldFacts, { directory, geo, upstreams }: Parts, timeMs: number) {
  const subject = directory.live(hold.key);
  const upstream = upstreams().find(({ name }) => name === hold.upstream);
  const address = parseIp(hold.address);
  if (subject === undefined || upstream === undefined || address === undefined) return undefined;
  const { kind: network, country, asn } = geo.lookup(hold.address);
  const call = { ...hold, privilege: hold.privilege as Privilege, time: timeMs, network, country, asn };
  const verdict = checkSubject(observationOf(call, upstream), address, subject, upstream.policy);
  return verdict === undefined || verdict.decision === 'allow' ? undefined : verdict.reason;
}

/** For the operator: what it is, and what to do first. */
export function explained({ code, text }: Reason, key: string): string {
  const command = UNDONE_BY[code];
  return command === undefined ? text : `${text} First: keyward keys ${command} ${key}.`;
}
