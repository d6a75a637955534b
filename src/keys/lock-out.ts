import type { KeyRecord, KeyUsage, LocationRules } from '../core/key.js';
import { wouldLockOut } from '../core/location.js';
import type { Geo } from '../engine/ports.js';
import { ActFault } from './acts.js';

/** Uses older than this say little about where a key is used today. */
const RECENT_MS = 30 * 86_400_000;

/**
 * Rules that refuse a key where it was last used are more often a slip than meant.
 * @throws ActFault conflict, which says where the key works today.
 */
export function guardAgainstLockOut(
  rules: LocationRules | undefined,
  key: KeyRecord,
  usage: KeyUsage | undefined,
  geo: Geo,
  nowMs: number,
): void {
  if (rules === undefined || usage?.lastAddress === undefined) return;
  if (nowMs - (usage.lastUsedMs ?? 0) > RECENT_MS) return;
  const why = wouldLockOut(rules, usage.lastAddress, geo.lookup(usage.lastAddress));
  if (why === undefined) return;
  throw new ActFault(
    'conflict',
    `${why} Key ${key.id} (${key.name}) was last used there; repeat with force to do it anyway.`,
  );
}
