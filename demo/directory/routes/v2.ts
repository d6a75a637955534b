import { Hono } from 'hono';
import { POLICY_TEMPLATES as AGENT_TEMPLATES } from '../../agent-protocol.js';
import type { Area } from '../access.js';
import type { Directory } from '../directory.js';
import { badRequest } from '../failures.js';
import { asTargets, groupKind, memberKind, reach, readTie, tie } from '../graph.js';
import { listV2, open, param, readBody, sliceV2, type Variables } from '../http.js';
import type { Document, JsonObject, Kind } from '../model.js';
import {
  AUTHN_POLICY,
  asV2,
  IP_LIST,
  LDAP_SERVER,
  POLICY,
  type Resource,
  ROLE,
  SYSTEM_GROUP,
  USER_GROUP,
} from '../resources.js';

type Routes = Hono<{ Variables: Variables }>;

const RESOURCES: readonly (readonly [string, Resource, Area])[] = [
  ['usergroups', USER_GROUP, 'users'],
  ['systemgroups', SYSTEM_GROUP, 'directory'],
  ['policies', POLICY, 'directory'],
  ['authn/policies', AUTHN_POLICY, 'directory'],
  ['iplists', IP_LIST, 'directory'],
  ['ldapservers', LDAP_SERVER, 'directory'],
  ['roles', ROLE, 'admins'],
];

/** Names of kinds in paths. */
const GRAPH: Readonly<Record<string, Kind>> = {
  users: 'user',
  usergroups: 'user_group',
  systems: 'system',
  systemgroups: 'system_group',
  applications: 'application',
  commands: 'command',
  policies: 'policy',
  ldapservers: 'ldap_server',
};

export function v2Routes(): Routes {
  const routes: Routes = new Hono();
  lists(routes);
  for (const [name, resource, area] of RESOURCES) crud(routes, `/api/v2/${name}`, resource, area);
  for (const [name, kind] of Object.entries(GRAPH)) {
    associations(routes, `/api/v2/${name}/:id`, kind);
    traversals(routes, `/api/v2/${name}/:id`, kind);
  }
  members(routes, '/api/v2/usergroups/:id', 'user_group');
  members(routes, '/api/v2/systemgroups/:id', 'system_group');
  return routes;
}

function crud(routes: Routes, path: string, resource: Resource, area: Area): void {
  routes.get(path, (c) => listV2(c, open(c, area).tenant.all(resource.kind), resource.searched, asV2));
  routes.post(path, async (c) => c.json(asV2(await open(c, area).create(resource, await readBody(c))), 201));
  routes.get(`${path}/:id`, (c) => c.json(asV2(open(c, area).get(resource.kind, param(c, 'id')))));
  for (const method of ['PUT', 'PATCH']) {
    routes.on(method, `${path}/:id`, async (c) =>
      c.json(asV2(await open(c, area).update(resource, param(c, 'id'), await readBody(c)))),
    );
  }
  routes.delete(`${path}/:id`, async (c) => {
    await open(c, area).remove(resource, param(c, 'id'));
    return c.body(null, 204);
  });
}

/** What is only read here. */
function lists(routes: Routes): void {
  routes.get('/api/v2/groups', (c) => {
    const { tenant } = open(c, 'directory');
    return listV2(c, [...tenant.all('user_group'), ...tenant.all('system_group')], ['name'], asV2);
  });
  routes.get('/api/v2/directories', (c) => {
    const servers = open(c, 'directory').tenant.all('ldap_server');
    return listV2(c, servers, ['name'], ({ id, name }) => ({
      id: id ?? '',
      name: name ?? '',
      type: 'ldap_server',
    }));
  });
  routes.get('/api/v2/applemdms', (c) => {
    open(c, 'directory');
    return sliceV2(c, []);
  });
  routes.get('/api/v2/policytemplates', (c) => {
    open(c, 'directory');
    return listV2(c, POLICY_TEMPLATES, ['name', 'displayName'], asV2);
  });
  routes.get('/api/v2/policies/:id/policystatuses', (c) => {
    const directory = open(c, 'directory');
    const policy = directory.get('policy', param(c, 'id'));
    const systems = reach(directory, 'policy', policy._id, 'system');
    const told = statusesOf(directory, ({ policyID }) => policyID === policy._id);
    return sliceV2(
      c,
      systems.map(({ id }) => told.find(({ systemID }) => systemID === id) ?? pending(policy._id, id)),
    );
  });
  routes.get('/api/v2/systems/:id/policystatuses', (c) => {
    const directory = open(c, 'directory');
    const system = directory.get('system', param(c, 'id'));
    const policies = reach(directory, 'system', system._id, 'policy');
    const told = statusesOf(directory, ({ systemID }) => systemID === system._id);
    return sliceV2(
      c,
      policies.map(({ id }) => told.find(({ policyID }) => policyID === id) ?? pending(id, system._id)),
    );
  });
}

function pending(policyID: string, systemID: string): JsonObject {
  return { policyID, systemID, state: 'pending', success: null };
}

/** What agents said of policies. */
function statusesOf(directory: Directory, wanted: (status: Document) => boolean): JsonObject[] {
  return directory.tenant.all('policyresult').filter(wanted).map(asV2);
}

const POLICY_TEMPLATES: readonly Document[] = [
  ['disk_encryption', 'Disk encryption', 'windows'],
  ['filevault', 'FileVault', 'darwin'],
  ['lock_screen', 'Lock screen', 'darwin'],
  ['ssh_root_login', 'SSH root login', 'linux'],
  ...AGENT_TEMPLATES.map((name) => [name, name.replaceAll('_', ' '), 'linux']),
].map(([name = '', displayName = '', osMetaFamily = ''], i) => {
  const id = (i + 1).toString(16).padStart(24, '0');
  return { _id: id, id, name, displayName, osMetaFamily, activation: 'AUTO', behavior: 'SINGLETON' };
});

function associations(routes: Routes, path: string, kind: Kind): void {
  routes.get(`${path}/associations`, (c) => {
    const directory = open(c, 'directory');
    const id = directory.get(kind, param(c, 'id'))._id;
    const targets = [...new Set(c.req.queries('targets')?.flatMap((each) => each.split(',')))];
    const kinds: readonly string[] = Object.values(GRAPH);
    if (targets.length === 0) throw badRequest('targets is required');
    if (!targets.every((each) => kinds.includes(each))) throw badRequest('Invalid targets');
    return sliceV2(
      c,
      targets.flatMap((target) => asTargets(directory.tenant.links(kind, id, target))),
    );
  });
  routes.post(`${path}/associations`, async (c) => {
    const directory = open(c, 'directory');
    await tie(directory, { kind, id: param(c, 'id') }, readTie(await readBody(c)), false);
    return c.body(null, 204);
  });
}

function traversals(routes: Routes, path: string, kind: Kind): void {
  for (const [name, target] of Object.entries(GRAPH)) {
    if (target === kind) continue;
    routes.get(`${path}/${name}`, (c) =>
      sliceV2(c, reach(open(c, 'directory'), kind, param(c, 'id'), target)),
    );
  }
  const group = groupKind(kind);
  if (group === undefined) return;
  routes.get(`${path}/memberof`, (c) => {
    const directory = open(c, 'directory');
    const { _id } = directory.get(kind, param(c, 'id'));
    return sliceV2(c, directory.tenant.links(kind, _id, group).map(asMembership));
  });
}

function members(routes: Routes, path: string, kind: Kind): void {
  routes.get(`${path}/members`, (c) => {
    const directory = open(c, 'directory');
    const { _id } = directory.get(kind, param(c, 'id'));
    return sliceV2(c, asTargets(directory.tenant.links(kind, _id, memberKind(kind))));
  });
  routes.get(`${path}/membership`, (c) => {
    const directory = open(c, 'directory');
    const { _id } = directory.get(kind, param(c, 'id'));
    return sliceV2(c, directory.tenant.links(kind, _id, memberKind(kind)).map(asMembership));
  });
  routes.post(`${path}/members`, async (c) => {
    const directory = open(c, kind === 'user_group' ? 'users' : 'directory');
    await tie(directory, { kind, id: param(c, 'id') }, readTie(await readBody(c)), true);
    return c.body(null, 204);
  });
}

function asMembership({ type, id, attributes }: { type: string; id: string; attributes: JsonObject | null }) {
  return {
    id,
    type,
    compiledAttributes: attributes,
    paths: [[{ to: { type, id, attributes: null }, attributes }]],
  };
}
