import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { badRequest } from '../failures.js';
import { isId, newSecret } from '../ids.js';
import { type Document, isObject, type JsonObject } from '../model.js';
import type { DirectoryStore } from '../store.js';
import { type Account, partOf, secretKey } from './accounts.js';
import { demandsMfa } from './factors.js';

/** Fields of `config` that nobody reads back. */
const SECRET_FIELDS = ['idpPrivateKey', 'clientSecret'] as const;
const CERTIFICATE_YEARS = 10;

export interface Application {
  readonly organization: string;
  readonly document: Document;
}

export type SsoType = 'saml' | 'oidc';

export function applicationById(store: DirectoryStore, id: string): Application | undefined {
  if (!isId(id)) return undefined;
  for (const { _id: organization } of store.organizations()) {
    const document = store.tenant(organization).get('application', id);
    if (document !== undefined) return { organization, document };
  }
  return undefined;
}

export function ssoTypeOf(document: JsonObject): SsoType | undefined {
  const type = partOf(document, 'sso', 'type');
  return type === 'saml' || type === 'oidc' ? type : undefined;
}

/** JumpCloud writes `{"acsUrl": {"value": …}}`; a bare value is read as well. */
export function configOf(document: JsonObject, name: string): unknown {
  const field = partOf(document, 'config', name);
  return isObject(field) ? field.value : field;
}

export function textOf(document: JsonObject, name: string): string | undefined {
  const value = configOf(document, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What somebody may open: active, and tied to them or to a group of theirs. */
export function applicationsOf(store: DirectoryStore, account: Account): Document[] {
  const tenant = store.tenant(account.organization);
  const groups = tenant.links('user', account.document._id, 'user_group');
  const sources = [{ type: 'user', id: account.document._id }, ...groups];
  const ids = new Set(
    sources.flatMap(({ type, id }) => tenant.links(type, id, 'application').map((link) => link.id)),
  );
  return [...ids]
    .flatMap((id) => tenant.get('application', id) ?? [])
    .filter(({ active }) => active === true);
}

/** Of its own organisation only: no tie leads out of it. */
export function mayOpen(store: DirectoryStore, account: Account, application: Application): boolean {
  if (account.kind !== 'user') return false;
  return applicationsOf(store, account).some(({ _id }) => _id === application.document._id);
}

/** Authentication policies that name the application, as the console sets them. */
export function accessTo(
  store: DirectoryStore,
  { organization, document }: Application,
): { denied: boolean; mfa: boolean } {
  const policies = store
    .tenant(organization)
    .all('authnpolicy')
    .filter((policy) => policy.disabled !== true && names(policy, document._id));
  return {
    denied: policies.some((policy) => partOf(policy, 'effect', 'action') === 'deny'),
    mfa: policies.some(demandsMfa),
  };
}

function names(policy: JsonObject, id: string): boolean {
  const resources = partOf(policy, 'targets', 'resources');
  return Array.isArray(resources) && resources.some((each) => partOf(each, 'id') === id);
}

/** As events name it. */
export function referTo({ document }: Application): JsonObject {
  return {
    id: document._id,
    name: String(document.name),
    display_label: String(document.displayLabel || document.displayName),
    sso_type: ssoTypeOf(document) ?? '',
    sso_url: String(document.ssoUrl),
  };
}

export function applicationSecret(store: DirectoryStore, of: Application, name: string): string | undefined {
  const key = secretKey({ ...of, kind: 'application' }, name);
  const record = store.hidden.get<{ sealed: string }>(key);
  return record === undefined ? undefined : store.vault.open(record.sealed, key.join(' '));
}

export function putApplicationSecret(
  store: DirectoryStore,
  of: Application,
  name: string,
  secret: string,
): void {
  const key = secretKey({ ...of, kind: 'application' }, name);
  store.hidden.put(key, { sealed: store.vault.seal(secret, key.join(' ')) });
}

/** `organisation.application`: it says where to look. */
export function clientIdOf({ organization, document }: Application): string {
  return `${organization}.${document._id}`;
}

export function applicationByClient(store: DirectoryStore, clientId: string): Application | undefined {
  const [organization = '', id = ''] = clientId.split('.');
  if (!isId(organization) || !isId(id)) return undefined;
  const document = store.tenant(organization).get('application', id);
  if (document === undefined || document.active !== true || ssoTypeOf(document) !== 'oidc') return undefined;
  return { organization, document };
}

export function newClientSecret(store: DirectoryStore, application: Application): string {
  const secret = newSecret();
  putApplicationSecret(store, application, 'clientSecret', secret);
  return secret;
}

export function redirectUrisOf(document: JsonObject): string[] {
  const value = configOf(document, 'redirectUris');
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/**
 * Takes the secrets out of what a client sends, and refuses what signing in could not work with.
 * @param known the certificate that is there already
 * @throws {Failure} 400
 */
export function readConfig(
  body: JsonObject,
  known: string | undefined,
  knownKey: string | undefined,
): { body: JsonObject; privateKey: string | undefined } {
  if (!isObject(body.config)) return { body, privateKey: undefined };
  for (const url of [textOf(body, 'acsUrl'), ...redirectUrisOf(body)])
    if (url !== undefined && !isWebAddress(url)) throw badRequest('Invalid address in config');
  const certificate = textOf(body, 'idpCertificate') ?? known;
  const given = textOf(body, 'idpPrivateKey');
  const privateKey = given ?? knownKey;
  const changes = given !== undefined || textOf(body, 'idpCertificate') !== undefined;
  if (changes && (certificate === undefined || privateKey === undefined || !fits(certificate, privateKey)))
    throw badRequest('idpCertificate and idpPrivateKey do not belong together');
  const config = Object.fromEntries(
    Object.entries(body.config).filter(([name]) => !SECRET_FIELDS.some((secret) => secret === name)),
  );
  return { body: { ...body, config }, privateKey: given };
}

/** TLS, or this machine. */
function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127\.0\.0\.1)$/.test(hostname));
}

function fits(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A certificate of its own for each application: one that is stolen opens no other. */
export async function newKeyPair(name: string, now: number): Promise<KeyPair> {
  const algorithm = {
    ...{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048 },
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + CERTIFICATE_YEARS * 365 * 24 * 3_600_000),
    ...{ keys, signingAlgorithm: algorithm },
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const body = pkcs8.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
  return { certificate: certificate.toString('pem'), privateKey };
}
