import type { KeyRecord } from '../core/key.js';

export type KeyState = 'active' | 'frozen' | 'suspended' | 'revoked' | 'rotated' | 'overlapping' | 'expired';

/** The state of a key in one word, for lists. Idle expiry needs the usage and is not told here. */
export function stateOf(key: KeyRecord, nowMs: number): KeyState {
  if (key.revoked !== undefined) return 'revoked';
  if (key.replaced !== undefined && nowMs >= key.replaced.overlapUntilMs) return 'rotated';
  if (key.suspended !== undefined) return 'suspended';
  if (key.expiresMs !== undefined && nowMs >= key.expiresMs) return 'expired';
  if (key.replaced !== undefined) return 'overlapping';
  return key.frozen === undefined ? 'active' : 'frozen';
}
