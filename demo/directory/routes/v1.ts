import { Hono } from 'hono';
import type { Area } from '../access.js';
import {
  answerV1,
  type Http,
  open,
  openToRead,
  param,
  queryOf,
  readBody,
  readObject,
  type Variables,
} from '../http.js';
import type { Document, JsonObject } from '../model.js';
import { parseFilter } from '../query/filter.js';
import { readFields, readLimit, readSort, readWhole, select } from '../query/page.js';
import { COMMAND, type Resource, SYSTEM, USER } from '../resources.js';

type Routes = Hono<{ Variables: Variables }>;

/** The five calls that every v1 resource has. */
function crud(routes: Routes, path: string, resource: Resource, area: Area): void {
  routes.get(path, (c) =>
    answerV1(c, select(open(c, area).tenant.all(resource.kind), queryOf(c, 1), resource.searched)),
  );
  routes.post(path, async (c) => c.json(await open(c, area).create(resource, await readBody(c)), 200));
  oneOf(routes, path, resource, area);
}

function oneOf(routes: Routes, path: string, resource: Resource, area: Area): void {
  routes.get(`${path}/:id`, (c) => c.json(open(c, area).get(resource.kind, param(c, 'id'))));
  routes.put(`${path}/:id`, async (c) =>
    c.json(await open(c, area).update(resource, param(c, 'id'), await readBody(c))),
  );
  routes.delete(`${path}/:id`, async (c) => c.json(await open(c, area).remove(resource, param(c, 'id'))));
}

export const RESULT: Resource = {
  ...{ kind: 'commandresult', input: COMMAND.input, required: [], unique: [], nameField: 'name' },
  ...{ searched: ['name', 'command', 'system'], event: 'commandresult', defaults: () => ({}) },
};

export function v1Routes(): Routes {
  const routes: Routes = new Hono();
  crud(routes, '/api/systemusers', USER, 'users');
  crud(routes, '/api/commands', COMMAND, 'commands');
  routes.get('/api/systems', (c) =>
    answerV1(c, select(open(c, 'directory').tenant.all('system'), queryOf(c, 1), SYSTEM.searched)),
  );
  oneOf(routes, '/api/systems', SYSTEM, 'directory');
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
  for (const [path, resource, area] of [
    ['/api/search/systemusers', USER, 'users'],
    ['/api/search/systems', SYSTEM, 'directory'],
    ['/api/search/commands', COMMAND, 'commands'],
    ['/api/search/commandresults', RESULT, 'commands'],
  ] as const) {
    routes.post(path, async (c) => {
      const directory = openToRead(c, area);
      const body = await readObject(c);
      return answerV1(
        c,
        select(directory.tenant.all(resource.kind), searchQuery(c, body), resource.searched),
      );
    });
  }
}

/** Paging may stand in the body or in the query; the body counts more. */
export function searchQuery(c: Http, body: JsonObject) {
  const query = queryOf(c, 1);
  const { searchFilter, filter } = body;
  const term = typeof searchFilter === 'object' ? (searchFilter as JsonObject | null)?.searchTerm : undefined;
  const fields = typeof searchFilter === 'object' ? (searchFilter as JsonObject | null)?.fields : undefined;
  const search =
    term === undefined || term === null || term === ''
      ? query.search
      : { term: String(term), fields: readFields(fields) };
  return {
    limit: body.limit === undefined ? query.limit : readLimit(body.limit),
    skip: body.skip === undefined ? query.skip : readWhole(body.skip, 'skip'),
    sort: body.sort === undefined ? query.sort : readSort(body.sort),
    fields: body.fields === undefined ? query.fields : readFields(body.fields),
    filter: filter === undefined || filter === null ? query.filter : parseFilter(filter),
    search,
  };
}
