import { describe, expect, it } from 'vitest';
import { type BodyFields, bodyFieldsOf, NO_FIELDS } from '../src/catalogs/body-fields.js';
import { loadCatalog } from '../src/catalogs/load.js';
import { parseTarget } from '../src/wire/request-target.js';

const catalog = loadCatalog('jumpcloud');

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

const ID = '5f0c1d4e8a3b2c1d0e9f8a7b';

describe('JumpCloud', () => {
  it.each([
    ['POST /api/users', 'users.create', 4],
    [`PUT /api/users/${ID}`, 'users.update', 4],
    [`DELETE /api/users/${ID}`, 'users.delete', 4],
    [`POST /api/users/resettotp/${ID}`, 'users.resettotp.post', 4],
    [`POST /api/systemusers/${ID}/resetmfa`, 'systemusers.resetmfa', 4],
    [`POST /api/systemusers/${ID}/password`, 'systemusers.password', 4],
    [`PUT /api/systemusers/${ID}`, 'systemusers.update', 4],
    [`POST /api/systemusers/${ID}/sshkeys`, 'systemusers.sshkeys.create', 4],
    ['POST /api/commands', 'commands.create', 4],
    [`PUT /api/commands/${ID}`, 'commands.update', 4],
    ['POST /api/runCommand', 'runcommand', 4],
    ['POST /api/command/trigger/deploy', 'command.trigger.post', 4],
    [`POST /api/v2/commands/${ID}/associations`, 'v2.commands.associations.create', 4],
    ['POST /api/applications', 'applications.create', 4],
    [`PUT /api/applications/${ID}`, 'applications.update', 4],
    ['POST /api/v2/service-accounts', 'v2.service-accounts.create', 4],
    [`POST /api/v2/service-accounts/${ID}/auth-config`, 'v2.service-accounts.auth-config.create', 4],
    ['POST /api/v2/roles', 'v2.roles.create', 4],
    [`PATCH /api/v2/authn/policies/${ID}`, 'v2.authn.policies.patch', 4],
    [`POST /api/systems/${ID}/command/builtin/erase`, 'systems.command.builtin.erase', 4],
    [`GET /api/v2/systems/${ID}/fdekey`, 'v2.systems.fdekey.get', 4],
    [`POST /api/v2/activedirectories/${ID}/agents`, 'v2.activedirectories.agents.create', 4],
    [`POST /api/v2/usergroups/${ID}/associations`, 'v2.usergroups.associations.create', 4],
    [`POST /api/v2/providers/${ID}/administrators`, 'v2.providers.administrators.create', 4],
    [
      'POST /api/v2/password-vault/credentials/excel/exports',
      'v2.password-vault.credentials.excel.exports',
      4,
    ],
    [`PUT /api/organizations/${ID}`, 'organizations.update', 4],
    ['PATCH /api/v2/bulk/users', 'v2.bulk.users.patch', 4],
  ] as const)('taking over: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    [`DELETE /api/systemusers/${ID}`, 'systemusers.delete', 3],
    [`POST /api/systemusers/${ID}/state/suspend`, 'systemusers.state.suspend', 3],
    [`POST /api/v2/usergroups/${ID}/members`, 'v2.usergroups.members.create', 3],
    [`POST /api/systems/${ID}/command/builtin/lock`, 'systems.command.builtin.lock', 3],
  ] as const)('changing access: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    [`DELETE /api/commandresults/${ID}`, 'commandresults.delete', 3],
    [`DELETE /api/commands/${ID}`, 'commands.delete', 2],
  ] as const)('covering traces: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['GET /api/systemusers', 'systemusers.list', 2],
    [`GET /api/systemusers/${ID}`, 'systemusers.get', 1],
    ['GET /api/users', 'users.list', 2],
    ['GET /api/users/getSelf', 'users.getself.get', 2],
    ['GET /api/organizations', 'organizations.list', 1],
    [`GET /api/v2/users/${ID}/memberof`, 'v2.users.memberof.get', 1],
    [`GET /api/v2/systems/${ID}/users`, 'v2.systems.users.get', 1],
    ['GET /api/v2/systeminsights/apps', 'v2.systeminsights.apps.get', 1],
    ['GET /api/v2/subscriptions', 'v2.subscriptions.get', 1],
  ] as const)('reading: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['POST /api/search/systems', 'search.systems', 2],
    ['POST /api/search/systemusers', 'search.systemusers', 2],
    ['POST /api/search/commands', 'search.commands', 2],
    ['POST /insights/directory/v1/events', 'insights.directory.v1.events', 1],
    ['POST /insights/directory/v1/events/count', 'insights.directory.v1.events.count', 1],
    ['POST /insights/directory/v1/events/distinct', 'insights.directory.v1.events.distinct', 1],
    ['POST /api/v2/authn/policy-evaluations/summary', 'v2.authn.policy-evaluations.summary', 1],
  ] as const)('reading by POST: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['POST /api/runcommand', 'runcommand', 4],
    ['POST /API/RUNCOMMAND/', 'runcommand', 4],
    ['GET /api/commands/', 'commands.list', 1],
    ['GET /api/v2/policies/', 'v2.policies.list', 1],
    [`PUT /api/Systemusers/${ID}`, 'systemusers.update', 4],
    ['GET //api//organizations/', 'organizations.list', 1],
    [`POST /api/systemusers/${ID}/%72esetmfa`, 'systemusers.resetmfa', 4],
    ['HEAD /api/systemusers', 'systemusers.list', 2],
  ] as const)('as clients write it: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    [`PATCH /api/systemusers/${ID}`, 'unknown.patch', 3],
    ['POST /api/v2/nothing/api-keys', 'unknown.post', 4],
    ['GET /api/nothing', 'unknown.get', 1],
  ] as const)('in no catalog: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    [`PUT /api/systemusers/${ID}`, { firstname: 'A', department: 'B' }, 2],
    [`PUT /api/systemusers/${ID}`, { firstname: 'A', password: 'x' }, 4],
    [`PUT /api/systemusers/${ID}`, { mfa: { exclusion: true } }, 4],
    [`PUT /api/systemusers/${ID}`, { sudo: true }, 4],
    [`PUT /api/systemusers/${ID}`, { Ldap_Binding_User: true }, 4],
    [`PUT /api/systemusers/${ID}`, { $set: { sudo: true } }, 4],
    [`PUT /api/systemusers/${ID}`, { data: { attributes: [{ 'mfa.exclusion': true }] } }, 4],
    [`PUT /api/systemusers/${ID}`, null, 2],
    ['POST /api/systemusers', { username: 'a', password: 'x' }, 3],
    ['POST /api/systemusers', { username: 'a', sudo: true }, 4],
    [`PUT /api/users/${ID}`, { firstname: 'A' }, 3],
    [`PUT /api/users/${ID}`, { roleName: 'Administrator With Billing' }, 4],
    [`PUT /api/users/${ID}`, { apiKeyAllowed: true }, 4],
    [`PUT /api/applications/${ID}`, { displayLabel: 'A' }, 3],
    [`PUT /api/applications/${ID}`, { config: { idpCertificate: { value: 'x' } } }, 4],
    [`PUT /api/systems/${ID}`, { displayName: 'A' }, 2],
    [`PUT /api/systems/${ID}`, { allowSshRootLogin: true }, 3],
    [`PUT /api/commands/${ID}`, { name: 'A' }, 3],
    [`PUT /api/commands/${ID}`, { command: 'id' }, 4],
    [`POST /api/v2/systems/${ID}/associations`, { op: 'add', type: 'user', id: 'x' }, 3],
    [
      `POST /api/v2/systems/${ID}/associations`,
      { op: 'add', type: 'user', attributes: { sudo: { enabled: true } } },
      4,
    ],
  ])('by its body: %s with %j is of privilege %i', (line, body, privilege) => {
    expect(match(line, body)[1]).toBe(privilege);
  });
});
