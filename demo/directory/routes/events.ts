import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { type Access, type Credentials, requireRole } from '../access.js';
import { badRequest, notFound, unauthorized } from '../failures.js';
import { type Http, readObject, type Variables } from '../http.js';
import type { DirectoryEvent, JsonObject } from '../model.js';
import { fieldOf, isFieldName } from '../query/filter.js';
import { type EventQuery, pageOf, readEventQuery, selectEvents } from '../query/insights.js';
import type { DirectoryStore } from '../store.js';

const PATH = '/insights/directory/v1/events';
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const BUCKETS_MAX = 10_000;
const ORGANIZATIONS_MAX = 1_000;

/** The log. A provider may ask for several organisations at once, so it authenticates by itself. */
export function eventRoutes(
  store: DirectoryStore,
  now: () => number,
  access: Access,
  credentialsOf: (c: Http) => Credentials,
) {
  const routes = new Hono<{ Variables: Variables }>();
  const found = async (
    c: Http,
  ): Promise<{ query: EventQuery; events: DirectoryEvent[]; body: JsonObject }> => {
    const organizations = await allowed(access, credentialsOf(c));
    const body = await readObject(c);
    const query = readEventQuery(body, now());
    const all = organizations.flatMap((id) => store.tenant(id).events({ from: query.from, to: query.to }));
    if (organizations.length > 1) all.sort((a, b) => (a.timestamp + a.id < b.timestamp + b.id ? -1 : 1));
    return { query, body, events: selectEvents(all, query) };
  };
  routes.post(PATH, async (c) => {
    const { query, events } = await found(c);
    const page = pageOf(events, query);
    return c.json(page.events, 200, {
      'x-result-count': String(page.events.length),
      'x-limit': String(page.limit),
      'x-sort': query.sort,
      'x-search_after': JSON.stringify(page.after),
      'x-request-id': randomUUID(),
    });
  });
  routes.post(`${PATH}/count`, async (c) => c.json({ count: (await found(c)).events.length }));
  routes.post(`${PATH}/distinct`, async (c) => {
    const { body, events } = await found(c);
    const { field } = body;
    if (typeof field !== 'string' || !isFieldName(field)) throw badRequest('Invalid field');
    return c.json({ buckets: distinct(events, field) });
  });
  routes.post(`${PATH}/interval`, async (c) => {
    const { body, events, query } = await found(c);
    return c.json({ buckets: intervals(events, query, String(body.interval_unit ?? 'h')) });
  });
  return routes;
}

/** Organisations named in `x-org-id`, each of which the key must open. */
async function allowed(access: Access, credentials: Credentials): Promise<string[]> {
  const named = (credentials.organization ?? '').split(',').map((id) => id.trim());
  const wanted = [...new Set(named)].filter((id) => id !== '');
  if (wanted.length > ORGANIZATIONS_MAX) throw badRequest('Invalid x-org-id');
  if (wanted.length <= 1) {
    const caller = await access.authenticate(credentials);
    requireRole(caller, 'events', false);
    return [caller.organization];
  }
  const { ids, caller } = await access.organizations({ ...credentials, organization: undefined });
  if (caller !== undefined) requireRole(caller, 'events', false);
  if (ids.length === 0) throw unauthorized();
  if (!wanted.every((id) => ids.includes(id))) throw notFound();
  return wanted;
}

function distinct(events: readonly DirectoryEvent[], field: string): JsonObject[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const value = fieldOf(event, field);
    if (value === undefined || value === null) continue;
    const key = typeof value === 'string' ? value : JSON.stringify(value);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.slice(0, BUCKETS_MAX).map(([key, doc_count]) => ({ key, doc_count }));
}

function intervals(events: readonly DirectoryEvent[], query: EventQuery, unit: string): JsonObject[] {
  const width = Object.hasOwn(UNITS_MS, unit) ? UNITS_MS[unit] : undefined;
  if (width === undefined) throw badRequest('Invalid interval_unit');
  const floor = (time: string) => Math.floor(Date.parse(time) / width) * width;
  const [first, last] = [floor(query.from), floor(query.to)];
  if ((last - first) / width > BUCKETS_MAX) throw badRequest('Invalid interval_unit');
  const counts = new Map<number, number>();
  for (const { timestamp } of events) counts.set(floor(timestamp), (counts.get(floor(timestamp)) ?? 0) + 1);
  const buckets: JsonObject[] = [];
  for (let at = first; at <= last; at += width)
    buckets.push({ key: at, key_as_string: new Date(at).toISOString(), doc_count: counts.get(at) ?? 0 });
  return buckets;
}
