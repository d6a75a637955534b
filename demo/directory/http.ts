import type { Context } from 'hono';
import type { Area } from './access.js';
import { requireRole } from './access.js';
import type { Directory } from './directory.js';
import { badRequest, Failure } from './failures.js';
import type { Document } from './model.js';
import { isObject, type JsonObject } from './model.js';
import { type ListQuery, listQuery, type Selected, select } from './query/page.js';

/** What the guard at the door leaves for the routes. */
export interface Variables {
  readonly directory: Directory;
}

export type Http = Context<{ Variables: Variables }>;

export const BODY_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 16;

/** The directory as the caller may use it. @throws {Failure} 403 */
export function open(c: Http, area: Area): Directory {
  const directory = c.get('directory');
  requireRole(directory.caller, area, c.req.method !== 'GET');
  return directory;
}

/** For reads that are sent as POST. @throws {Failure} 403 */
export function openToRead(c: Http, area: Area): Directory {
  const directory = c.get('directory');
  requireRole(directory.caller, area, false);
  return directory;
}

/** An empty body is an empty object. @throws {Failure} 400, 413 */
export async function readBody(c: Http): Promise<unknown> {
  const text = await c.req.text();
  if (Buffer.byteLength(text) > BODY_BYTES_MAX) throw new Failure(413, 'Payload Too Large');
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badRequest('Invalid JSON');
  }
  if (!isPlain(body, 0)) throw badRequest('Invalid field name');
  return body;
}

/** @throws {Failure} 400 */
export async function readObject(c: Http): Promise<JsonObject> {
  const body = await readBody(c);
  if (!isObject(body)) throw badRequest('Invalid body');
  return body;
}

/** No operators of a database, no parts of the language, in any depth. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) return value.every((each) => isPlain(each, depth + 1));
  return Object.entries(value).every(
    ([name, each]) =>
      !name.startsWith('$') &&
      name !== '__proto__' &&
      name !== 'constructor' &&
      name !== 'prototype' &&
      isPlain(each, depth + 1),
  );
}

export function queryOf(c: Http, version: 1 | 2): ListQuery {
  return listQuery(new URL(c.req.url).searchParams, version);
}

/** v1: totals in the body. */
export function answerV1(c: Http, selected: Selected): Response {
  return c.json({ totalCount: selected.total, results: selected.page });
}

/** v2: a bare array, totals in a header. */
export function answerV2(c: Http, page: readonly JsonObject[], total: number): Response {
  return c.json(page, 200, { 'x-total-count': String(total) });
}

export function listV2(
  c: Http,
  documents: readonly Document[],
  searched: readonly string[],
  show: (each: JsonObject) => JsonObject,
): Response {
  const { total, page } = select(documents, queryOf(c, 2), searched);
  return answerV2(c, page.map(show), total);
}

/** A page of what has no fields to filter by. */
export function sliceV2(c: Http, all: readonly JsonObject[]): Response {
  const { limit, skip } = queryOf(c, 2);
  return answerV2(c, all.slice(skip, skip + limit), all.length);
}

export function param(c: Http, name: string): string {
  return c.req.param(name) ?? '';
}
