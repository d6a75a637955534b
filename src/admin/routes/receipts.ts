import { z } from '@hono/zod-openapi';
import type { RevocationReceipt } from '../../engine/ports.js';
import { REVOKED_AT_ONCE_MAX, type Revocations } from '../../keys/revocation.js';
import type { KeyService } from '../../keys/service.js';
import { type AdminApp, adminRouter, body, json, operation, params } from '../api.js';
import { invalid, notFound } from '../problem.js';

const time = z.iso.datetime();

const gatewayView = z.object({
  name: z.string(),
  pid: z.number().int(),
  acknowledgedAt: time.optional(),
  leaseExpiredAt: time.optional().describe('It was gone, and may accept nothing since then.'),
  acceptsWithoutLease: z.literal(true).optional(),
  milliseconds: z.number(),
  lastAcceptance: z
    .record(z.string(), z.object({ request: z.string(), time }).nullable())
    .describe('By key: the last request that it let through; null: none since it started.'),
});

export const receiptView = z
  .object({
    format: z.literal('keyward-revocation-receipt-v1'),
    id: z.string(),
    keys: z.array(z.string()),
    by: z.string(),
    why: z.string(),
    requestedAt: time,
    completedAt: time,
    exact: z.boolean().describe('No gateway accepts these keys any more.'),
    gateways: z.array(gatewayView),
    inFlight: z.object({
      policy: z.enum(['finish', 'abort']),
      leftRunning: z.number().int(),
      aborted: z.number().int(),
    }),
    publicKey: z.string(),
    signature: z.string().describe('Ed25519 over the canonical JSON (RFC 8785) of everything else.'),
  })
  .openapi('RevocationReceipt');

const many = z.strictObject({
  keys: z.array(z.string()).min(1).max(REVOKED_AT_ONCE_MAX),
  why: z.string().min(1).max(1_000),
});
const listQuery = z.object({
  before: z.string().optional().describe('Id of the last receipt of the page before.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  key: z.string().optional().describe('Only the receipt of this key.'),
});
const receiptList = z.object({ receipts: z.array(receiptView) });
const tags = ['receipts'];

/** Revoking many at once, and the receipts. */
export function receiptRoutes(keys: KeyService, revocations: Revocations): AdminApp {
  const app = adminRouter();
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/revoke',
      tags: ['keys'],
      summary: 'Revoke many keys, all or none, with one receipt',
      request: { body: body(many) },
      responses: {
        200: json(receiptList, 'The receipts that cover them: one, where none was revoked before.'),
        ...notFound,
        ...invalid,
      },
    }),
    async (c) => {
      const { keys: ids, why } = c.req.valid('json');
      const receipts = await keys.revokeMany(c.get('operator').name, ids, why);
      return c.json({ receipts: receipts.map(viewReceipt) }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/receipts',
      tags,
      summary: 'Receipts of revocations, newest first',
      request: { query: listQuery },
      responses: { 200: json(receiptList, 'A page of receipts.'), ...invalid },
    }),
    (c) => c.json({ receipts: revocations.list(c.req.valid('query')).map(viewReceipt) }, 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/receipts/{id}',
      tags,
      summary: 'Show a receipt',
      request: { params },
      responses: { 200: json(receiptView, 'The receipt, as it was signed.'), ...notFound },
    }),
    (c) => c.json(viewReceipt(revocations.show(c.req.valid('param').id)), 200),
  );
  return app;
}

/** The same fields, in lists that the schema may change: what is signed goes out as it is. */
export function viewReceipt(receipt: RevocationReceipt): z.output<typeof receiptView> {
  return {
    ...receipt,
    keys: [...receipt.keys],
    gateways: receipt.gateways.map((each) => ({ ...each, lastAcceptance: { ...each.lastAcceptance } })),
  };
}
