import { badRequest } from '../failures.js';
import { isObject, type Json, type JsonObject } from '../model.js';

/** v1 writes `field:$eq:value`, v2 `field:eq:value`; clients mix both, so both are read everywhere. */
export type Operator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'between' | 'search' | 'in';

export interface Term {
  readonly kind: 'term';
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

export type Filter = Term | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] };

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...(['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'between', 'search', 'in'] as const).flatMap(
    (name): [string, Operator][] => [
      [name, name],
      [`$${name}`, name],
    ],
  ),
  ['gte', 'ge'],
  ['$gte', 'ge'],
  ['lte', 'le'],
  ['$lte', 'le'],
]);

const FIELD = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+){0,4}$/;
/** Names that are no data of an object but parts of the language. */
const LANGUAGE = new Set(['__proto__', 'constructor', 'prototype']);
export const TERMS_MAX = 50;
const DEPTH_MAX = 4;
const VALUE_CHARACTERS_MAX = 1_000;

export function isFieldName(text: string): boolean {
  return text.length <= 100 && FIELD.test(text) && !text.split('.').some((part) => LANGUAGE.has(part));
}

/** @throws {Failure} 400 */
export function parseTerm(text: string): Term {
  const first = text.indexOf(':');
  const second = text.indexOf(':', first + 1);
  const field = text.slice(0, Math.max(first, 0));
  const operator = OPERATORS.get(text.slice(first + 1, Math.max(second, 0)));
  if (second < 0 || !isFieldName(field) || operator === undefined) throw badRequest('Invalid filter');
  const value = text.slice(second + 1);
  if (value.length > VALUE_CHARACTERS_MAX) throw badRequest('Invalid filter');
  return { kind: 'term', field, operator, value };
}

/**
 * Reads the filter of a search body: one term, a list of terms that must all hold, `{and: […]}`, `{or: […]}`
 * or `{field: scalar}`. Operators inside objects, as in MongoDB, are not a part of it.
 * @throws {Failure} 400
 */
export function parseFilter(value: unknown, depth = 0): Filter {
  if (depth > DEPTH_MAX) throw badRequest('Invalid filter');
  if (typeof value === 'string') return parseTerm(value);
  if (Array.isArray(value)) {
    if (value.length > TERMS_MAX) throw badRequest('Invalid filter');
    return { kind: 'and', of: value.map((each) => parseFilter(each, depth + 1)) };
  }
  if (!isObject(value)) throw badRequest('Invalid filter');
  const parts = Object.entries(value).map(([name, part]): Filter => {
    if ((name === 'and' || name === 'or') && Array.isArray(part)) {
      if (part.length > TERMS_MAX) throw badRequest('Invalid filter');
      return { kind: name, of: part.map((each) => parseFilter(each, depth + 1)) };
    }
    if (!isFieldName(name) || (typeof part === 'object' && part !== null)) throw badRequest('Invalid filter');
    return { kind: 'term', field: name, operator: 'eq', value: String(part) };
  });
  return { kind: 'and', of: parts };
}

/** `filter=…` any number of times (v2: commas too), `filter[0]=…` for all, `filter[or][0]=…` for any of them. */
export function filterOf(query: URLSearchParams, version: 1 | 2): Filter {
  const all: Term[] = [];
  const any: Term[] = [];
  for (const [name, value] of query) {
    if (!name.startsWith('filter') || value === '') continue;
    if (name === 'filter' && version === 2) all.push(...splitTerms(value).map(parseTerm));
    else if (/^filter(?:\[\d*\])?$/.test(name)) all.push(parseTerm(value));
    else if (/^filter\[or\]\[\d*\]$/.test(name)) any.push(parseTerm(value));
    else throw badRequest('Invalid filter');
  }
  if (all.length + any.length > TERMS_MAX) throw badRequest('Invalid filter');
  return { kind: 'and', of: any.length > 0 ? [...all, { kind: 'or', of: any }] : all };
}

/** A comma ends a term only where another one begins: values may have commas. */
function splitTerms(text: string): string[] {
  return text.split(/,(?=[A-Za-z_][\w.]*:\$?(?:eq|ne|gte?|lte?|ge|le|between|search|in):)/);
}

/** The value under a dotted name, of own fields alone. */
export function fieldOf(document: JsonObject, name: string): Json | undefined {
  let value: Json | undefined = document;
  for (const part of name.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

export function matches(filter: Filter, document: JsonObject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((each) => matches(each, document));
    case 'or':
      return filter.of.some((each) => matches(each, document));
    case 'term': {
      const value = fieldOf(document, filter.field);
      if (!Array.isArray(value)) return holds(filter, value);
      // Not equal means that no element is.
      return filter.operator === 'ne'
        ? value.every((each) => holds(filter, each))
        : value.some((each) => holds(filter, each));
    }
  }
}

function holds({ operator, value: wanted }: Term, value: Json | undefined): boolean {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  const absent = value === undefined || value === null;
  switch (operator) {
    case 'eq':
      return equal(text, absent, wanted);
    case 'ne':
      return !equal(text, absent, wanted);
    case 'in':
      return wanted.split('|').some((each) => equal(text, absent, each));
    case 'search':
      return !absent && text.toLowerCase().includes(wanted.toLowerCase());
    case 'between': {
      const [from = '', to = ''] = wanted.split('|');
      return !absent && compare(text, from) >= 0 && compare(text, to) <= 0;
    }
    case 'gt':
      return !absent && compare(text, wanted) > 0;
    case 'ge':
      return !absent && compare(text, wanted) >= 0;
    case 'lt':
      return !absent && compare(text, wanted) < 0;
    case 'le':
      return !absent && compare(text, wanted) <= 0;
  }
}

function equal(text: string, absent: boolean, wanted: string): boolean {
  if (absent) return wanted === '' || wanted === 'null';
  return wanted.includes('*') && text !== wanted ? matchesWildcard(text, wanted) : text === wanted;
}

/** Own and linear, because a pattern of a stranger must not become a regular expression. */
function matchesWildcard(text: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const head = parts[0] ?? '';
  const tail = parts.at(-1) ?? '';
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  const end = text.length - tail.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Numbers as numbers, all else (dates of ISO 8601 too) as text. */
export function compare(a: string, b: string): number {
  const [left, right] = [Number(a), Number(b)];
  if (a !== '' && b !== '' && Number.isFinite(left) && Number.isFinite(right)) return left - right;
  return a < b ? -1 : a > b ? 1 : 0;
}
