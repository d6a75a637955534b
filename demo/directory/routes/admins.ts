import { Hono } from 'hono';
import type { Directory } from '../directory.js';
import { forbidden } from '../failures.js';
import { answerV1, open, param, queryOf, readObject, type Variables } from '../http.js';
import { resetAdminMfa } from '../identity/admin-acts.js';
import { replaceKey } from '../identity/admin-keys.js';
import type { Document, JsonObject } from '../model.js';
import { select } from '../query/page.js';
import { ADMIN } from '../resources.js';

/** Administrators: `/api/users` in v1, beside `/api/systemusers` for everybody else. */
export function adminRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get('/api/users', (c) => {
    const admins = open(c, 'admins').tenant.all('admin').map(shown);
    return answerV1(c, select(admins, queryOf(c, 1), ADMIN.searched));
  });
  routes.get('/api/users/getself', (c) => {
    const { caller, tenant } = c.get('directory');
    const own = caller.kind === 'admin' ? tenant.get('admin', caller.id) : undefined;
    if (own !== undefined) return c.json(shown(own));
    return c.json({ _id: caller.id, id: caller.id, email: caller.email, ...roles(caller.role) });
  });
  routes.post('/api/users', async (c) => {
    const directory = open(c, 'admins');
    const body = await readObject(c);
    checkGrant(directory, body);
    return c.json(shown(await directory.create(ADMIN, body, { provider: directory.caller.provider })));
  });
  routes.get('/api/users/:id', (c) => c.json(shown(open(c, 'admins').get('admin', param(c, 'id')))));
  routes.put('/api/users/:id', async (c) => {
    const directory = open(c, 'admins');
    const body = await readObject(c);
    checkGrant(directory, body, directory.get('admin', param(c, 'id')));
    return c.json(shown(await directory.update(ADMIN, param(c, 'id'), body)));
  });
  routes.delete('/api/users/:id', async (c) => {
    const directory = open(c, 'admins');
    checkGrant(directory, {}, directory.get('admin', param(c, 'id')));
    const removed = await directory.remove(ADMIN, param(c, 'id'), ({ _id }) =>
      directory.store.retireKeys(_id),
    );
    return c.json(shown(removed));
  });
  routes.post('/api/users/resettotp/:id', async (c) => {
    const directory = open(c, 'admins');
    checkGrant(directory, {}, directory.get('admin', param(c, 'id')));
    return c.json(shown(await resetAdminMfa(directory, param(c, 'id'))));
  });
  rotation(routes);
  return routes;
}

/** The real service rotates keys in its console only; here it needs a door, under a name of its own. */
function rotation(routes: Hono<{ Variables: Variables }>): void {
  routes.post('/demo/users/:id/apikey', async (c) => {
    const directory = open(c, 'admins');
    const admin = directory.get('admin', param(c, 'id'));
    checkGrant(directory, {}, admin);
    return c.json({ apiKey: await replaceKey(directory, admin._id) });
  });
}

/** Whoever is not of the highest role neither grants it nor touches those who have it. */
function checkGrant({ caller }: Directory, body: JsonObject, target?: Document): void {
  const highest = 'Administrator With Billing';
  if (caller.role !== highest && (body.roleName === highest || target?.roleName === highest))
    throw forbidden();
}

function roles(roleName: unknown) {
  return { role: null, roleName: String(roleName), roleNames: [String(roleName)] };
}

/** What is known of an administrator; the hash of the key is not for others to see. */
function shown(admin: Document): Document {
  return { ...admin, ...roles(admin.roleName) };
}
