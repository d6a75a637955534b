import { Hono } from 'hono';
import { type Access, type Credentials, requireRole } from '../access.js';
import { Directory } from '../directory.js';
import { changesBetween } from '../events.js';
import { badRequest, notFound } from '../failures.js';
import { answerV1, type Http, param, queryOf, readObject, type Variables } from '../http.js';
import { readPolicy } from '../identity/password-policy.js';
import { isId, type Ports } from '../ids.js';
import type { Organization } from '../model.js';
import { select, withBody } from '../query/page.js';
import type { DirectoryStore } from '../store.js';

/** The one resource that a provider's key lists without naming an organisation, so it authenticates by itself. */
export function organizationRoutes(
  store: DirectoryStore,
  ports: Ports,
  access: Access,
  credentialsOf: (c: Http) => Credentials,
) {
  const routes = new Hono<{ Variables: Variables }>();
  const own = async (c: Http): Promise<Organization[]> => {
    const { ids } = await access.organizations(credentialsOf(c));
    return ids.flatMap((id) => store.organization(id) ?? []);
  };
  const one = async (c: Http): Promise<Organization> => {
    const id = param(c, 'id');
    const found = isId(id) ? (await own(c)).find(({ _id }) => _id === id) : undefined;
    if (found === undefined) throw notFound();
    return found;
  };
  routes.get('/api/organizations', async (c) =>
    answerV1(c, select(await own(c), queryOf(c, 1), ['displayName'])),
  );
  routes.post('/api/search/organizations', async (c) => {
    const organizations = await own(c);
    return answerV1(c, select(organizations, withBody(queryOf(c, 1), await readObject(c)), ['displayName']));
  });
  routes.get('/api/organizations/:id', async (c) => c.json(await one(c)));
  routes.put('/api/organizations/:id', async (c) => {
    const before = await one(c);
    const caller = await access.authenticate({ ...credentialsOf(c), organization: before._id });
    requireRole(caller, 'admins', true);
    const { displayName, logoUrl, settings } = await readObject(c);
    if (displayName !== undefined && (typeof displayName !== 'string' || displayName === ''))
      throw badRequest('Invalid displayName');
    if (logoUrl !== undefined && logoUrl !== null && typeof logoUrl !== 'string')
      throw badRequest('Invalid logoUrl');
    const passwordPolicy = settings === undefined ? undefined : readPolicy(settings);
    const after: Organization = {
      ...before,
      ...(passwordPolicy === undefined ? {} : { settings: { passwordPolicy } }),
      displayName: displayName ?? before.displayName,
      logoUrl: logoUrl === undefined ? (before.logoUrl ?? null) : logoUrl,
    };
    const directory = new Directory(store, ports, caller);
    await directory.change(() => {
      store.putOrganization(after);
      const resource = { type: 'organization', id: after._id, name: after.displayName };
      directory.record({ type: 'organization_update', resource, changes: changesBetween(before, after) });
    });
    return c.json(after);
  });
  return routes;
}
