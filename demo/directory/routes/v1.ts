import { Hono } from 'hono';
import type { Area } from '../access.js';
import { answerV1, open, openToRead, param, queryOf, readBody, readObject, type Variables } from '../http.js';
import type { Document } from '../model.js';
import { select, withBody } from '../query/page.js';
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
        select(directory.tenant.all(resource.kind), withBody(queryOf(c, 1), body), resource.searched),
      );
    });
  }
}
