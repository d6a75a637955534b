import type { HiddenTable } from '../store.js';

/** Sessions, codes, challenges and tokens that are over, whether or not anybody came back with them. */
export function forgetExpired(hidden: HiddenTable, now: number): void {
  for (const area of ['session', 'code', 'challenge', 'oidc'])
    for (const { key, value } of hidden.under<{ expiresAt: number }>([area]))
      if (value.expiresAt <= now) hidden.remove(key);
}
