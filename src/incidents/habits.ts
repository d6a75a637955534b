import type { KeyLimits, LocationRule } from '../core/key.js';
import { type JournalCall, succeeded } from './call.js';
import { networkOf } from './lead.js';
import { OwnPaths } from './own-paths.js';

/** Networks that are named one by one; a key that comes from more is known by its autonomous systems. */
const NETWORKS_MAX = 32;
const OPERATIONS_MAX = 1_000;
/** From this privilege on a frozen key may do nothing, even if it always has. */
const FROZEN_BELOW = 3;

/** The name of no operation. */
const NOTHING = '(nothing)';
const EVERYWHERE: LocationRule[] = [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }];

/** What a key has done, and from where, before it was compromised. */
export interface Habits {
  readonly calls: number;
  /** Rules: names, or `METHOD /template` where no catalog knows them. */
  readonly operations: readonly string[];
  readonly networks: readonly string[];
  readonly asns: readonly number[];
}

/** @param calls of one key */
export function habitsOf(calls: readonly JournalCall[], beforeMs: number): Habits {
  const operations = new OwnPaths();
  const networks = new Set<string>();
  const asns = new Set<number>();
  let count = 0;
  for (const call of calls) {
    if (call.timeMs >= beforeMs || call.flagged || !succeeded(call)) continue;
    count += 1;
    operations.note(call);
    networks.add(networkOf(call.address));
    if (call.asn !== undefined) asns.add(call.asn);
  }
  return {
    calls: count,
    operations: operations.rules().slice(0, OPERATIONS_MAX),
    networks: [...networks],
    asns: [...asns],
  };
}

/** Limits that hold a key to its habits; `privileged`: whether it keeps what changes access. */
export function limitsOf(
  { operations, networks, asns }: Habits,
  privileged: boolean,
): Pick<KeyLimits, 'operations' | 'locations'> {
  const places: LocationRule[] =
    networks.length > NETWORKS_MAX && asns.length > 0
      ? asns.map((asn) => ({ asn }))
      : networks.map((cidr) => ({ cidr }));
  // An empty list of rules would allow everything.
  return {
    operations: {
      allow: operations.length === 0 ? [NOTHING] : [...operations],
      ...(privileged ? {} : { privilegeMax: (FROZEN_BELOW - 1) as 2 }),
    },
    locations: places.length === 0 ? { deny: EVERYWHERE } : { allow: places },
  };
}
