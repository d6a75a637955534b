import { describe, expect, it } from 'vitest';
import { type BodyFields, bodyFieldsOf, NO_FIELDS } from '../src/catalogs/body-fields.js';
import { loadCatalog } from '../src/catalogs/load.js';
import { parseTarget } from '../src/wire/request-target.js';

const catalog = loadCatalog('github');

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

describe('GitHub', () => {
  it.each([
    ['PUT /orgs/acme/memberships/mallory', 'orgs.memberships.update', 4],
    ['POST /orgs/acme/invitations', 'orgs.invitations.create', 4],
    ['POST /repos/acme/app/keys', 'repos.keys.create', 4],
    ['POST /user/keys', 'user.keys.create', 4],
    ['PUT /repos/acme/app/actions/secrets/TOKEN', 'repos.actions.secrets.update', 4],
    ['PUT /orgs/acme/actions/secrets/TOKEN', 'orgs.actions.secrets.update', 4],
    ['POST /repos/acme/app/hooks', 'repos.hooks.create', 4],
    ['POST /orgs/acme/hooks', 'orgs.hooks.create', 4],
    ['DELETE /repos/acme/app/branches/main/protection', 'repos.branches.protection.delete', 4],
    ['POST /repos/acme/app/actions/workflows/7/dispatches', 'repos.actions.workflows.dispatches', 4],
    ['PUT /repos/acme/app/contents/.github/workflows/ci.yml', 'repos.contents..github.workflows.update', 4],
    [
      'POST /repos/acme/app/actions/runners/registration-token',
      'repos.actions.runners.registration-token',
      4,
    ],
    ['POST /app/installations/1/access_tokens', 'app.installations.access_tokens', 4],
    ['DELETE /repos/acme/app', 'repos.delete', 4],
    ['POST /graphql', 'graphql', 4],
  ] as const)('taking over: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['PUT /repos/acme/app/contents/src/deep/file.ts', 'repos.contents.update', 3],
    ['PATCH /repos/acme/app/git/refs/heads/feature/x', 'repos.git.refs.patch', 3],
    ['PUT /repos/acme/app/pulls/7/merge', 'repos.pulls.merge.update', 3],
    ['POST /repos/acme/app/issues', 'repos.issues.create', 2],
    ['POST /repos/acme/app/issues/7/comments', 'repos.issues.comments.create', 2],
  ] as const)('changing: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['GET /user', 'user.get', 1],
    ['GET /user/repos', 'user.repos.get', 2],
    ['GET /orgs/acme/members', 'orgs.members.list', 2],
    ['GET /orgs/acme/audit-log', 'orgs.audit-log.get', 2],
    ['GET /repos/acme/app/contents/README.md', 'repos.contents.get', 1],
    ['GET /repos/acme/app/compare/main...feature', 'repos.compare.base...head.get', 1],
    ['GET /repos/acme/app/actions/secrets', 'repos.actions.secrets.list', 1],
    ['GET /api/v3/repos/acme/app', 'repos.get', 1],
  ] as const)('reading: %s is %s, privilege %i', (line, name, privilege) => {
    expect(match(line)).toEqual([name, privilege]);
  });

  it.each([
    ['PATCH /repos/acme/app', { description: 'x' }, 2],
    ['PATCH /repos/acme/app', { visibility: 'public' }, 4],
    ['PUT /orgs/acme/memberships/bob', null, 3],
    ['PUT /orgs/acme/memberships/bob', { role: 'admin' }, 4],
    ['PUT /repos/acme/app/collaborators/bob', { permission: 'admin' }, 4],
  ])('by its body: %s with %j is of privilege %i', (line, body, privilege) => {
    expect(match(line, body)[1]).toBe(privilege);
  });
});
