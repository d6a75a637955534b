import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { sha256 } from '../ids.js';
import type { Client, Identity } from './accounts.js';
import { type PasskeyRecord, passkeysOf, putPasskey } from './factors.js';
import { isLocked } from './lockout.js';
import type { Session } from './sessions.js';
import { passkeyRefused, recordFactors, stepUp } from './sign-in.js';

type Transport = 'usb' | 'nfc' | 'ble' | 'internal' | 'hybrid' | 'cable' | 'smart-card';
const RESPONSE_CHARACTERS_MAX = 20_000;
const NAME_CHARACTERS_MAX = 60;
const CHALLENGE_MS = 5 * 60_000;

/** Of one session; the next one asked for takes its place, and it is taken once. */
interface ChallengeRecord {
  readonly challenge: string;
  readonly expiresAt: number;
}

const challengeKey = (token: string, use: string) => ['challenge', sha256(token), use];

async function keepChallenge({ store, ports }: Identity, session: Session, use: string, challenge: string) {
  const record: ChallengeRecord = { challenge, expiresAt: ports.now() + CHALLENGE_MS };
  await store.change(() => store.hidden.put(challengeKey(session.token, use), record));
}

function takeChallenge({ store, ports }: Identity, session: Session, use: string): Promise<string> {
  return store.change(() => {
    const key = challengeKey(session.token, use);
    const record = store.hidden.get<ChallengeRecord>(key);
    store.hidden.remove(key);
    return record === undefined || record.expiresAt <= ports.now() ? '' : record.challenge;
  });
}

export async function registrationOptions(identity: Identity, session: Session): Promise<string> {
  const { account } = session;
  const options = await generateRegistrationOptions({
    ...{ rpName: 'Keyward demo directory', rpID: new URL(identity.origin).hostname },
    ...{ userName: String(account.document.email), userID: Buffer.from(account.document._id, 'hex') },
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    excludeCredentials: passkeysOf(identity.store.hidden, account).map(({ id }) => ({ id })),
  });
  await keepChallenge(identity, session, 'enrol', options.challenge);
  return JSON.stringify(options);
}

/** @returns the cookie of the session that has shown it, or nothing */
export async function enrolPasskey(
  identity: Identity,
  client: Client,
  session: Session,
  given: { response: string; name: string },
): Promise<string | undefined> {
  const expectedChallenge = await takeChallenge(identity, session, 'enrol');
  const response = parse<RegistrationResponseJSON>(given.response);
  if (response === undefined || expectedChallenge === '') return undefined;
  const verified = await verifyRegistrationResponse({
    ...{ response, expectedChallenge, requireUserVerification: false },
    ...{ expectedOrigin: identity.origin, expectedRPID: new URL(identity.origin).hostname },
  }).catch(() => undefined);
  if (verified?.verified !== true) return undefined;
  const { credential } = verified.registrationInfo;
  const record: PasskeyRecord = {
    ...{ id: credential.id, publicKey: Buffer.from(credential.publicKey).toString('base64url') },
    ...{ counter: credential.counter, transports: credential.transports ?? [] },
    name: given.name.trim().slice(0, NAME_CHARACTERS_MAX) || 'Passkey',
    createdAt: identity.ports.now(),
  };
  return identity.store.change(() => {
    putPasskey(identity.store.hidden, session.account, record);
    recordFactors(identity, session.account, client, 'webauthn_finish_enrollment');
    return stepUp(identity, client, session, 'webauthn', session.mfaAt === null);
  });
}

export async function authenticationOptions(identity: Identity, session: Session): Promise<string> {
  const options = await generateAuthenticationOptions({
    ...{ rpID: new URL(identity.origin).hostname, userVerification: 'preferred' as const },
    allowCredentials: passkeysOf(identity.store.hidden, session.account).map(({ id, transports }) => ({
      id,
      transports: transports as Transport[],
    })),
  });
  await keepChallenge(identity, session, 'show', options.challenge);
  return JSON.stringify(options);
}

/** @returns the cookie of the session that has shown it, or nothing */
export async function showPasskey(
  identity: Identity,
  client: Client,
  session: Session,
  text: string,
): Promise<string | undefined> {
  const expectedChallenge = await takeChallenge(identity, session, 'show');
  const response = parse<AuthenticationResponseJSON>(text);
  const known = passkeysOf(identity.store.hidden, session.account).find(({ id }) => id === response?.id);
  const verified =
    response === undefined || known === undefined || expectedChallenge === ''
      ? undefined
      : await verifyAuthenticationResponse({
          ...{ response, expectedChallenge, requireUserVerification: false },
          ...{ expectedOrigin: identity.origin, expectedRPID: new URL(identity.origin).hostname },
          credential: {
            ...{ id: known.id, counter: known.counter },
            publicKey: new Uint8Array(Buffer.from(known.publicKey, 'base64url')),
          },
        }).catch(() => undefined);
  const locked = isLocked(identity.store.hidden, session.account, identity.ports.now());
  if (verified?.verified !== true || known === undefined || locked) {
    await passkeyRefused(identity, client, session);
    return undefined;
  }
  return identity.store.change(() => {
    const counter = verified.authenticationInfo.newCounter;
    putPasskey(identity.store.hidden, session.account, { ...known, counter });
    return stepUp(identity, client, session, 'webauthn');
  });
}

/** Its fields are checked by the library. */
function parse<T>(text: string): T | undefined {
  if (text.length > RESPONSE_CHARACTERS_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
