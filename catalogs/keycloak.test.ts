import { describe, expect, it } from 'vitest';
import { type BodyFields, bodyFieldsOf, NO_FIELDS } from '../src/catalogs/body-fields.js';
import { loadCatalog } from '../src/catalogs/load.js';
import { parseTarget } from '../src/wire/request-target.js';

const catalog = loadCatalog('keycloak');

/** What `METHOD /path` is, with a JSON body where one is given; null is an empty body. */
function match(line: string, body?: unknown) {
  const [method, path] = line.split(' ') as [string, string];
  const target = parseTarget(path);
  if (target.kind === 'refused') throw new Error(target.why);
  let fields: BodyFields | undefined;
  if (body === null) fields = NO_FIELDS;
  else if (body !== undefined) fields = bodyFieldsOf(new TextEncoder().encode(JSON.stringify(body)));
  const { name, privilege } = catalog.match(method, target.segments, fields);
  return [name, privilege];
}

describe('Keycloak', () => {
  it.each([
    ['PUT /admin/realms/r/users/u/reset-password', 'users.reset-password', 4],
    ['DELETE /admin/realms/r/users/u/credentials/c', 'users.credentials.delete', 4],
    ['POST /admin/realms/r/users/u/role-mappings/clients/c', 'users.role-mappings.clients.post', 4],
    ['POST /admin/realms/r/users/u/impersonation', 'users.impersonation', 4],
    ['POST /admin/realms/r/identity-provider/instances', 'identity-provider.instances.create', 4],
    ['POST /admin/realms/r/clients', 'clients.create', 4],
    ['GET /admin/realms/r/clients/c/client-secret', 'clients.client-secret.get', 4],
    ['POST /admin/realms/r/clients/c/client-secret', 'clients.client-secret.create', 4],
    ['POST /admin/realms/r/components', 'components.create', 4],
    ['PUT /admin/realms/r', 'realms.update', 4],
    ['DELETE /admin/realms/r/events', 'events.delete', 4],
    ['POST /admin/realms/r/authentication/flows', 'authentication.flows.create', 4],
    ['POST /admin/realms/r/partial-export', 'partial-export', 4],
    ['PUT /admin/realms/r/users/u', 'users.update', 4],
    ['PUT /auth/admin/realms/r/users/u/reset-password', 'users.reset-password', 4],
  ] as const)('taking over: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['POST /admin/realms/r/users', 'users.create', 4],
    ['PUT /admin/realms/r/users/u/groups/g', 'users.groups.update', 3],
    ['DELETE /admin/realms/r/users/u', 'users.delete', 3],
    ['POST /admin/realms/r/logout-all', 'logout-all', 3],
  ] as const)('changing access: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['GET /admin/realms', 'realms.list', 1],
    ['GET /admin/realms/r/users', 'users.list', 2],
    ['GET /admin/realms/r/users/count', 'users.count.get', 1],
    ['GET /admin/realms/r/users/u', 'users.get', 1],
    ['GET /admin/realms/r/events', 'events.get', 2],
    ['GET /admin/realms/r/group-by-path/a/b/c', 'group-by-path.get', 1],
  ] as const)('reading: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['PUT /admin/realms/r/users/u', { firstName: 'x' }, 2],
    ['PUT /admin/realms/r/users/u', { requiredActions: [] }, 4],
    ['PUT /admin/realms/r/users/u', { credentials: [{ type: 'password' }] }, 4],
    ['POST /admin/realms/r/users', { username: 'x' }, 3],
    ['POST /admin/realms/r/users', { groups: ['admins'] }, 4],
  ])('by its body: %s with %j is of privilege %i', (line, body, privilege) => {
    expect(match(line, body)[1]).toBe(privilege);
  });
});
