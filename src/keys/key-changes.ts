import type { KeyRecord } from '../core/key.js';
import type { SecurityEvent } from '../notices/records.js';

/** What receivers of security events hear of a change: nothing where only limits change, and never why. */
export function changesOf(key: KeyRecord, before: KeyRecord | undefined): SecurityEvent[] {
  const of = { key: key.id, tenant: key.tenant };
  if (key.revoked !== undefined && before?.revoked === undefined) {
    const { atMs } = key.revoked;
    return [
      { type: 'credential-change', ...of, atMs, change: 'revoke' },
      { type: 'session-revoked', ...of, atMs },
    ];
  }
  if (key.replaced !== undefined && before?.replaced === undefined)
    return [{ type: 'credential-change', ...of, atMs: key.replaced.atMs, change: 'update' }];
  if (key.suspended !== undefined && before?.suspended === undefined) {
    return [{ type: 'session-revoked', ...of, atMs: key.suspended.atMs }];
  }
  if (key.frozen !== undefined && before?.frozen === undefined)
    return [{ type: 'session-revoked', ...of, atMs: key.frozen.atMs }];
  return [];
}
