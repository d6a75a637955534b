import { describe, expect, it } from 'vitest';
import { type BodyFields, bodyFieldsOf, NO_FIELDS } from '../src/catalogs/body-fields.js';
import { loadCatalog } from '../src/catalogs/load.js';
import { parseTarget } from '../src/wire/request-target.js';

const catalog = loadCatalog('okta');

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

describe('Okta', () => {
  it.each([
    ['POST /api/v1/users/00u1/roles', 'users.roles.create', 4],
    ['POST /api/v1/users/00u1/lifecycle/reset_factors', 'users.lifecycle.reset_factors', 4],
    ['DELETE /api/v1/users/00u1/factors/f1', 'users.factors.delete', 4],
    ['POST /api/v1/users/00u1/lifecycle/reset_password', 'users.lifecycle.reset_password', 4],
    ['POST /api/v1/users/00u1', 'users.post', 4],
    ['PUT /api/v1/users/00u1', 'users.update', 4],
    ['POST /api/v1/idps', 'idps.create', 4],
    ['POST /api/v1/idps/credentials/keys', 'idps.credentials.keys.create', 4],
    ['POST /api/v1/apps/0oa1/credentials/keys/generate', 'apps.credentials.keys.generate', 4],
    ['POST /api/v1/apps', 'apps.create', 4],
    ['PUT /api/v1/policies/p1', 'policies.update', 4],
    ['POST /api/v1/zones', 'zones.create', 4],
    ['DELETE /api/v1/logStreams/l1', 'logstreams.delete', 4],
    ['POST /oauth2/v1/clients', 'oauth2.clients.create', 4],
    ['POST /api/v1/eventHooks', 'eventhooks.create', 4],
  ] as const)('taking over: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['POST /api/v1/users', 'users.create', 4],
    ['DELETE /api/v1/api-tokens/t1', 'api-tokens.delete', 3],
    ['PUT /api/v1/groups/g1/users/00u1', 'groups.users.update', 3],
    ['POST /api/v1/users/00u1/lifecycle/suspend', 'users.lifecycle.suspend', 3],
  ] as const)('changing access: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['GET /api/v1/users', 'users.list', 2],
    ['GET /api/v1/users/me', 'users.get', 1],
    ['GET /api/v1/logs', 'logs.get', 2],
    ['GET /.well-known/okta-organization', '.well-known.okta-organization.get', 0],
    ['POST /oauth2/v1/token', 'oauth2.token.post', 2],
    ['POST /oauth2/default/v1/introspect', 'oauth2.introspect-by-authorizationserverid', 1],
  ] as const)('reading or signing in: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['POST /api/v1/users/00u1', { profile: { department: 'x' } }, 2],
    ['POST /api/v1/users/00u1', { credentials: { password: { value: 'x' } } }, 4],
    ['POST /api/v1/users/00u1', { profile: { email: 'x' } }, 4],
    ['POST /api/v1/users', { profile: { login: 'x' } }, 3],
    ['POST /api/v1/users', { groupIds: ['x'] }, 4],
  ])('by its body: %s with %j is of privilege %i', (line, body, privilege) => {
    expect(match(line, body)[1]).toBe(privilege);
  });
});
