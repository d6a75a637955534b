import { hash, hashSync, verify } from '@node-rs/argon2';
import common from '@zxcvbn-ts/language-common';
import type { JsonObject } from '../model.js';
import type { HiddenTable } from '../store.js';
import { type Account, secretKey } from './accounts.js';
import type { PasswordPolicy } from './password-policy.js';

/** argon2id as OWASP recommends it where there is little memory. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const CHARACTERS_MAX = 256;
const DAY_MS = 24 * 3_600_000;

/** What is kept of a password. */
interface PasswordRecord {
  readonly hash: string;
  readonly history: readonly string[];
  readonly changedAt: number;
}

const COMMON = new Set(common.dictionary['passwords-common']);
const NOBODYS = hashSync('nobody has this password', COST);

export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** For start data, which are one transaction. */
export function hashPasswordSync(password: string): string {
  return hashSync(password, COST);
}

/** Takes as long for those who have no password, or are not there. */
export async function isPassword(
  hidden: HiddenTable,
  account: Account | undefined,
  given: string,
): Promise<boolean> {
  const record = account === undefined ? undefined : passwordOf(hidden, account);
  const right = await verify(record?.hash ?? NOBODYS, given.slice(0, CHARACTERS_MAX));
  return right && record !== undefined && given.length <= CHARACTERS_MAX;
}

/** Why the password cannot be taken, in words for the one who chose it; `undefined` if it can. */
export async function passwordFault(
  hidden: HiddenTable,
  account: Account,
  policy: PasswordPolicy,
  password: string,
): Promise<string | undefined> {
  const { document } = account;
  if ([...password].length < policy.minLength)
    return `The password needs at least ${policy.minLength} characters.`;
  if (password.length > CHARACTERS_MAX) return `The password may have ${CHARACTERS_MAX} characters at most.`;
  if (policy.needsLowercase && !/\p{Ll}/u.test(password)) return 'The password needs a lower case letter.';
  if (policy.needsUppercase && !/\p{Lu}/u.test(password)) return 'The password needs a capital letter.';
  if (policy.needsNumeric && !/\p{N}/u.test(password)) return 'The password needs a digit.';
  if (policy.needsSymbolic && !/[^\p{L}\p{N}]/u.test(password))
    return 'The password needs a sign that is neither letter nor digit.';
  const low = password.toLowerCase();
  // `Password1234!` is as well known as `password`.
  if (COMMON.has(low) || COMMON.has(low.replace(/[^a-z]+$/, '')))
    return 'This password is on the list of passwords that are tried first.';
  const own = [document.username, document.email, String(document.email).split('@')[0]];
  if (own.some((name) => typeof name === 'string' && name.length > 3 && low.includes(name.toLowerCase())))
    return 'The password must not contain your name or address.';
  const record = passwordOf(hidden, account);
  const earlier = record === undefined ? [] : [record.hash, ...record.history].slice(0, policy.maxHistory);
  for (const each of earlier) if (await verify(each, password)) return 'This password was used before.';
  return undefined;
}

export function passwordOf(hidden: HiddenTable, account: Account): PasswordRecord | undefined {
  return hidden.get<PasswordRecord>(secretKey(account, 'password'));
}

/** Puts the hash away and returns what the account's object says about it. */
export function putPassword(
  hidden: HiddenTable,
  account: Account,
  policy: PasswordPolicy,
  hashed: string,
  now: number,
): JsonObject {
  const before = passwordOf(hidden, account);
  const history = before === undefined ? [] : [before.hash, ...before.history].slice(0, policy.maxHistory);
  const record: PasswordRecord = { hash: hashed, history, changedAt: now };
  hidden.put(secretKey(account, 'password'), record);
  if (account.kind === 'admin') return {};
  const days = policy.passwordExpirationInDays;
  return {
    ...{ activated: true, password_date: new Date(now).toISOString(), password_expired: false },
    password_expiration_date: days === 0 ? null : new Date(now + days * DAY_MS).toISOString(),
  };
}

export function isExpired(
  hidden: HiddenTable,
  account: Account,
  policy: PasswordPolicy,
  now: number,
): boolean {
  const { document } = account;
  if (document.password_expired === true) return true;
  if (document.password_never_expires === true || policy.passwordExpirationInDays === 0) return false;
  const changedAt = passwordOf(hidden, account)?.changedAt ?? now;
  return changedAt + policy.passwordExpirationInDays * DAY_MS <= now;
}
