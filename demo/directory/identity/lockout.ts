import type { HiddenTable } from '../store.js';
import { type Account, secretKey } from './accounts.js';
import type { PasswordPolicy } from './password-policy.js';

/** What is remembered of somebody's tries. */
interface Tries {
  readonly failures: number;
  readonly lockedUntil: number;
  /** Sessions that began earlier are over. */
  readonly sessionsFrom: number;
}

const NONE: Tries = { failures: 0, lockedUntil: 0, sessionsFrom: 0 };

function triesOf(hidden: HiddenTable, account: Account): Tries {
  return hidden.get<Tries>(secretKey(account, 'tries')) ?? NONE;
}

function put(hidden: HiddenTable, account: Account, fields: Partial<Tries>): void {
  hidden.put(secretKey(account, 'tries'), { ...triesOf(hidden, account), ...fields });
}

export function isLocked(hidden: HiddenTable, account: Account, now: number): boolean {
  return triesOf(hidden, account).lockedUntil > now;
}

/** Counts a failure; true when it is the one that locks. */
export function countFailure(
  hidden: HiddenTable,
  account: Account,
  policy: PasswordPolicy,
  now: number,
): boolean {
  const failures = triesOf(hidden, account).failures + 1;
  const locks = failures >= policy.maxLoginAttempts;
  const lockedUntil = now + policy.lockoutTimeInSeconds * 1000;
  put(hidden, account, locks ? { failures: 0, lockedUntil } : { failures });
  return locks;
}

/** After a whole sign-in, or by an administrator. */
export function clearFailures(hidden: HiddenTable, account: Account): void {
  put(hidden, account, { failures: 0, lockedUntil: 0 });
}

export function endSessions(hidden: HiddenTable, account: Account, now: number): void {
  put(hidden, account, { sessionsFrom: now });
}

export function sessionsFrom(hidden: HiddenTable, account: Account): number {
  return triesOf(hidden, account).sessionsFrom;
}
