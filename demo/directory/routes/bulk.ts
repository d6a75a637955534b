import { Hono } from 'hono';
import type { Directory } from '../directory.js';
import { badRequest, Failure } from '../failures.js';
import { type Http, open, param, readBody, sliceV2, type Variables } from '../http.js';
import { createUser, expirePassword, unlock, updateUser } from '../identity/admin-acts.js';
import { isoTime } from '../ids.js';
import { type Document, isObject, type JsonObject } from '../model.js';
import { asV2 } from '../resources.js';

type Act = (directory: Directory, each: JsonObject) => Promise<Document>;

const JOB_MAX = 1_000;

/** Many users in one call. The real service works them off later; here they are done when the job's id is answered. */
const JOBS: readonly (readonly [method: string, path: string, status: 200 | 201, act: Act])[] = [
  ['POST', 'users', 200, (directory, each) => createUser(directory, each)],
  ['PATCH', 'users', 200, (directory, each) => updateUser(directory, idOf(each), each)],
  ['POST', 'user/unlocks', 201, (directory, each) => unlock(directory, idOf(each))],
  ['POST', 'user/expires', 201, (directory, each) => expirePassword(directory, idOf(each))],
];

export function bulkRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  for (const [method, path, status, act] of JOBS) {
    routes.on(method, `/api/v2/bulk/${path}`, async (c) => {
      const directory = open(c, 'users');
      return c.json({ jobId: await work(directory, await readList(c), act) }, status);
    });
  }
  routes.get('/api/v2/bulk/users/:id/results', (c) => {
    const { results } = open(c, 'users').get('job', param(c, 'id'));
    return sliceV2(c, Array.isArray(results) ? results.filter((each: unknown) => isObject(each)) : []);
  });
  return routes;
}

/** Each by itself: one that fails stops no other. */
async function work(directory: Directory, all: readonly JsonObject[], act: Act): Promise<string> {
  const id = directory.ports.newId();
  const results: JsonObject[] = [];
  for (const each of all) {
    const at = isoTime(directory.ports);
    const entry = { id: directory.ports.newId(), createdAt: at, updatedAt: at };
    try {
      const persistedFields = asV2(await act(directory, each));
      results.push({ ...entry, status: 'finished', statusMsg: '', persistedFields });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      results.push({ ...entry, status: 'failed', statusMsg: error.message, meta: each });
    }
  }
  await directory.change(() => directory.tenant.put('job', { _id: id, id, results }));
  return id;
}

/** @throws {Failure} 400 */
async function readList(c: Http): Promise<JsonObject[]> {
  const body = await readBody(c);
  if (!Array.isArray(body) || body.length > JOB_MAX) throw badRequest('Invalid body');
  return body.map((each: unknown) => {
    if (!isObject(each)) throw badRequest('Invalid body');
    return each;
  });
}

function idOf({ id }: JsonObject): string {
  return typeof id === 'string' ? id : '';
}
