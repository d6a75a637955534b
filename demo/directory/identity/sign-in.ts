import { newSecret, sha256 } from '../ids.js';
import type { JsonObject } from '../model.js';
import {
  type Account,
  type AccountKind,
  accountOf,
  accountsByEmail,
  type Client,
  type Identity,
  mayEnter,
  partOf,
  patchAccount,
  recordFor,
} from './accounts.js';
import { asksForMfa, factorFields, factorsOf, isExcluded, takeTotp } from './factors.js';
import { clearFailures, countFailure, endSessions, isLocked } from './lockout.js';
import { policyOf } from './password-policy.js';
import { hashPassword, isPassword, passwordFault, putPassword } from './passwords.js';
import { endSession, type Session, startSession } from './sessions.js';

const CODE_MS = 30 * 60_000;

interface CodeRecord {
  readonly organization: string;
  readonly kind: AccountKind;
  readonly owner: string;
  readonly expiresAt: number;
}

/** @returns the cookie of a new session, which may still lack its second factor */
export async function signIn(
  identity: Identity,
  client: Client,
  kind: AccountKind,
  email: string,
  password: string,
  earlier: string | undefined,
): Promise<string | undefined> {
  const { store, ports } = identity;
  const found = accountsByEmail(store, kind, email);
  const checked = await Promise.all(
    (found.length === 0 ? [undefined] : found).map(async (account) => ({
      account,
      right: await isPassword(store.hidden, account, password),
    })),
  );
  return store.change(() => {
    const now = ports.now();
    // So that an address that nobody has takes as long.
    if (found.length === 0) store.hidden.put(['nobody'], { at: now });
    for (const { account, right } of checked) {
      if (account === undefined || !right || !mayEnter(account)) continue;
      if (isLocked(store.hidden, account, now)) continue;
      if (earlier !== undefined) endSession(store, earlier);
      const complete = !asksForMfa(store, account, now) && !asked(identity, account, now);
      const entered = expireExclusion(identity, account, client, now);
      if (complete) completeSignIn(identity, entered, client, { mfa: false, password: true });
      return startSession(store, entered, now);
    }
    for (const { account } of checked) if (account !== undefined) fail(identity, account, client, false);
    return undefined;
  });
}

function asked({ store }: Identity, account: Account, now: number): boolean {
  return factorsOf(store.hidden, account).any && !isExcluded(account, now);
}

function expireExclusion(identity: Identity, account: Account, client: Client, now: number): Account {
  const { document } = account;
  if (account.kind === 'admin' || partOf(document, 'mfa', 'exclusion') !== true || isExcluded(account, now))
    return account;
  const mfa = { ...(document.mfa as JsonObject), exclusion: false };
  recordFor(identity, account, client, { type: 'user_mfa_exclusion_expired' });
  return patchAccount(identity.store, account, { mfa });
}

interface Shown {
  readonly mfa: boolean;
  readonly password?: boolean;
  readonly method?: 'totp' | 'webauthn';
}

function completeSignIn(identity: Identity, account: Account, client: Client, shown: Shown): void {
  const { store } = identity;
  clearFailures(store.hidden, account);
  if (account.document.account_locked === true) {
    recordFor(identity, account, client, { type: 'user_unlocked' });
    patchAccount(store, account, { account_locked: false });
  }
  recordAttempt(identity, account, client, true, shown);
}

function recordAttempt(
  identity: Identity,
  account: Account,
  client: Client,
  success: boolean,
  { mfa, method }: Shown,
): void {
  const methods = {
    password: { success: success || mfa },
    ...(method === undefined ? {} : { [method]: { success } }),
  };
  const type = account.kind === 'admin' ? 'admin_login_attempt' : 'user_login_attempt';
  recordFor(identity, account, client, { type, success, mfa, auth_context: { auth_methods: methods } });
}

function fail(
  identity: Identity,
  account: Account,
  client: Client,
  mfa: boolean,
  method?: 'totp' | 'webauthn',
): void {
  const { store, ports } = identity;
  recordAttempt(identity, account, client, false, { mfa, ...(method === undefined ? {} : { method }) });
  if (isLocked(store.hidden, account, ports.now())) return;
  const policy = policyOf(store.organization(account.organization));
  if (!countFailure(store.hidden, account, policy, ports.now())) return;
  recordFor(identity, account, client, { type: account.kind === 'admin' ? 'admin_lockout' : 'user_lockout' });
  if (account.kind === 'user') patchAccount(store, account, { account_locked: true });
}

/** @returns the cookie of the session that takes the place of the one without second factor */
export function showCode(
  identity: Identity,
  client: Client,
  session: Session,
  code: string,
): Promise<string | undefined> {
  return identity.store.change(() => {
    const { store, ports } = identity;
    const account = session.account;
    const open = !isLocked(store.hidden, account, ports.now());
    if (open && takeTotp(store, account, code.replaceAll(' ', ''), ports.now()))
      return stepUp(identity, client, session, 'totp');
    fail(identity, account, client, true, 'totp');
    return undefined;
  });
}

/** A second factor was shown: rights grow, so the session gets a new id. In the open transaction. */
export function stepUp(
  identity: Identity,
  client: Client,
  session: Session,
  factor: 'totp' | 'webauthn',
  event = true,
): string {
  const { store, ports } = identity;
  const now = ports.now();
  endSession(store, session.token);
  if (event) completeSignIn(identity, session.account, client, { mfa: true, method: factor });
  return startSession(store, session.account, now, { mfaAt: now, factor });
}

export function passkeyRefused(identity: Identity, client: Client, session: Session): Promise<void> {
  return identity.store.change(() => fail(identity, session.account, client, true, 'webauthn'));
}

/** Ends all sessions of the account. @returns why not, or the cookie of a new session */
export async function changePassword(
  identity: Identity,
  client: Client,
  session: Session,
  given: { current: string; wanted: string },
): Promise<{ fault: string } | { token: string }> {
  const { store, ports } = identity;
  const { account } = session;
  if (!(await isPassword(store.hidden, account, given.current))) {
    await store.change(() => fail(identity, account, client, false));
    return { fault: 'The current password is not right.' };
  }
  const policy = policyOf(store.organization(account.organization));
  const fault = await passwordFault(store.hidden, account, policy, given.wanted);
  if (fault !== undefined) return { fault };
  const hashed = await hashPassword(given.wanted);
  return store.change(() => {
    setPassword(identity, account, client, hashed);
    const { mfaAt, factor } = session;
    return { token: startSession(store, account, ports.now(), { mfaAt, factor }) };
  });
}

function setPassword(identity: Identity, account: Account, client: Client, hashed: string): void {
  const { store, ports } = identity;
  const policy = policyOf(store.organization(account.organization));
  const fields = putPassword(store.hidden, account, policy, hashed, ports.now());
  patchAccount(store, account, fields);
  endSessions(store.hidden, account, ports.now());
  const type = account.kind === 'admin' ? 'admin_password_change' : 'user_password_change';
  recordFor(identity, account, client, { type });
}

/** A code that sets a new password once. In the open transaction. */
export function newResetCode({ store, ports }: Identity, account: Account): string {
  const code = newSecret();
  const record: CodeRecord = {
    ...{ organization: account.organization, kind: account.kind, owner: account.document._id },
    expiresAt: ports.now() + CODE_MS,
  };
  store.hidden.put(['code', sha256(code)], record);
  return code;
}

/** Tells nobody whether there is such an account: whoever asks gets the same answer before this is done. */
export async function requestReset(
  identity: Identity,
  client: Client,
  kind: AccountKind,
  email: string,
  send: (account: Account, code: string) => Promise<void>,
): Promise<void> {
  const { store } = identity;
  for (const account of accountsByEmail(store, kind, email).filter(mayEnter)) {
    const code = await store.change(() => {
      recordFor(identity, account, client, { type: `${account.kind}_password_reset_request` });
      return newResetCode(identity, account);
    });
    await send(account, code);
  }
}

/** @returns why not, or nothing */
export async function resetPassword(
  identity: Identity,
  client: Client,
  code: string,
  wanted: string,
): Promise<string | undefined> {
  const { store, ports } = identity;
  const key = ['code', sha256(code)];
  const used = 'The link is not valid any more. Ask for a new one.';
  const find = () => {
    const record = store.hidden.get<CodeRecord>(key);
    if (record === undefined || record.expiresAt <= ports.now()) return undefined;
    const account = accountOf(store, record.kind, record.organization, record.owner);
    return account !== undefined && mayEnter(account) ? account : undefined;
  };
  const account = find();
  if (account === undefined) return used;
  const policy = policyOf(store.organization(account.organization));
  const fault = await passwordFault(store.hidden, account, policy, wanted);
  if (fault !== undefined) return fault;
  const hashed = await hashPassword(wanted);
  return store.change(() => {
    const owner = find();
    if (owner === undefined) return used;
    store.hidden.remove(key);
    setPassword(identity, owner, client, hashed);
    return undefined;
  });
}

/** Their owner's doing, after a second factor or before there was one. In the open transaction. */
export function recordFactors(identity: Identity, account: Account, client: Client, type: string): void {
  patchAccount(identity.store, account, factorFields(identity.store.hidden, account));
  recordFor(identity, account, client, { type: account.kind === 'admin' ? `admin_${type}` : type });
}
