import { type Account, patchAccount } from '../identity/accounts.js';
import { factorFields, putTotp, totpSecretOf } from '../identity/factors.js';
import { POLICY_DEFAULT } from '../identity/password-policy.js';
import { hashPasswordSync, putPassword } from '../identity/passwords.js';
import type { DirectoryStore } from '../store.js';
import { type SeededPassword, seededSecret } from './seeded.js';

/** The second factor that the object speaks of, and for the chosen a password. */
export function seedSignIn(
  store: DirectoryStore,
  seed: number,
  account: Account,
  chosen: boolean,
  now: number,
): SeededPassword | undefined {
  const email = String(account.document.email);
  const { totpSecret, enrolled } = seedTotp(store, seed, account, email);
  if (!chosen) return undefined;
  const password = seededSecret(seed, `password ${email}`).slice(0, 20);
  const fields = putPassword(store.hidden, enrolled, POLICY_DEFAULT, hashPasswordSync(password), now);
  patchAccount(store, enrolled, fields);
  const { kind, organization } = account;
  return { organization, kind, email, password, totpSecret };
}

function seedTotp(store: DirectoryStore, seed: number, account: Account, email: string) {
  const { totp_enabled, totpEnrolled } = account.document;
  if (totp_enabled !== true && totpEnrolled !== true) return { totpSecret: null, enrolled: account };
  const totpSecret = totpSecretOf(Buffer.from(seededSecret(seed, `totp ${email}`), 'hex'));
  putTotp(store, account, totpSecret, 0);
  return { totpSecret, enrolled: patchAccount(store, account, factorFields(store.hidden, account)) };
}
