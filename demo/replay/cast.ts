import { JUMPCLOUD } from '../../world/jumpcloud.js';
import { newPerson, newService, newTenants, type Principal } from '../../world/principals.js';
import type { Objects, Service } from '../../world/provider.js';
import type { Random } from '../../world/random.js';
import { type Answer, ask } from './ask.js';

/** An organisation of the directory, with the key that its first administrator gave the replay. */
export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly adminKey: string;
  readonly connectKey: string;
  readonly objects: Objects;
}

/** Services that a tenant has besides its people. */
const SERVICES_EACH = 5;
const DAYS = 400;

const LISTS = {
  systemusers: '/api/systemusers?limit=100',
  systems: '/api/systems?limit=100',
  usergroups: '/api/v2/usergroups?limit=100',
  commands: '/api/commands?limit=100',
  applications: '/api/applications?limit=100',
  policies: '/api/v2/policies?limit=100',
  users: '/api/users?limit=100',
  organizations: '/api/organizations?limit=100',
} as const;

/** What there is in an organisation, asked of the directory itself. */
export async function readOrganisation(
  url: string,
  { organization, apiKey, connectKey }: { organization: string; apiKey: string; connectKey: string },
): Promise<Organisation> {
  const headers = { 'x-api-key': apiKey };
  const entries = await Promise.all(
    Object.entries(LISTS).map(
      async ([kind, path]) => [kind, idsOf(await ask(url, 'GET', path, headers))] as const,
    ),
  );
  const { body } = await ask(url, 'GET', `/api/organizations/${organization}`, headers);
  const name = (body as { displayName?: string; name?: string }).displayName ?? organization;
  return {
    ...{ id: organization, name, adminKey: apiKey, connectKey },
    objects: Object.fromEntries(entries),
  };
}

function idsOf({ body }: Answer): string[] {
  const list = Array.isArray(body) ? body : ((body as { results?: unknown[] }).results ?? []);
  return list.flatMap((each) => {
    const { _id, id } = each as { _id?: string; id?: string };
    return _id ?? id ?? [];
  });
}

/** People and scripts of each organisation: an administrator by hand, and services of different kinds. */
export function castOf(random: Random, organisations: readonly Organisation[]): Principal[] {
  const { services, handFlows } = JUMPCLOUD;
  const tenants = newTenants(JUMPCLOUD, random, organisations.length);
  return organisations.flatMap(({ id, objects }, n) => {
    const tenant = { ...(tenants[n] as (typeof tenants)[number]), id, objects };
    // Each kind of service is somewhere, and every tenant has some of them.
    const chosen = Array.from(
      { length: SERVICES_EACH },
      (_, i) => services[(n * 3 + i * 2) % services.length] as Service,
    );
    const always = { from: 0, to: DAYS };
    return [
      ...[...new Set(chosen)].map((service, i) => ({
        ...newService(random, tenant, DAYS, i, service),
        ...always,
        id: service.name,
      })),
      { ...newPerson(random, tenant, DAYS, 0, handFlows), ...always, id: 'administrator' },
    ];
  });
}

/** A key of the principal's own, of the directory's making. */
export async function newCredential(
  url: string,
  who: Principal,
  adminKey: string,
  n: number,
): Promise<string> {
  const headers = { 'x-api-key': adminKey };
  const answer = await ask(url, 'POST', '/api/v2/service-accounts', headers, {
    name: n === 0 ? who.id : `${who.id} ${n}`,
    roleId: 'Administrator With Billing',
    authConfig: { authType: 'API_KEY', apiKeyConfig: { lifetime: '365' } },
  });
  const { apiKey } = (answer.body as { authConfig?: { apiKey?: string } }).authConfig ?? {};
  if (apiKey === undefined) throw new Error(`The directory made no key for ${who.id}: ${answer.status}`);
  return apiKey;
}
