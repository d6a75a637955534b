import { badRequest } from '../failures.js';
import { type Document, isObject, type Json, type JsonObject } from '../model.js';
import { compare, type Filter, fieldOf, filterOf, isFieldName, matches, parseFilter } from './filter.js';

export interface Sort {
  readonly field: string;
  readonly descending: boolean;
}

export interface ListQuery {
  readonly limit: number;
  readonly skip: number;
  readonly sort: readonly Sort[];
  /** Empty: all of them. */
  readonly fields: readonly string[];
  readonly filter: Filter;
  readonly search: { readonly term: string; readonly fields: readonly string[] } | undefined;
}

export const LIMIT_DEFAULT = 10;
export const LIMIT_MAX = 100;
const NAMES_MAX = 100;

/** Absent or 0: the default. More than the most: the most, without complaint, as clients expect. */
export function readLimit(value: unknown): number {
  const number = readWhole(value, 'limit');
  return number === 0 ? LIMIT_DEFAULT : Math.min(number, LIMIT_MAX);
}

export function readWhole(value: unknown, name: string): number {
  if (value === undefined || value === null || value === '') return 0;
  const number =
    typeof value === 'number' ? value : Number(/^\d{1,15}$/.test(String(value)) ? value : Number.NaN);
  if (!Number.isSafeInteger(number) || number < 0) throw badRequest(`Invalid ${name}`);
  return number;
}

/** v1 separates names by spaces, v2 by commas, JSON bodies may send a list: all are read. */
export function readNames(value: unknown, what: string): string[] {
  if (value === undefined || value === null) return [];
  const parts = Array.isArray(value) ? value.map(String) : [String(value)];
  const names = parts.flatMap((part) => part.split(/[\s,]+/)).filter((name) => name !== '');
  if (names.length > NAMES_MAX) throw badRequest(`Invalid ${what}`);
  return names;
}

export function readFields(value: unknown): string[] {
  const names = readNames(value, 'fields');
  if (!names.every(isFieldName)) throw badRequest('Invalid fields');
  return names;
}

export function readSort(value: unknown): Sort[] {
  return readNames(value, 'sort').map((name) => {
    const field = name.replace(/^[-+]/, '');
    if (!isFieldName(field)) throw badRequest('Invalid sort');
    return { field, descending: name.startsWith('-') };
  });
}

export function listQuery(query: URLSearchParams, version: 1 | 2): ListQuery {
  const term = query.get('search[searchTerm]') ?? query.get('search');
  return {
    limit: readLimit(query.get('limit')),
    skip: readWhole(query.get('skip'), 'skip'),
    sort: readSort(query.getAll('sort')),
    fields: readFields(query.getAll('fields')),
    filter: filterOf(query, version),
    search:
      term === null || term === ''
        ? undefined
        : {
            term,
            fields: readFields([...query.getAll('search[fields]'), ...query.getAll('search[fields][]')]),
          },
  };
}

/** What stands in a body counts more than what stands in the query. @throws {Failure} 400 */
export function withBody(query: ListQuery, body: JsonObject): ListQuery {
  const { limit, skip, sort, fields, filter, searchFilter } = body;
  const search = isObject(searchFilter) ? searchFilter : {};
  const term = search.searchTerm;
  return {
    limit: limit === undefined ? query.limit : readLimit(limit),
    skip: skip === undefined ? query.skip : readWhole(skip, 'skip'),
    sort: sort === undefined ? query.sort : readSort(sort),
    fields: fields === undefined ? query.fields : readFields(fields),
    filter: filter === undefined || filter === null ? query.filter : parseFilter(filter),
    search:
      term === undefined || term === null || term === ''
        ? query.search
        : { term: String(term), fields: readFields(search.fields) },
  };
}

export interface Selected {
  readonly total: number;
  readonly page: readonly JsonObject[];
}

export function select(
  documents: readonly Document[],
  query: ListQuery,
  searched: readonly string[],
): Selected {
  const found = documents.filter(
    (document) => matches(query.filter, document) && mentions(document, query, searched),
  );
  if (query.sort.length > 0) found.sort((a, b) => order(a, b, query.sort));
  const page = found.slice(query.skip, query.skip + query.limit);
  return { total: found.length, page: page.map((document) => project(document, query.fields)) };
}

function mentions(document: Document, { search }: ListQuery, searched: readonly string[]): boolean {
  if (search === undefined) return true;
  const wanted = search.term.toLowerCase();
  return (search.fields.length > 0 ? search.fields : searched).some((field) => {
    const value = fieldOf(document, field);
    return value !== undefined && value !== null && String(value).toLowerCase().includes(wanted);
  });
}

function order(a: Document, b: Document, sort: readonly Sort[]): number {
  for (const { field, descending } of sort) {
    const difference = compare(text(fieldOf(a, field)), text(fieldOf(b, field)));
    if (difference !== 0) return descending ? -difference : difference;
  }
  // Equal ones keep one order, so that pages neither repeat nor lose any.
  return a._id < b._id ? -1 : 1;
}

function text(value: Json | undefined): string {
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : JSON.stringify(value);
}

/** The ids are always there: clients need them for the next call. */
export function project(document: Document, fields: readonly string[]): JsonObject {
  if (fields.length === 0) return document;
  const kept = new Set(['_id', 'id', ...fields.map((field) => field.split('.')[0])]);
  return Object.fromEntries(Object.entries(document).filter(([name]) => kept.has(name)));
}
