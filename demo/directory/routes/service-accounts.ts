import { Hono } from 'hono';
import { z } from 'zod';
import type { Directory } from '../directory.js';
import { badRequest, Failure, forbidden } from '../failures.js';
import { type Http, open, param, readBody, type Variables } from '../http.js';
import { newSecret, sha256 } from '../ids.js';
import type { Document, JsonObject } from '../model.js';
import { listQuery, select } from '../query/page.js';
import { type Resource, ROLE_NAMES } from '../resources.js';

const LIFETIMES: Readonly<Record<string, number>> = { '30': 30, '60': 60, '90': 90, '365': 365 };
const ACCOUNTS_MAX = 40;
const DAY_MS = 24 * 3_600_000;

const lifetime = z.object({ lifetime: z.union([z.string(), z.number()]) });
const input = z.object({
  name: z.string().min(1).max(200),
  roleId: z.string().max(100),
  authConfig: z.object({
    authType: z.enum(['API_KEY', 'CLIENT_SECRET']),
    apiKeyConfig: lifetime.optional(),
    clientSecretConfig: lifetime.optional(),
  }),
});

const SERVICE_ACCOUNT: Resource = {
  kind: 'service_account',
  input: z.object({ name: z.string().min(1).max(200), description: z.string().max(2_000).optional() }),
  required: ['name'],
  unique: ['name'],
  searched: ['name'],
  nameField: 'name',
  event: 'service_account',
  defaults: ({ at }) => ({ created: at }),
};

/** Keys of programs. The secret is in the answer that makes it, and nowhere else. */
export function serviceAccountRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  const path = '/api/v2/service-accounts';
  routes.get(path, (c) => {
    const accounts = open(c, 'service-accounts').tenant.all('service_account');
    const { total, page } = select(accounts, listQuery(new URL(c.req.url).searchParams, 2), ['name']);
    return c.json({ results: page.map(shown), totalCount: total });
  });
  routes.post(path, create);
  routes.get(`${path}/:id`, (c) =>
    c.json({ serviceAccount: shown(open(c, 'service-accounts').get('service_account', param(c, 'id'))) }),
  );
  routes.get(`${path}/:id/auth-config`, (c) => {
    const account = open(c, 'service-accounts').get('service_account', param(c, 'id'));
    return c.json({ authConfig: account.authConfig ?? {} });
  });
  routes.delete(`${path}/:id`, async (c) => {
    const directory = open(c, 'service-accounts');
    await directory.remove(SERVICE_ACCOUNT, param(c, 'id'), ({ _id }) => directory.store.retireKeys(_id));
    return c.body(null, 204);
  });
  return routes;
}

async function create(c: Http): Promise<Response> {
  const directory = open(c, 'service-accounts');
  const read = input.safeParse(await readBody(c));
  if (!read.success) throw badRequest(`Invalid ${read.error.issues[0]?.path.join('.') || 'body'}`);
  const { name, roleId, authConfig } = read.data;
  const { authType } = authConfig;
  const asked = authType === 'API_KEY' ? authConfig.apiKeyConfig : authConfig.clientSecretConfig;
  const days = LIFETIMES[/^\d+/.exec(String(asked?.lifetime))?.[0] ?? ''];
  if (days === undefined) throw badRequest('Invalid lifetime');
  const roleName = roleOf(directory, roleId);
  if (roleName === undefined) throw badRequest('Invalid roleId');
  // Only its equals can make an account of the highest role; `open` has asked for one already.
  if (directory.caller.role !== 'Administrator With Billing') throw forbidden();
  if (directory.tenant.all('service_account').length >= ACCOUNTS_MAX)
    throw new Failure(409, 'Too many service accounts');
  const expiresAt = directory.ports.now() + days * DAY_MS;
  const shownConfig = { authType, lifetime: `${days} Days`, expiresAt: new Date(expiresAt).toISOString() };
  const own = { roleId, roleName, authConfig: shownConfig };
  const secret = newSecret();
  const account = await directory.create(SERVICE_ACCOUNT, { name }, own, (made) =>
    keep(directory, made, authType === 'API_KEY' ? secret : `${made._id}:${secret}`, expiresAt),
  );
  const given: JsonObject =
    authType === 'API_KEY' ? { apiKey: secret } : { clientId: account._id, clientSecret: secret };
  return c.json({ serviceAccount: shown(account), authConfig: { ...shownConfig, ...given } }, 201);
}

/** By the id that `/roles` shows, or by name. */
function roleOf({ tenant }: Directory, wanted: string) {
  const name = tenant.all('role').find(({ _id }) => _id === wanted)?.name ?? wanted;
  return ROLE_NAMES.find((role) => role === name);
}

/** Inside a change. */
function keep({ store, caller }: Directory, account: Document, key: string, expiresAt: number): void {
  const { organization, provider } = caller;
  store.putKey(sha256(key), {
    ...{ organization, provider, owner: account._id, email: String(account.name), expiresAt },
    kind: 'service_account',
    state: 'active',
  });
}

function shown({ _id, id, ...rest }: JsonObject): JsonObject {
  return { objectId: _id ?? id ?? '', ...rest };
}
