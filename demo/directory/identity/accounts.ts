import { userAgentOf } from '../events.js';
import { isId, isoTime, type Ports } from '../ids.js';
import { type DirectoryEvent, type Document, isObject, type JsonObject, type Kind } from '../model.js';
import { type DirectoryStore, loginPrefix } from '../store.js';

/** What every part of signing in works with. */
export interface Identity {
  readonly store: DirectoryStore;
  readonly ports: Ports;
  /** Where browsers find the directory. */
  readonly origin: string;
}

export type AccountKind = 'user' | 'admin';

/** Somebody who signs in. */
export interface Account {
  readonly kind: AccountKind;
  readonly organization: string;
  readonly document: Document;
}

/** The browser, as the log names it. */
export interface Client {
  readonly ip: string;
  readonly userAgent: string;
}

/** Of one address in many organisations, that many are tried. */
const CANDIDATES_MAX = 5;

export function accountOf(
  store: DirectoryStore,
  kind: AccountKind,
  organization: string,
  id: string,
): Account | undefined {
  const document = isId(id) && isId(organization) ? store.tenant(organization).get(kind, id) : undefined;
  return document === undefined ? undefined : { kind, organization, document };
}

export function accountsByEmail(store: DirectoryStore, kind: AccountKind, email: string): Account[] {
  return store.hidden
    .under<{ id: string }>(loginPrefix(kind, email))
    .slice(0, CANDIDATES_MAX)
    .flatMap(({ key, value }) => accountOf(store, kind, key[3] ?? '', value.id) ?? []);
}

/** Whoever is suspended or not yet activated stays outside, whatever they know. */
export function mayEnter({ kind, document }: Account): boolean {
  if (document.suspended === true) return false;
  return kind === 'admin' || document.state === 'ACTIVATED';
}

/** Changes the account's object; the event that goes with it is the caller's to record. */
export function patchAccount(store: DirectoryStore, account: Account, fields: JsonObject): Account {
  const document = { ...account.document, ...fields, _id: account.document._id, id: account.document._id };
  store.tenant(account.organization).put(account.kind, document);
  return { ...account, document };
}

/** Where a secret of an account or an application is, by name; it goes with its object. */
export function secretKey(
  {
    organization,
    kind,
    document,
  }: { readonly organization: string; readonly kind: Kind; readonly document: Document },
  ...name: string[]
): string[] {
  return ['secret', organization, kind, document._id, ...name];
}

function nameOf({ kind, document }: Account): JsonObject {
  return kind === 'admin'
    ? { type: 'admin', id: document._id, email: String(document.email) }
    : { type: 'user', id: document._id, username: String(document.username) };
}

/** An entry of the log about somebody's own doing, in the transaction that is open. */
export function recordFor(
  { store, ports }: Identity,
  account: Account,
  client: Client,
  happened: { type: string; success?: boolean; service?: 'directory' | 'sso' } & JsonObject,
): void {
  const { type, success = true, service = 'directory', ...rest } = happened;
  const own = nameOf(account);
  const event: DirectoryEvent = {
    ...{ '@version': '1', id: ports.newId(), event_type: type, service },
    organization: account.organization,
    provider: store.organization(account.organization)?.provider ?? null,
    timestamp: isoTime(ports),
    ...(service === 'directory' ? { auth_method: 'session', resource: own, success } : {}),
    client_ip: client.ip,
    initiated_by: own,
    useragent: userAgentOf(client.userAgent),
    ...rest,
  };
  store.tenant(account.organization).append(event);
}

/** A part of a free-form object, or nothing. */
export function partOf(object: unknown, ...names: string[]): unknown {
  let at: unknown = object;
  for (const name of names) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}
