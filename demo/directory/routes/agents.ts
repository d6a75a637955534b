import { Hono } from 'hono';
import type { z } from 'zod';
import { checkInSchema, enrolmentSchema, runResultSchema } from '../../agent-protocol.js';
import { signedRequest } from '../agents/context.js';
import type { Fleet, From } from '../agents/fleet.js';
import type { Signatures } from '../agents/signatures.js';
import { badRequest, type Failure, unauthorized } from '../failures.js';
import { type Http, param, readBody, type Variables } from '../http.js';
import type { AgentRecord } from '../model.js';

/** How the demo's agents and the directory talk. What the real agents say to the real service is not public. */
export function agentRoutes(
  fleet: Fleet,
  signatures: Signatures,
  fromOf: (c: Http) => From,
  refuse: (c: Http) => Failure,
) {
  const routes = new Hono<{ Variables: Variables }>();
  const device = async (c: Http): Promise<AgentRecord> => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    const record = signatures.device(signedRequest(c), body, true);
    if (record === undefined || record.system !== param(c, 'id')) throw unauthorized();
    return record;
  };
  routes.post('/demo/agents', async (c) => {
    const organization = fleet.organizationOf(c.req.header('x-connect-key')?.trim() ?? '');
    if (organization === undefined) throw refuse(c);
    const body = new Uint8Array(await c.req.arrayBuffer());
    const given = await read(c, enrolmentSchema);
    let proved = false;
    try {
      proved = signatures.enrols(given.publicKey, signedRequest(c), body);
    } catch {
      throw badRequest('Invalid publicKey');
    }
    if (!proved) throw unauthorized();
    return c.json({ systemId: await fleet.enrol(organization, given, fromOf(c)) });
  });
  routes.post('/demo/agents/:id/check-in', async (c) => {
    const record = await device(c);
    return c.json(await fleet.checkIn(record, await read(c, checkInSchema), fromOf(c)));
  });
  routes.post('/demo/agents/:id/results', async (c) => {
    const record = await device(c);
    await fleet.result(record, await read(c, runResultSchema), fromOf(c));
    return c.json({});
  });
  return routes;
}

/** @throws {Failure} 400 */
async function read<T extends z.ZodType>(c: Http, schema: T): Promise<z.infer<T>> {
  const result = schema.safeParse(await readBody(c));
  if (!result.success) throw badRequest(`Invalid ${result.error.issues[0]?.path.join('.') || 'body'}`);
  return result.data;
}
