import { Hono } from 'hono';
import { open, type Variables } from '../http.js';
import { policyOf } from '../identity/password-policy.js';

export function settingsRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get('/api/settings', (c) => {
    const { caller, store } = open(c, 'directory');
    const organization = store.organization(caller.organization);
    return c.json({
      ORG_ID: caller.organization,
      ORG_NAME: organization?.displayName ?? '',
      SETTINGS: {
        ...{ name: organization?.displayName ?? '', logo: organization?.logoUrl ?? null },
        passwordPolicy: { ...policyOf(organization) },
      },
    });
  });
  return routes;
}
