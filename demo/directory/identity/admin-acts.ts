import type { Directory } from '../directory.js';
import { badRequest } from '../failures.js';
import type { Document, JsonObject } from '../model.js';
import { ADMIN, USER } from '../resources.js';
import type { Account } from './accounts.js';
import { dropFactors, factorFields } from './factors.js';
import { clearFailures, endSessions } from './lockout.js';
import { policyOf } from './password-policy.js';
import { hashPassword, passwordFault, putPassword } from './passwords.js';

/** What administrators do to other people's ways of signing in, by API and on pages. */
function accountOf(directory: Directory, kind: 'user' | 'admin', document: Document): Account {
  return { kind, organization: directory.caller.organization, document };
}

/** Every second factor is gone, and every session with it. */
export function resetMfa(directory: Directory, id: string, body: JsonObject): Promise<Document> {
  const { exclusion, exclusionUntil } = body;
  const until = typeof exclusionUntil === 'string' ? exclusionUntil : null;
  if (until !== null && Number.isNaN(Date.parse(until))) throw badRequest('Invalid exclusionUntil');
  return directory.change(() => {
    const account = accountOf(directory, 'user', directory.get('user', id));
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
    const account = accountOf(directory, 'admin', directory.get('admin', id));
    dropFactors(directory.store.hidden, account);
    endSessions(directory.store.hidden, account, directory.ports.now());
    return directory.patchNow(ADMIN, id, { totpEnrolled: false }, 'admin_totp_disable');
  });
}

export function unlock(directory: Directory, id: string): Promise<Document> {
  return directory.change(() => {
    clearFailures(directory.store.hidden, accountOf(directory, 'user', directory.get('user', id)));
    return directory.patchNow(USER, id, { account_locked: false }, 'user_unlocked');
  });
}

/** @throws {Failure} 400 */
export async function setPassword(directory: Directory, id: string, password: unknown): Promise<Document> {
  const account = accountOf(directory, 'user', directory.get('user', id));
  if (typeof password !== 'string' || password === '') throw badRequest('password is required');
  const { store, caller, ports } = directory;
  const policy = policyOf(store.organization(caller.organization));
  const fault = await passwordFault(store.hidden, account, policy, password);
  if (fault !== undefined) throw badRequest(fault);
  const hashed = await hashPassword(password);
  return directory.change(() => {
    const owner = accountOf(directory, 'user', directory.get('user', id));
    const fields = putPassword(store.hidden, owner, policy, hashed, ports.now());
    endSessions(store.hidden, owner, ports.now());
    return directory.patchNow(USER, id, fields, 'user_password_set');
  });
}
