import { Secret, TOTP } from 'otpauth';
import { isObject, type JsonObject } from '../model.js';
import type { DirectoryStore, HiddenTable } from '../store.js';
import { type Account, partOf, secretKey } from './accounts.js';

/** A time-based code (RFC 6238), whose secret is sealed. */
interface TotpRecord {
  readonly sealed: string;
  /** The latest step that was used: neither it nor an earlier one is taken again. */
  readonly lastStep: number;
}

export interface PasskeyRecord {
  readonly id: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  readonly createdAt: number;
}

const STEP_SECONDS = 30;

function totp(secret: string, account: Account): TOTP {
  return new TOTP({
    ...{ issuer: 'Keyward demo directory', label: String(account.document.email), period: STEP_SECONDS },
    ...{ algorithm: 'SHA1', digits: 6, secret: Secret.fromBase32(secret) },
  });
}

function sealedFor(account: Account): string {
  return `totp ${account.organization} ${account.kind} ${account.document._id}`;
}

export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

export function totpSecretOf(bytes: Uint8Array): string {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;
}

export function totpUri(secret: string, account: Account): string {
  return totp(secret, account).toString();
}

/** The step a code belongs to, one step early or late. */
export function totpStep(secret: string, account: Account, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = totp(secret, account).validate({ token: code, timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / 1000 / STEP_SECONDS) + delta;
}

export function putTotp(store: DirectoryStore, account: Account, secret: string, lastStep: number): void {
  const record: TotpRecord = { sealed: store.vault.seal(secret, sealedFor(account)), lastStep };
  store.hidden.put(secretKey(account, 'totp'), record);
}

/** True once for every code. In the transaction that is open. */
export function takeTotp(store: DirectoryStore, account: Account, code: string, now: number): boolean {
  const record = store.hidden.get<TotpRecord>(secretKey(account, 'totp'));
  if (record === undefined) return false;
  const secret = store.vault.open(record.sealed, sealedFor(account));
  if (secret === undefined) throw new Error('identity.key does not belong to these data.');
  const step = totpStep(secret, account, code, now);
  if (step === undefined || step <= record.lastStep) return false;
  store.hidden.put(secretKey(account, 'totp'), { ...record, lastStep: step });
  return true;
}

export function passkeysOf(hidden: HiddenTable, account: Account): PasskeyRecord[] {
  return hidden.under<PasskeyRecord>(secretKey(account, 'passkey')).map(({ value }) => value);
}

export function putPasskey(hidden: HiddenTable, account: Account, passkey: PasskeyRecord): void {
  hidden.put(secretKey(account, 'passkey', passkey.id), passkey);
}

export interface Factors {
  readonly totp: boolean;
  readonly passkeys: readonly PasskeyRecord[];
  readonly any: boolean;
}

export function factorsOf(hidden: HiddenTable, account: Account): Factors {
  const has = hidden.get(secretKey(account, 'totp')) !== undefined;
  const passkeys = passkeysOf(hidden, account);
  return { totp: has, passkeys, any: has || passkeys.length > 0 };
}

export function dropFactors(hidden: HiddenTable, account: Account): void {
  hidden.remove(secretKey(account, 'totp'));
  hidden.removeUnder(secretKey(account, 'passkey'));
}

/** What the account's object says of its factors. */
export function factorFields(hidden: HiddenTable, account: Account): JsonObject {
  const factors = factorsOf(hidden, account);
  if (account.kind === 'admin') return { totpEnrolled: factors.totp };
  const before = isObject(account.document.mfa) ? account.document.mfa : {};
  return {
    totp_enabled: factors.totp,
    mfa: { ...before, configured: factors.any },
    mfaEnrollment: {
      totpStatus: factors.totp ? 'ENROLLED' : 'NOT_ENROLLED',
      webAuthnStatus: factors.passkeys.length > 0 ? 'ENROLLED' : 'NOT_ENROLLED',
      overallStatus: factors.any ? 'ENROLLED' : 'NOT_ENROLLED',
    },
  };
}

/** An administrator let this user in without a second factor, for a while or for good. */
export function isExcluded({ kind, document }: Account, now: number): boolean {
  if (kind === 'admin' || partOf(document, 'mfa', 'exclusion') !== true) return false;
  const until = partOf(document, 'mfa', 'exclusionUntil');
  return typeof until !== 'string' || Date.parse(until) > now;
}

/** What the account itself asks for; applications may ask for more. */
export function asksForMfa(store: DirectoryStore, account: Account, now: number): boolean {
  if (isExcluded(account, now)) return false;
  const { document, kind, organization } = account;
  if (kind === 'admin') return document.enableMultiFactor === true;
  if (document.enable_user_portal_multifactor === true) return true;
  return store
    .tenant(organization)
    .all('authnpolicy')
    .some((policy) => policy.type === 'user_portal' && demandsMfa(policy));
}

/** Of an authentication policy (`/api/v2/authn/policies`). */
export function demandsMfa(policy: JsonObject): boolean {
  return policy.disabled !== true && partOf(policy, 'effect', 'obligations', 'mfa', 'required') === true;
}
