import { z } from '@hono/zod-openapi';
import type { KeyRecord } from '../../core/key.js';
import type { Upstream } from '../../engine/routing.js';
import { unmatchedRules } from '../../engine/unmatched-rules.js';
import { changeInput, importInput, issueInput, registerInput } from '../../keys/inputs.js';
import type { KeyService } from '../../keys/service.js';
import { stateOf } from '../../keys/state.js';
import { type AdminApp, adminRouter, body, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';
import { issuedView, type KeyView, keyView, usageView, viewKey, viewUsage } from '../views.js';
import { receiptView, viewReceipt } from './receipts.js';

const why = z.strictObject({ why: z.string().min(1).max(1_000) });
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const PAGE_MAX = 1_000;

const listQuery = z.object({
  after: z.string().optional().describe('Id of the last key of the page before.'),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  tenant: z.string().optional(),
  principal: z.string().optional(),
  state: keyView.shape.state.optional(),
});

const usageRow = z.object({
  id: z.string(),
  keys: z.number().int(),
  usage: usageView,
  lastKey: z.string().optional().describe('The key that was used last.'),
});

const revokedView = keyView.extend({ receipt: receiptView }).openapi('RevokedKey');

type View = (key: KeyRecord) => KeyView;
const tags = ['keys'];

/** Keys: everything an operator does with them. */
export function keyRoutes(
  keys: KeyService,
  upstreams: () => readonly Upstream[],
  now: () => number,
): AdminApp {
  const app = adminRouter();
  const row = (key: KeyRecord) => viewKey(key, keys.usage(key.id), now());
  const view = (key: KeyRecord) => {
    const unmatched = unmatchedRules(key.limits.operations ?? {}, key.upstreams, upstreams());
    return unmatched.length === 0 ? row(key) : { ...row(key), unmatched };
  };
  listing(app, keys, row, now);
  showing(app, keys, view);
  creating(app, keys, view);
  changing(app, keys, view);
  ending(app, keys, view);
  return app;
}

function listing(app: AdminApp, keys: KeyService, row: View, now: () => number): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/keys',
      tags,
      summary: 'List keys with their state and last use',
      request: { query: listQuery },
      responses: {
        200: json(z.object({ keys: z.array(keyView), next: z.string().optional() }), 'A page of keys.'),
        ...invalid,
      },
    }),
    (c) => {
      const { after, limit, tenant, principal, state } = c.req.valid('query');
      const wanted = keys.list({
        after,
        limit: limit + 1,
        where: (key) =>
          (tenant === undefined || key.tenant === tenant) &&
          (principal === undefined || key.principal === principal) &&
          (state === undefined || stateOf(key, now()) === state),
      });
      const page = wanted.slice(0, limit).map(row);
      const next = wanted.length > limit ? page.at(-1)?.id : undefined;
      return c.json({ keys: page, ...(next === undefined ? {} : { next }) }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/usage',
      tags,
      summary: 'Last use by tenant or principal',
      request: { query: z.object({ by: z.enum(['tenant', 'principal']).default('tenant') }) },
      responses: { 200: json(z.object({ rows: z.array(usageRow) }), 'One row each.'), ...invalid },
    }),
    (c) => c.json({ rows: usageBy(keys, c.req.valid('query').by) }, 200),
  );
}

function showing(app: AdminApp, keys: KeyService, view: View): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/keys/{id}',
      tags,
      summary: 'Show a key',
      request: { params },
      responses: { 200: json(keyView, 'The key.'), ...notFound },
    }),
    (c) => c.json(view(keys.show(c.req.valid('param').id)), 200),
  );
}

function creating(app: AdminApp, keys: KeyService, view: View): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys',
      tags,
      summary: 'Issue a key',
      request: { body: body(issueInput) },
      responses: { 201: json(issuedView, 'The key, and its credential: shown this once.'), ...invalid },
    }),
    async (c) => {
      const { key, credential } = await keys.issue(c.get('operator').name, c.req.valid('json'));
      return c.json({ key: view(key), credential }, 201);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/import',
      tags,
      summary: 'Take over a key of another system by its hash',
      request: { body: body(importInput) },
      responses: { 201: json(keyView, 'The key.'), ...conflict, ...invalid },
    }),
    async (c) => c.json(view(await keys.import(c.get('operator').name, c.req.valid('json'))), 201),
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/register',
      tags,
      summary: "Make a key of the upstream's own known",
      request: { body: body(registerInput) },
      responses: { 201: json(keyView, 'The key.'), ...conflict, ...invalid },
    }),
    async (c) => c.json(view(await keys.register(c.get('operator').name, c.req.valid('json'))), 201),
  );
}

function changing(app: AdminApp, keys: KeyService, view: View): void {
  app.openapi(
    operation({
      method: 'patch',
      path: '/v1/keys/{id}',
      tags,
      summary: 'Change a key; null removes a field, limits are replaced as a whole',
      request: {
        params,
        query: z.object({ force: flag.describe('Set locations that refuse where it was last used.') }),
        body: body(changeInput),
      },
      responses: { 200: json(keyView, 'The key.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { force } = c.req.valid('query');
      const actor = c.get('operator').name;
      return c.json(view(await keys.change(actor, c.req.valid('param').id, c.req.valid('json'), force)), 200);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/{id}/rotate',
      tags,
      summary: 'Replace a key by a new one with the same limits',
      request: {
        params,
        body: body(
          z.strictObject({
            overlapSeconds: z
              .number()
              .int()
              .min(0)
              .max(31_536_000)
              .default(0)
              .describe('How long both work.'),
          }),
        ),
      },
      responses: { 201: json(issuedView, 'The new key.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { overlapSeconds } = c.req.valid('json');
      const { key, credential } = await keys.rotate(
        c.get('operator').name,
        c.req.valid('param').id,
        overlapSeconds,
      );
      return c.json({ key: view(key), credential }, 201);
    },
  );
}

function ending(app: AdminApp, keys: KeyService, view: View): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/{id}/suspend',
      tags,
      summary: 'Suspend a key; returns when every gateway refuses it',
      request: { params, body: body(why) },
      responses: { 200: json(keyView, 'The key.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { why: text } = c.req.valid('json');
      return c.json(view(await keys.suspend(c.get('operator').name, c.req.valid('param').id, text)), 200);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/{id}/revoke',
      tags,
      summary: 'Revoke a key for good; returns, with a signed receipt, when every gateway refuses it',
      request: { params, body: body(why) },
      responses: { 200: json(revokedView, 'The key and the receipt.'), ...notFound, ...invalid },
    }),
    async (c) => {
      const { why: text } = c.req.valid('json');
      const { key, receipt } = await keys.revoke(c.get('operator').name, c.req.valid('param').id, text);
      return c.json({ ...view(key), receipt: viewReceipt(receipt) }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/keys/{id}/resume',
      tags,
      summary: 'Resume a suspended key',
      request: { params },
      responses: { 200: json(keyView, 'The key.'), ...notFound, ...conflict },
    }),
    async (c) => c.json(view(await keys.resume(c.get('operator').name, c.req.valid('param').id)), 200),
  );
}

/** Counters added up, and the facts of the latest use. */
function usageBy(keys: KeyService, by: 'tenant' | 'principal') {
  const rows = new Map<string, { keys: number; accepted: number; refused: number; last?: KeyRecord }>();
  for (const key of keys.list()) {
    const row = rows.get(key[by]) ?? { keys: 0, accepted: 0, refused: 0 };
    rows.set(key[by], row);
    const usage = keys.usage(key.id);
    row.keys += 1;
    row.accepted += usage?.accepted ?? 0;
    row.refused += usage?.refused ?? 0;
    const latest = row.last === undefined ? 0 : (keys.usage(row.last.id)?.lastUsedMs ?? 0);
    if ((usage?.lastUsedMs ?? 0) > latest) row.last = key;
  }
  return [...rows].map(([id, { keys: count, accepted, refused, last }]) => {
    const { lastUsedMs, lastAddress, lastUserAgent, lastOperation } =
      last === undefined ? {} : (keys.usage(last.id) ?? {});
    const usage = { accepted, refused, lastUsedMs, lastAddress, lastUserAgent, lastOperation };
    return { id, keys: count, usage: viewUsage(usage), ...(last === undefined ? {} : { lastKey: last.id }) };
  });
}
