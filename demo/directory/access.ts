import { jwtVerify, SignJWT } from 'jose';
import { Failure, forbidden, notFound, unauthorized } from './failures.js';
import { isId, newSecret, sha256 } from './ids.js';
import type { Caller, RoleName } from './model.js';
import type { DirectoryStore, KeyRecord } from './store.js';
import type { Throttle } from './throttle.js';

/** What of a request says who is asking. */
export interface Credentials {
  readonly apiKey: string | undefined;
  readonly bearer: string | undefined;
  readonly organization: string | undefined;
  readonly clientIp: string;
  readonly userAgent: string;
}

const TOKEN_SECONDS = 3_600;
const ISSUER = 'keyward-demo-directory';
const KEY_CHARACTERS_MAX = 4_096;

/** Finds who holds a key or a token, and which organisation it opens. */
export class Access {
  readonly #store: DirectoryStore;
  readonly #throttle: Throttle;
  readonly #now: () => number;
  /** Told of keys that opened something once; must not keep the answer waiting. */
  readonly #oldKeyUsed: (record: KeyRecord, credentials: Credentials) => void;

  constructor(
    store: DirectoryStore,
    throttle: Throttle,
    now: () => number,
    oldKeyUsed: (record: KeyRecord, credentials: Credentials) => void,
  ) {
    this.#store = store;
    this.#throttle = throttle;
    this.#now = now;
    this.#oldKeyUsed = oldKeyUsed;
  }

  /** @throws {Failure} 401, 404 or 429 */
  async authenticate(credentials: Credentials): Promise<Caller> {
    const record = await this.#record(credentials);
    return this.#open(record, credentials);
  }

  /** The key's record alone, for the calls of a provider that need no organisation. */
  async #record(credentials: Credentials): Promise<KeyRecord> {
    const { apiKey, bearer } = credentials;
    const record = apiKey !== undefined ? this.#byKey(apiKey) : await this.#byToken(bearer);
    if (record?.state === 'old') this.#oldKeyUsed(record, credentials);
    if (record !== undefined && record.state === 'active' && !this.#expired(record)) return record;
    throw this.refusal(credentials.clientIp);
  }

  /** Those who hold a good key are never kept waiting: many clients may share one address. */
  refusal(clientIp: string): Failure {
    const seconds = this.#throttle.failed(clientIp);
    if (seconds === undefined) return unauthorized();
    return new Failure(429, 'Too Many Requests', { 'retry-after': String(seconds) });
  }

  /** By hash: how long it takes says nothing about how much of a key was right. */
  #byKey(key: string): KeyRecord | undefined {
    return key.length > KEY_CHARACTERS_MAX ? undefined : this.#store.key(sha256(key));
  }

  async #byToken(token: string | undefined): Promise<KeyRecord | undefined> {
    if (token === undefined || token.length > KEY_CHARACTERS_MAX) return undefined;
    try {
      const options = { algorithms: ['HS256'], issuer: ISSUER, currentDate: new Date(this.#now()) };
      const { payload } = await jwtVerify(token, this.#tokenSecret(), options);
      // A token lives no longer than the secret that it was bought with.
      return typeof payload.client === 'string' ? this.#store.key(payload.client) : undefined;
    } catch {
      return undefined;
    }
  }

  #expired(record: KeyRecord): boolean {
    return record.expiresAt !== null && record.expiresAt <= this.#now();
  }

  #open(record: KeyRecord, credentials: Credentials): Caller {
    const wanted = credentials.organization;
    if (wanted !== undefined && !isId(wanted)) throw new Failure(400, 'Invalid x-org-id');
    if (record.kind !== 'provider' && wanted !== undefined && wanted !== record.organization)
      throw notFound();
    const id = record.organization ?? wanted;
    if (id === undefined) throw unauthorized();
    const organization = this.#store.organization(id);
    if (organization === undefined) throw notFound();
    if (record.kind === 'provider' && organization.provider !== record.provider) throw notFound();
    return {
      kind: record.kind,
      id: record.owner,
      email: record.email,
      role: this.#role(record, id),
      organization: id,
      provider: organization.provider,
      authMethod: credentials.apiKey !== undefined ? 'api key' : 'bearer token',
      clientIp: credentials.clientIp,
      userAgent: credentials.userAgent,
    };
  }

  /** Looked up at every call: who lost a role or an account has lost it at once. */
  #role(record: KeyRecord, organization: string): RoleName {
    if (record.kind === 'provider') return 'Administrator With Billing';
    const owner = this.#store.tenant(organization).get(record.kind, record.owner);
    if (owner === undefined || owner.suspended === true || owner.apiKeyAllowed === false)
      throw unauthorized();
    return owner.roleName as RoleName;
  }

  /** Organisations that a key may name, and the one it opens by itself. */
  async organizations(credentials: Credentials): Promise<{ ids: string[]; caller: Caller | undefined }> {
    const record = await this.#record(credentials);
    if (record.kind !== 'provider') {
      const caller = this.#open(record, credentials);
      return { ids: [caller.organization], caller };
    }
    const own = this.#store.organizations().filter(({ provider }) => provider === record.provider);
    return { ids: own.map(({ _id }) => _id), caller: undefined };
  }

  /** OAuth 2.0 client credentials (RFC 6749, 4.4). */
  async token(
    clientId: string,
    clientSecret: string,
    clientIp: string,
  ): Promise<{ token: string; seconds: number }> {
    const client = sha256(`${clientId}:${clientSecret}`);
    const record = this.#store.key(client);
    if (record?.state !== 'active' || this.#expired(record)) throw this.refusal(clientIp);
    const now = Math.floor(this.#now() / 1000);
    const token = await new SignJWT({ client, client_id: clientId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject(record.owner)
      .setIssuedAt(now)
      .setExpirationTime(now + TOKEN_SECONDS)
      .sign(this.#tokenSecret());
    return { token, seconds: TOKEN_SECONDS };
  }

  #tokenSecret(): Uint8Array {
    const secret = this.#store.fact('token-secret');
    if (secret === undefined) throw new Error('The store has no token secret.');
    return Buffer.from(secret, 'hex');
  }
}

/** Made once, with the store. */
export async function ensureTokenSecret(store: DirectoryStore): Promise<void> {
  if (store.fact('token-secret') !== undefined) return;
  await store.change(() => store.putFact('token-secret', newSecret() + newSecret()));
}

export type Area = 'directory' | 'users' | 'commands' | 'admins' | 'service-accounts' | 'events';

/** @throws {Failure} 403 */
export function requireRole(caller: Caller, area: Area, writes: boolean): void {
  if (!mayUse(caller, area, writes)) throw forbidden();
}

export function mayUse({ role }: Caller, area: Area, writes: boolean): boolean {
  switch (role) {
    case 'Administrator With Billing':
      return true;
    case 'Administrator':
      return area !== 'service-accounts' || !writes;
    case 'Manager':
      return !writes || (area !== 'admins' && area !== 'service-accounts');
    case 'Help Desk':
      return !writes || area === 'users';
    case 'Command Runner':
      return area === 'commands';
    case 'Read Only':
      return !writes;
  }
}
