import type { HttpBindings } from '@hono/node-server';
import { unauthorized } from '../failures.js';
import type { Http } from '../http.js';
import { type AgentRecord, type Caller, isObject } from '../model.js';
import type { Fleet, From } from './fleet.js';
import type { SignedRequest } from './signature.js';
import type { Signatures } from './signatures.js';

/** What a device may ask in its own name, as JumpCloud's System Context API: itself, and nothing of others. */
const ALLOWED: readonly (readonly [methods: string, path: RegExp])[] = [
  ['GET PUT DELETE', /^\/api\/systems\/(\w+)$/],
  ['GET', /^\/api\/v2\/systems\/(\w+)\/(?:memberof|users)$/],
  ['GET POST', /^\/api\/v2\/systems\/(\w+)\/associations$/],
];
const MEMBERS = /^\/api\/v2\/systemgroups\/\w+\/members$/;

export function isSigned(c: Http): boolean {
  return /^Signature /i.test(c.req.header('authorization') ?? '');
}

export function signedRequest(c: Http): SignedRequest {
  const { pathname, search } = new URL(c.req.url);
  const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming;
  return {
    method: c.req.method,
    target: incoming?.url ?? pathname + search,
    header: (name) => c.req.header(name),
  };
}

/** @throws {Failure} 401 for anything that is not the device's own */
export async function deviceCaller(
  c: Http,
  signatures: Signatures,
  fleet: Fleet,
  from: From,
): Promise<Caller> {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const record = signatures.device(signedRequest(c), body, false);
  if (record === undefined || !(await mayAsk(c, record))) throw unauthorized();
  return fleet.caller(record, from);
}

async function mayAsk(c: Http, { system }: AgentRecord): Promise<boolean> {
  const { method } = c.req;
  const path = c.req.path.toLowerCase().replace(/\/$/, '');
  if (MEMBERS.test(path)) return method === 'GET' || (method === 'POST' && (await names(c, system)));
  return ALLOWED.some(
    ([methods, each]) => methods.split(' ').includes(method) && each.exec(path)?.[1] === system,
  );
}

/** A device adds and removes itself alone. */
async function names(c: Http, system: string): Promise<boolean> {
  const body: unknown = await c.req.json().catch(() => undefined);
  return isObject(body) && body.type === 'system' && body.id === system;
}
