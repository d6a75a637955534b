import { newSecret, sha256 } from '../ids.js';
import type { DirectoryStore } from '../store.js';
import { type Account, type AccountKind, accountOf, mayEnter } from './accounts.js';
import { asksForMfa, factorsOf, isExcluded } from './factors.js';
import { sessionsFrom } from './lockout.js';
import { policyOf } from './password-policy.js';
import { isExpired } from './passwords.js';

export const IDLE_MS = 30 * 60_000;
export const SESSION_MS = 12 * 3_600_000;
const SEEN_EVERY_MS = 60_000;

/** Kept under the hash of the cookie, so that the data open no session. */
interface SessionRecord {
  readonly organization: string;
  readonly kind: AccountKind;
  readonly owner: string;
  readonly startedAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
  /** When a second factor was shown, if it was. */
  readonly mfaAt: number | null;
  readonly factor: 'totp' | 'webauthn' | null;
}

export interface Session extends SessionRecord {
  readonly token: string;
  readonly account: Account;
}

/** What has to be done before anything else. */
export type Step = 'mfa' | 'password' | 'enrol' | 'none';

const keyOf = (token: string): string[] => ['session', sha256(token)];

/** A new id at every gain of rights: one that was planted before gains nothing. In the open transaction. */
export function startSession(
  store: DirectoryStore,
  account: Account,
  now: number,
  mfa: Pick<SessionRecord, 'mfaAt' | 'factor'> = { mfaAt: null, factor: null },
): string {
  const token = newSecret() + newSecret();
  const record: SessionRecord = {
    ...{ organization: account.organization, kind: account.kind, owner: account.document._id },
    ...{ startedAt: now, seenAt: now, expiresAt: now + SESSION_MS, ...mfa },
  };
  store.hidden.put(keyOf(token), record);
  return token;
}

export function endSession(store: DirectoryStore, token: string): void {
  store.hidden.remove(keyOf(token));
}

/** Looked up at every request: who lost the account has lost the session at once. */
export function sessionOf(
  store: DirectoryStore,
  token: string | undefined,
  now: number,
): Session | undefined {
  if (token === undefined || !/^[0-9a-f]{80}$/.test(token)) return undefined;
  const record = store.hidden.get<SessionRecord>(keyOf(token));
  if (record === undefined || record.expiresAt <= now || record.seenAt + IDLE_MS <= now) return undefined;
  const account = accountOf(store, record.kind, record.organization, record.owner);
  if (account === undefined || !mayEnter(account)) return undefined;
  if (record.startedAt < sessionsFrom(store.hidden, account)) return undefined;
  return { ...record, token, account };
}

export async function touch(store: DirectoryStore, session: Session, now: number): Promise<void> {
  if (session.seenAt + SEEN_EVERY_MS > now) return;
  await store.change(() => {
    const record = store.hidden.get<SessionRecord>(keyOf(session.token));
    if (record !== undefined) store.hidden.put(keyOf(session.token), { ...record, seenAt: now });
  });
}

/**
 * Whoever has a second factor is asked for it, unless an administrator excluded them.
 * @param strict an application demands a second factor, whatever the account itself asks for
 */
export function nextStep(store: DirectoryStore, session: Session, now: number, strict = false): Step {
  const { account, mfaAt } = session;
  const enrolled = factorsOf(store.hidden, account).any;
  const asked = strict || asksForMfa(store, account, now);
  if (mfaAt === null && enrolled && (strict || !isExcluded(account, now))) return 'mfa';
  const policy = policyOf(store.organization(account.organization));
  if (isExpired(store.hidden, account, policy, now)) return 'password';
  return asked && !enrolled ? 'enrol' : 'none';
}
