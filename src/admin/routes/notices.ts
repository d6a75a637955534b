import { z } from '@hono/zod-openapi';
import type { NoticeStore } from '../../engine/ports.js';
import { idText } from '../../keys/inputs.js';
import type { Standing } from '../../notices/notices.js';
import type { OpenNotices } from '../../notices/open.js';
import type { Delivery } from '../../notices/records.js';
import { type AdminApp, adminRouter, body, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';

const time = z.iso.datetime();
const ms = z.number().int().min(0).max(8.64e15);
const count = z.number().int().min(0);
const text = z.string().max(1_024);

const keyFacts = z.strictObject({
  id: text.min(1),
  name: text,
  principal: text,
  compromisedFromMs: ms.optional(),
  compromisedLatestMs: ms.optional(),
  lastMisuseMs: ms.optional(),
  operations: z
    .array(
      z.strictObject({
        ...{ name: text, privilege: z.number().int().min(0).max(4), succeeded: count, refused: count },
        ...{ firstMs: ms, lastMs: ms },
      }),
    )
    .max(10_000),
  objects: z
    .array(
      z.strictObject({ id: text, effect: z.enum(['read', 'changed', 'created', 'deleted']), count: count }),
    )
    .max(10_000),
  bytesOut: count,
  places: z.array(text).max(1_000),
  measures: z.array(z.strictObject({ act: text, atMs: ms, receipt: text.optional() })).max(1_000),
});

const tenantFacts = z
  .strictObject({
    incident: idText,
    tenant: idText,
    touched: z.boolean().describe('False: reset as a precaution, nothing was found.'),
    keys: z.array(keyFacts).min(1).max(10_000),
    grounds: z.array(text).max(100).describe('Of an untouched tenant: why we believe so.'),
  })
  .openapi('TenantFacts');

const state = z.enum(['draft', 'approved', 'delivering', 'delivered', 'failed', 'withdrawn']);
const channel = z.enum(['email', 'webhook', 'push', 'poll']);
const deliveryState = z.enum(['pending', 'sending', 'delivered', 'failed', 'cancelled']);

export const deliveryView = z
  .object({
    id: z.string().describe('webhook-id, Message-ID (before the @) and jti of every attempt.'),
    channel,
    recipient: z.string(),
    notice: z.string().optional(),
    event: z.string().optional().describe('Of a security event token: its type.'),
    state: deliveryState,
    attempts: count,
    inDoubt: count.describe('Attempts whose end was not seen: each may have arrived.'),
    createdAt: time,
    nextAt: time.optional().describe('When it is tried again.'),
    lastAt: time.optional(),
    endedAt: time.optional(),
    problem: z.string().optional(),
  })
  .openapi('Delivery');

export const noticeView = z
  .object({
    id: z.string(),
    incident: z.string(),
    tenant: z.string(),
    kind: z.enum(['touched', 'precaution']),
    state,
    keys: z.array(z.string()),
    draftedAt: time,
    draftedBy: z.string(),
    approved: z.object({ at: time, by: z.string() }).optional(),
    withdrawn: z.object({ at: time, by: z.string(), why: z.string() }).optional(),
    codes: count.describe('One-time codes that go with it.'),
    recipients: z
      .array(z.object({ channel, recipient: z.string() }))
      .describe('Of a draft: who would be told.'),
    problem: z.string().optional().describe('Of a draft: what stands in the way.'),
    deliveries: z.array(deliveryView),
  })
  .openapi('Notice');

export const previewView = z.object({ subject: z.string(), text: z.string() }).openapi('NoticePreview');

const signedView = z
  .object({
    format: z.literal('keyward-notice-v1'),
    document: z.record(z.string(), z.unknown()),
    text: z.string(),
    signature: z.string(),
    publicKey: z.string(),
  })
  .openapi('SignedNotice');

const tags = ['notices'];
const PAGE_MAX = 1_000;

type Parts = Pick<OpenNotices, 'service' | 'outbox'>;

/** Notices to tenants, and where everything that is sent stands. */
export function noticeRoutes(parts: Parts, store: NoticeStore): AdminApp {
  const app = adminRouter();
  reading(app, parts);
  publicKey(app, parts);
  deciding(app, parts);
  deliveries(app, parts, store);
  return app;
}

function reading(app: AdminApp, { service }: Parts): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/notices',
      tags,
      summary: 'Notices, newest first',
      request: {
        query: z.object({
          incident: z.string().optional(),
          tenant: z.string().optional(),
          state: state.optional(),
        }),
      },
      responses: { 200: json(z.object({ notices: z.array(noticeView) }), 'Notices.'), ...invalid },
    }),
    (c) => c.json({ notices: service.list(c.req.valid('query')).map(view) }, 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/notices/{id}',
      tags,
      summary: 'Show a notice and its deliveries',
      request: { params },
      responses: { 200: json(noticeView, 'The notice.'), ...notFound },
    }),
    (c) => c.json(view(service.show(c.req.valid('param').id)), 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/notices/{id}/preview',
      tags,
      summary: 'The text as it would go out, or as it went out; never with a code',
      request: { params, query: z.object({ codes: z.enum(['true', 'false']).default('false') }) },
      responses: { 200: json(previewView, 'Subject and text.'), ...notFound, ...invalid },
    }),
    (c) => {
      const { subject, body: whole } = service.preview(
        c.req.valid('param').id,
        c.req.valid('query').codes === 'true',
      );
      return c.json({ subject, text: whole }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/notices/{id}/file',
      tags,
      summary: 'The signed file, once approved',
      request: { params },
      responses: { 200: json(signedView, 'What keyward notices verify checks.'), ...notFound },
    }),
    (c) => c.json(service.signed(c.req.valid('param').id), 200),
  );
}

function publicKey(app: AdminApp, { service }: Parts): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/notice-key',
      tags,
      summary: 'The public key of notices: for tenants to note before they get one',
      responses: { 200: json(z.object({ publicKey: z.string() }), 'base64url SPKI, Ed25519.') },
    }),
    (c) => c.json({ publicKey: service.publicKey }, 200),
  );
}

function deciding(app: AdminApp, { service }: Parts): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/notices',
      tags,
      summary: 'Draft notices from facts, one for each tenant; replaces drafts of the same incident',
      request: { body: body(z.strictObject({ facts: z.array(tenantFacts).min(1).max(10_000) })) },
      responses: { 201: json(z.object({ notices: z.array(noticeView) }), 'What was drafted.'), ...invalid },
    }),
    async (c) => {
      const drafted = await service.draft(c.get('operator').name, c.req.valid('json').facts);
      return c.json({ notices: drafted.map(({ id }) => view(service.show(id))) }, 201);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/notices/{id}/approve',
      tags,
      summary: 'Sign a notice and send it; with codes, the e-mail lets its reader pick up replacement keys',
      request: { params, body: body(z.strictObject({ codes: z.boolean().default(false) })) },
      responses: { 200: json(noticeView, 'The notice.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await service.approve(c.get('operator').name, id, c.req.valid('json'));
      return c.json(view(service.show(id)), 200);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/notices/{id}/withdraw',
      tags,
      summary: 'Send nothing more of it, and end its codes',
      request: { params, body: body(z.strictObject({ why: z.string().min(1).max(1_000) })) },
      responses: { 200: json(noticeView, 'The notice.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { why } = c.req.valid('json');
      return c.json(view(await service.withdraw(c.get('operator').name, c.req.valid('param').id, why)), 200);
    },
  );
}

function deliveries(app: AdminApp, { outbox }: Parts, store: NoticeStore): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/deliveries',
      tags,
      summary: 'Deliveries of notices and security events, in the order of their ids',
      request: {
        query: z.object({
          state: deliveryState.optional(),
          channel: channel.optional(),
          after: z.string().optional().describe('Id of the last one of the page before.'),
          limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
        }),
      },
      responses: {
        200: json(
          z.object({ deliveries: z.array(deliveryView), next: z.string().optional() }),
          'Deliveries; with next, there are more.',
        ),
        ...invalid,
      },
    }),
    (c) => {
      const { state: wanted, channel: by, after, limit } = c.req.valid('query');
      const found: Delivery[] = [];
      for (const each of store.deliveries({ after })) {
        if (wanted !== undefined && each.state !== wanted) continue;
        if (by !== undefined && each.channel !== by) continue;
        found.push(each);
        if (found.length === limit) break;
      }
      const next = found.length === limit ? found.at(-1)?.id : undefined;
      return c.json({ deliveries: found.map(viewDelivery), ...(next === undefined ? {} : { next }) }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/deliveries/{id}/retry',
      tags,
      summary: 'Try a failed or waiting delivery now',
      request: { params },
      responses: { 200: json(deliveryView, 'The delivery.'), ...notFound, ...conflict },
    }),
    async (c) =>
      c.json(viewDelivery(await outbox.retry(c.get('operator').name, c.req.valid('param').id)), 200),
  );
}

function iso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

function viewDelivery(delivery: Delivery): z.output<typeof deliveryView> {
  const { id, channel: by, recipient, notice, event, state: standing, attempts, inDoubt, problem } = delivery;
  return {
    ...{
      id,
      channel: by,
      recipient,
      notice,
      event: event?.type,
      state: standing,
      attempts,
      inDoubt,
      problem,
    },
    createdAt: new Date(delivery.createdMs).toISOString(),
    nextAt: standing === 'pending' && by !== 'poll' ? iso(delivery.nextMs) : undefined,
    lastAt: iso(delivery.lastMs),
    endedAt: iso(delivery.endedMs),
  };
}

function view({
  notice,
  state: standing,
  deliveries: sent,
  recipients,
}: Standing): z.output<typeof noticeView> {
  const { id, incident, tenant, kind, facts, draftedMs, draftedBy, approved, withdrawn } = notice;
  const draft = standing === 'draft';
  return {
    ...{ id, incident, tenant, kind, state: standing, draftedBy },
    keys: facts.keys.map((key) => key.id),
    draftedAt: new Date(draftedMs).toISOString(),
    approved: approved && { at: new Date(approved.atMs).toISOString(), by: approved.by },
    withdrawn: withdrawn && {
      ...{ at: new Date(withdrawn.atMs).toISOString(), by: withdrawn.by, why: withdrawn.why },
    },
    codes: notice.codes?.length ?? 0,
    recipients: draft ? [...recipients.all] : [],
    problem: draft ? recipients.problem : undefined,
    deliveries: sent.map(viewDelivery),
  };
}
