import { Hono } from 'hono';
import { mayUse } from '../access.js';
import { connectKeyOf } from '../agents/connect-key.js';
import { open, type Variables } from '../http.js';
import { policyOf } from '../identity/password-policy.js';

export function settingsRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get('/api/settings', (c) => {
    const { caller, store } = open(c, 'directory');
    // It lets devices in: reading it is not for those who may only read.
    const may = mayUse(caller, 'directory', true);
    const organization = store.organization(caller.organization);
    return c.json({
      ORG_ID: caller.organization,
      ...(may ? { CONNECT_KEY: connectKeyOf(store, caller.organization) } : {}),
      ORG_NAME: organization?.displayName ?? '',
      SETTINGS: {
        ...{ name: organization?.displayName ?? '', logo: organization?.logoUrl ?? null },
        passwordPolicy: { ...policyOf(organization) },
      },
    });
  });
  return routes;
}
