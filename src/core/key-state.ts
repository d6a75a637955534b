import type { KeyRecord, KeyUsage } from './key.js';
import { deny, type Verdict } from './verdict.js';

/** Whether the key is alive at this moment and may be used at this upstream; undefined means yes. */
export function checkKeyState(
  key: KeyRecord,
  usage: KeyUsage | undefined,
  upstream: string,
  timeMs: number,
): Verdict | undefined {
  if (key.revoked !== undefined) return deny('key_revoked', 'This key was revoked. It will not work again.');
  if (key.replaced !== undefined && timeMs >= key.replaced.overlapUntilMs) {
    return deny(
      'key_rotated',
      'This key was replaced by a newer one and its overlap has ended. Use the newer key.',
    );
  }
  if (key.suspended !== undefined)
    return deny('key_suspended', 'This key is suspended. Its owner or an operator can resume it.');
  if (key.expiresMs !== undefined && timeMs >= key.expiresMs) {
    return deny('key_expired', `This key expired at ${new Date(key.expiresMs).toISOString()}.`);
  }
  if (key.idleMs !== undefined) {
    const since = Math.max(usage?.lastUsedMs ?? 0, key.createdMs);
    if (timeMs - since >= key.idleMs) {
      return deny(
        'key_idle',
        `This key was not used since ${new Date(since).toISOString()} and has expired.`,
      );
    }
  }
  if (key.upstreams.length > 0 && !key.upstreams.includes(upstream)) {
    return deny('key_upstream', `This key does not open ${upstream}.`);
  }
  return undefined;
}
