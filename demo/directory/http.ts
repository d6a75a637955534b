import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { type Area, requireRole } from './access.js';
import type { Directory } from './directory.js';
import { badRequest, Failure } from './failures.js';
import { type Document, isObject, type JsonObject } from './model.js';
import { type ListQuery, listQuery, type Selected, select, withBody } from './query/page.js';

/** What the guard at the door leaves for the routes. */
export interface Variables {
  readonly directory: Directory;
  /** Of a `GET`, which the Fetch API does not let through. */
  readonly body: JsonObject | undefined;
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
  return parseBody(text);
}

function parseBody(text: string): unknown {
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
  const query = listQuery(new URL(c.req.url).searchParams, version);
  const body = c.get('body');
  return body === undefined ? query : withBody(query, body);
}

/** JumpCloud's own serverless app sends `GET` with fields, skip and limit in a JSON body. @throws {Failure} 400, 413 */
export async function readGetBody(c: Http): Promise<JsonObject | undefined> {
  const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming;
  const { headers } = incoming ?? {};
  if (c.req.method !== 'GET' || incoming === undefined) return undefined;
  if (!(Number(headers?.['content-length']) > 0) && headers?.['transfer-encoding'] === undefined)
    return undefined;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming) {
    bytes += (part as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw new Failure(413, 'Payload Too Large');
    parts.push(part as Buffer);
  }
  const body = parseBody(Buffer.concat(parts).toString('utf8'));
  if (!isObject(body)) throw badRequest('Invalid body');
  return body;
}

/** v1: totals in the body. */
export function answerV1(c: Http, selected: Selected): Response {
  return c.json({ totalCount: selected.total, results: selected.page });
}

/** v2: a bare array, totals and the pages beside this one in headers. */
export function answerV2(c: Http, page: readonly JsonObject[], total: number): Response {
  const link = linksOf(c, total);
  return c.json(page, 200, { 'x-total-count': String(total), ...(link === '' ? {} : { link }) });
}

/** RFC 8288, as relative references: behind the guard they lead to the guard again. */
function linksOf(c: Http, total: number): string {
  const { limit, skip } = queryOf(c, 2);
  const url = new URL(c.req.url);
  const to = (from: number, rel: string) => {
    url.searchParams.set('limit', String(limit));
    url.searchParams.set('skip', String(from));
    return `<${url.pathname}${url.search}>; rel="${rel}"`;
  };
  const links = [];
  if (skip > 0) links.push(to(Math.max(0, skip - limit), 'prev'));
  if (skip + limit < total) links.push(to(skip + limit, 'next'));
  return links.join(', ');
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
