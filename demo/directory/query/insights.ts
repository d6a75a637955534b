import { badRequest } from '../failures.js';
import { type DirectoryEvent, isObject, type Json, type JsonObject } from '../model.js';
import { fieldOf, isFieldName } from './filter.js';
import { readFields, readWhole } from './page.js';

export interface EventQuery {
  readonly services: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly skip: number;
  readonly sort: 'ASC' | 'DESC';
  readonly fields: readonly string[];
  readonly q: string;
  readonly after: readonly [string, string] | undefined;
  readonly terms: SearchTerm;
}

/** Each condition: a field and the values of which it must have one. */
type Condition = readonly [field: string, values: readonly Json[]];

export interface SearchTerm {
  readonly and: readonly Condition[];
  readonly or: readonly Condition[];
  readonly not: readonly Condition[];
}

export const EVENTS_DEFAULT = 1_000;
export const EVENTS_MAX = 10_000;
const CONDITIONS_MAX = 100;

/** @throws {Failure} 400 */
export function readEventQuery(body: JsonObject, now: number): EventQuery {
  const { service, start_time, end_time, sort = 'DESC', q = '' } = body;
  if (!Array.isArray(service) || service.length === 0) throw badRequest('service is required');
  if (start_time === undefined || start_time === null) throw badRequest('start_time is required');
  if (sort !== 'ASC' && sort !== 'DESC') throw badRequest('Invalid sort');
  if (typeof q !== 'string') throw badRequest('Invalid q');
  const limit = readWhole(body.limit, 'limit');
  return {
    services: service.map(String),
    from: readTime(start_time, 'start_time'),
    to:
      end_time === undefined || end_time === null
        ? new Date(now).toISOString()
        : readTime(end_time, 'end_time'),
    limit: limit === 0 ? EVENTS_DEFAULT : Math.min(limit, EVENTS_MAX),
    skip: readWhole(body.skip, 'skip'),
    sort,
    fields: readFields(body.fields),
    q: q.toLowerCase(),
    after: readAfter(body.search_after),
    terms: readTerms(body.search_term),
  };
}

function readTime(value: Json, name: string): string {
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw badRequest(`Invalid ${name}`);
  return new Date(time).toISOString();
}

function readAfter(value: Json | undefined): readonly [string, string] | undefined {
  if (value === undefined || value === null) return undefined;
  const parts: readonly Json[] = Array.isArray(value) ? value : [];
  if (parts.length === 0 && Array.isArray(value)) return undefined;
  const [time, id] = parts;
  if (typeof time !== 'string' || typeof id !== 'string') throw badRequest('Invalid search_after');
  return [readTime(time, 'search_after'), id];
}

function readTerms(value: Json | undefined): SearchTerm {
  if (value === undefined || value === null) return { and: [], or: [], not: [] };
  if (!isObject(value)) throw badRequest('Invalid search_term');
  return { and: conditions(value.and), or: conditions(value.or), not: conditions(value.not) };
}

/** `{a: 1, b: [2, 3]}` and `[{a: 1}, {b: [2, 3]}]` are the same. */
function conditions(value: Json | undefined): Condition[] {
  if (value === undefined || value === null) return [];
  const objects: readonly Json[] = Array.isArray(value) ? value : [value];
  const found = objects.flatMap((each) => {
    if (!isObject(each)) throw badRequest('Invalid search_term');
    return Object.entries(each).map(([field, wanted]): Condition => {
      const values: readonly Json[] = Array.isArray(wanted) ? wanted : [wanted];
      if (!isFieldName(field) || values.some((one) => typeof one === 'object' && one !== null))
        throw badRequest('Invalid search_term');
      return [field, values];
    });
  });
  if (found.length > CONDITIONS_MAX) throw badRequest('Invalid search_term');
  return found;
}

/** All that match, in the order asked for; `events` come oldest first. */
export function selectEvents(events: readonly DirectoryEvent[], query: EventQuery): DirectoryEvent[] {
  const everything = query.services.includes('all');
  const found = events.filter(
    (event) =>
      (everything || query.services.includes(event.service)) &&
      accepts(query.terms, event) &&
      (query.q === '' || JSON.stringify(event).toLowerCase().includes(query.q)),
  );
  return query.sort === 'DESC' ? found.reverse() : found;
}

export interface EventPage {
  readonly events: readonly JsonObject[];
  readonly limit: number;
  /** Where the next page begins. */
  readonly after: readonly [string, string] | readonly [];
}

export function pageOf(found: readonly DirectoryEvent[], query: EventQuery): EventPage {
  const { after, sort, skip, limit, fields } = query;
  const rest = after === undefined ? found : found.filter((event) => isBehind(event, after, sort));
  const page = rest.slice(skip, skip + limit);
  const last = page.at(-1);
  return {
    events: page.map((event) => (fields.length === 0 ? event : pick(event, fields))),
    limit,
    after: last === undefined ? (after ?? []) : [last.timestamp, last.id],
  };
}

function isBehind(
  event: DirectoryEvent,
  [time, id]: readonly [string, string],
  sort: 'ASC' | 'DESC',
): boolean {
  if (event.timestamp !== time) return event.timestamp > time === (sort === 'ASC');
  return event.id !== id && event.id > id === (sort === 'ASC');
}

function accepts({ and, or, not }: SearchTerm, event: DirectoryEvent): boolean {
  const holds = ([field, values]: Condition) => {
    const value = fieldOf(event, field);
    return values.some((wanted) => String(wanted) === String(value ?? ''));
  };
  return and.every(holds) && (or.length === 0 || or.some(holds)) && !not.some(holds);
}

function pick(event: DirectoryEvent, fields: readonly string[]): JsonObject {
  const kept = new Set(fields.map((field) => field.split('.')[0]));
  return Object.fromEntries(Object.entries(event).filter(([name]) => kept.has(name)));
}
