import { Hono } from 'hono';
import type { Area } from '../access.js';
import { asHeard } from '../agents/silence.js';
import type { Directory } from '../directory.js';
import { answerV1, open, openToRead, param, queryOf, readBody, readObject, type Variables } from '../http.js';
import { createUser, updateUser } from '../identity/admin-acts.js';
import type { Document } from '../model.js';
import { select, withBody } from '../query/page.js';
import { COMMAND, COMMAND_RESULT, type Resource, SYSTEM, USER } from '../resources.js';

type Routes = Hono<{ Variables: Variables }>;

/** What is a resource's own way of being written and shown. */
interface Own {
  readonly create?: (directory: Directory, body: unknown) => Promise<Document>;
  readonly update?: (directory: Directory, id: string, body: unknown) => Promise<Document>;
  readonly shown?: (directory: Directory, document: Document) => Document;
}

const USERS: Own = { create: createUser, update: updateUser };
const SYSTEMS: Own = { shown: asHeard };

function list(routes: Routes, path: string, resource: Resource, area: Area, own: Own = {}): void {
  routes.get(path, (c) => {
    const directory = open(c, area);
    return answerV1(c, select(all(directory, resource, own), queryOf(c, 1), resource.searched));
  });
}

function all(directory: Directory, { kind }: Resource, { shown }: Own): Document[] {
  const documents = directory.tenant.all(kind);
  return shown === undefined ? documents : documents.map((each) => shown(directory, each));
}

/** The five calls that every v1 resource has. */
function crud(routes: Routes, path: string, resource: Resource, area: Area, own: Own = {}): void {
  list(routes, path, resource, area, own);
  routes.post(path, async (c) => {
    const directory = open(c, area);
    const body = await readBody(c);
    return c.json(await (own.create?.(directory, body) ?? directory.create(resource, body)), 200);
  });
  oneOf(routes, path, resource, area, own);
}

function oneOf(routes: Routes, path: string, resource: Resource, area: Area, own: Own = {}): void {
  const { shown = (_: Directory, document: Document) => document } = own;
  routes.get(`${path}/:id`, (c) => {
    const directory = open(c, area);
    return c.json(shown(directory, directory.get(resource.kind, param(c, 'id'))));
  });
  routes.put(`${path}/:id`, async (c) => {
    const directory = open(c, area);
    const [id, body] = [param(c, 'id'), await readBody(c)];
    const updated = await (own.update?.(directory, id, body) ?? directory.update(resource, id, body));
    return c.json(shown(directory, updated));
  });
  routes.delete(`${path}/:id`, async (c) => c.json(await open(c, area).remove(resource, param(c, 'id'))));
}

export function v1Routes(): Routes {
  const routes: Routes = new Hono();
  crud(routes, '/api/systemusers', USER, 'users', USERS);
  crud(routes, '/api/commands', COMMAND, 'commands');
  list(routes, '/api/systems', SYSTEM, 'directory', SYSTEMS);
  oneOf(routes, '/api/systems', SYSTEM, 'directory', SYSTEMS);
  routes.get('/api/application-templates', (c) => {
    open(c, 'directory');
    return answerV1(c, select(TEMPLATES, queryOf(c, 1), ['name']));
  });
  search(routes);
  return routes;
}

const TEMPLATES: readonly Document[] = ['saml', 'bookmark', 'oidc'].map((name, i) => {
  const id = (i + 1).toString(16).padStart(24, '0');
  return { _id: id, id, name, displayName: name.toUpperCase(), active: true, config: {} };
});

function search(routes: Routes): void {
  for (const [path, resource, area, own] of [
    ['/api/search/systemusers', USER, 'users', {}],
    ['/api/search/systems', SYSTEM, 'directory', SYSTEMS],
    ['/api/search/commands', COMMAND, 'commands', {}],
    ['/api/search/commandresults', COMMAND_RESULT, 'commands', {}],
  ] as const) {
    routes.post(path, async (c) => {
      const directory = openToRead(c, area);
      const query = withBody(queryOf(c, 1), await readObject(c));
      return answerV1(c, select(all(directory, resource, own), query, resource.searched));
    });
  }
}
