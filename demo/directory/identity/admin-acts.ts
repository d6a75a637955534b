import type { Directory } from '../directory.js';
import { badRequest } from '../failures.js';
import type { Document, JsonObject } from '../model.js';
import { ADMIN, USER } from '../resources.js';
import { type Account, partOf } from './accounts.js';
import { dropFactors, factorFields } from './factors.js';
import { clearFailures, endSessions } from './lockout.js';
import { policyOf } from './password-policy.js';
import { hashPassword, passwordFault, putPassword } from './passwords.js';

/** What administrators do to other people's ways of signing in, by API and on pages. */
function ownAccount(directory: Directory, kind: 'user' | 'admin', document: Document): Account {
  return { kind, organization: directory.caller.organization, document };
}

/** Every second factor is gone, and every session with it. */
export function resetMfa(directory: Directory, id: string, body: JsonObject): Promise<Document> {
  const { exclusion, exclusionUntil } = body;
  const until = typeof exclusionUntil === 'string' ? exclusionUntil : null;
  if (until !== null && Number.isNaN(Date.parse(until))) throw badRequest('Invalid exclusionUntil');
  return directory.change(() => {
    const account = ownAccount(directory, 'user', directory.get('user', id));
    dropFactors(directory.store.hidden, account);
    endSessions(directory.store.hidden, account, directory.ports.now());
    const mfa = {
      ...{ configured: false, exclusion: exclusion === true },
      ...(until === null ? {} : { exclusionUntil: until }),
    };
    const fields = { ...factorFields(directory.store.hidden, account), mfa };
    return directory.patchNow(USER, id, fields, 'totp_delete_enrollment');
  });
}

export function resetAdminMfa(directory: Directory, id: string): Promise<Document> {
  return directory.change(() => {
    const account = ownAccount(directory, 'admin', directory.get('admin', id));
    dropFactors(directory.store.hidden, account);
    endSessions(directory.store.hidden, account, directory.ports.now());
    return directory.patchNow(ADMIN, id, { totpEnrolled: false }, 'admin_totp_disable');
  });
}

export function unlock(directory: Directory, id: string): Promise<Document> {
  return directory.change(() => {
    clearFailures(directory.store.hidden, ownAccount(directory, 'user', directory.get('user', id)));
    return directory.patchNow(USER, id, { account_locked: false }, 'user_unlocked');
  });
}

export function suspend(directory: Directory, id: string): Promise<Document> {
  return directory.patch(USER, id, { state: 'SUSPENDED', suspended: true }, 'user_suspended');
}

export function activate(directory: Directory, id: string): Promise<Document> {
  const fields = { state: 'ACTIVATED', activated: true, suspended: false };
  return directory.patch(USER, id, fields, 'user_activated');
}

export function expirePassword(directory: Directory, id: string): Promise<Document> {
  return directory.patch(USER, id, { password_expired: true }, 'user_password_expired');
}

/** @throws {Failure} 400 */
export async function setPassword(directory: Directory, id: string, password: unknown): Promise<Document> {
  const put = await checkedPassword(directory, directory.get('user', id), password);
  return directory.change(() => put(id));
}

/** A password in the body is set as by its own route, in the transaction that makes the user. @throws {Failure} 400, 409 */
export async function createUser(directory: Directory, body: unknown): Promise<Document> {
  const password = passwordIn(body);
  if (password === undefined) return directory.create(USER, body);
  const put = await checkedPassword(directory, { ...(body as JsonObject), _id: '', id: '' }, password);
  const { _id } = await directory.create(USER, body, {}, (made) => put(made._id));
  return directory.get('user', _id);
}

/** @throws {Failure} 400, 404, 409 */
export async function updateUser(directory: Directory, id: string, body: unknown): Promise<Document> {
  const password = passwordIn(body);
  if (password === undefined) return directory.update(USER, id, body);
  const { _id } = directory.get('user', id);
  const document = { ...directory.get('user', id), ...(body as JsonObject), _id, id: _id };
  const put = await checkedPassword(directory, document, password);
  await directory.update(USER, id, body, () => put(id));
  return directory.get('user', id);
}

function passwordIn(body: unknown): unknown {
  return partOf(body, 'password') ?? undefined;
}

/** @returns sets it, inside a change @throws {Failure} 400 */
async function checkedPassword(
  directory: Directory,
  document: Document,
  password: unknown,
): Promise<(id: string) => Document> {
  if (typeof password !== 'string' || password === '') throw badRequest('password is required');
  const { store, caller, ports } = directory;
  const policy = policyOf(store.organization(caller.organization));
  const fault = await passwordFault(store.hidden, ownAccount(directory, 'user', document), policy, password);
  if (fault !== undefined) throw badRequest(fault);
  const hashed = await hashPassword(password);
  return (id) => {
    const owner = ownAccount(directory, 'user', directory.get('user', id));
    const fields = putPassword(store.hidden, owner, policy, hashed, ports.now());
    endSessions(store.hidden, owner, ports.now());
    return directory.patchNow(USER, id, fields, 'user_password_set');
  };
}
