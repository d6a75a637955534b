import { type Account, patchAccount } from '../identity/accounts.js';
import { putTotp, totpSecretOf } from '../identity/factors.js';
import { POLICY_DEFAULT } from '../identity/password-policy.js';
import { hashPasswordSync, putPassword } from '../identity/passwords.js';
import type { DirectoryStore } from '../store.js';
import { type SeededPassword, seededSecret } from './seeded.js';

/** Puts the second factor in place that the object speaks of, and returns its key. */
export function seedTotp(store: DirectoryStore, seed: number, account: Account): string | null {
  const { document } = account;
  if (document.totp_enabled !== true && document.totpEnrolled !== true) return null;
  const bytes = Buffer.from(seededSecret(seed, `totp ${document.email}`), 'hex');
  const secret = totpSecretOf(bytes);
  putTotp(store, account, secret, 0);
  return secret;
}

export function seedPassword(
  store: DirectoryStore,
  seed: number,
  account: Account,
  now: number,
): Pick<SeededPassword, 'email' | 'password'> {
  const email = String(account.document.email);
  const password = seededSecret(seed, `password ${email}`).slice(0, 20);
  const hashed = hashPasswordSync(password);
  patchAccount(store, account, putPassword(store.hidden, account, POLICY_DEFAULT, hashed, now));
  return { email, password };
}
