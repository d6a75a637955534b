import { z } from '@hono/zod-openapi';
import type { Approvals } from '../../engine/approvals.js';
import type { HoldFacts } from '../../engine/desk.js';
import { HOLD_STATES } from '../../engine/holds.js';
import { type AdminApp, adminRouter, body, ID_CHARS_MAX, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';

const LISTED_MAX = 1_000;
const state = z.enum(HOLD_STATES).describe('expired: approved, and not asked for again in time.');
const filter = z.object({
  state: state.optional(),
  key: z.string().max(ID_CHARS_MAX).optional(),
  limit: z.coerce.number().int().min(1).max(LISTED_MAX).default(100),
});
const silent = z
  .array(z.string())
  .describe('Gateways that did not answer, but may run: what they have is missing here.');
const reason = z.object({ term: z.string(), nats: z.number(), text: z.string() });
export const holdView = z
  .object({
    id: z.string(),
    state,
    key: z.string(),
    tenant: z.string(),
    principal: z.string(),
    upstream: z.string(),
    method: z.string(),
    path: z.string(),
    operation: z.string(),
    privilege: z.number().int(),
    address: z.string(),
    userAgent: z.string(),
    bodyBytes: z.number().int(),
    fields: z.array(z.string()).describe('Names of fields in query and body, as far as they can be read.'),
    gateway: z.string().optional().describe('The further gateway that holds it.'),
    openedAt: z.iso.datetime(),
    asked: z.number().int().describe('Times the client asked.'),
    evidence: z.number().optional(),
    threshold: z.number().optional(),
    reasons: z.array(reason),
    decidedBy: z.string().optional(),
    decidedAt: z.iso.datetime().optional(),
  })
  .openapi('Hold');
export const holdsView = z.object({ holds: z.array(holdView), silent });
export const standingView = z
  .object({
    calls: z.number().int().describe('Calls seen.'),
    warming: z.boolean().describe('Too few calls yet to judge it.'),
    quarantined: z.number().int().describe('Odd calls that are neither learned nor forgotten.'),
    keyDays: z.number().int().describe('Days on which it was at work, and that have ended.'),
    alarmsAllowed: z.number().describe('Days with an alarm that the budget allows in them.'),
    alarmDays: z.number().int().describe('Days with an alarm.'),
    silent,
  })
  .openapi('BaselineStanding');
export const budgetView = z
  .object({
    keyDays: z.number().int().describe('Days of keys that have ended.'),
    allowed: z.number().describe('Alarms that the budget allows in them.'),
    spent: z.number().int().describe('Days of keys with an alarm.'),
    falseAlarms: z.number().int().describe('Of these, days whose alarm an operator called false.'),
    left: z.number().describe('Alarms that are left; below zero where more was spent than allowed.'),
    threshold: z.number().describe('Nats of evidence from which a call is an alarm.'),
    silent,
  })
  .openapi('AlarmBudget');
const tags = ['behaviour'];

/** Holds and baselines: what operators say of odd calls. */
export function behaviourRoutes(approvals: Approvals): AdminApp {
  const app = adminRouter();
  holding(app, approvals);
  baselines(app, approvals);
  return app;
}

function holding(app: AdminApp, approvals: Approvals): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/holds',
      tags,
      summary: 'Calls that wait for an approval, newest first',
      request: { query: filter },
      responses: { 200: json(holdsView, 'Holds.'), ...invalid },
    }),
    async (c) => {
      const { limit, ...which } = c.req.valid('query');
      const { holds, silent } = await approvals.list(which);
      return c.json({ holds: holds.slice(0, limit).map(view), silent: [...silent] }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/holds/{id}',
      tags,
      summary: 'Show a hold',
      request: { params },
      responses: { 200: json(holdView, 'The hold.'), ...notFound, ...conflict },
    }),
    async (c) => c.json(view(await approvals.show(c.req.valid('param').id)), 200),
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/holds/{id}/approve',
      tags,
      summary: 'Let the held request through once; with learn, teach the baseline that it was the owner',
      request: { params, body: body(z.strictObject({ learn: z.boolean().default(false) })) },
      responses: { 200: json(holdView, 'The hold.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { learn } = c.req.valid('json');
      return c.json(
        view(await approvals.approve(c.get('operator').name, c.req.valid('param').id, learn)),
        200,
      );
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/holds/{id}/deny',
      tags,
      summary: 'Refuse the held request for a day, whenever it is asked again',
      request: { params },
      responses: { 200: json(holdView, 'The hold.'), ...notFound, ...conflict },
    }),
    async (c) => c.json(view(await approvals.deny(c.get('operator').name, c.req.valid('param').id)), 200),
  );
}

function baselines(app: AdminApp, approvals: Approvals): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/alarm-budget',
      tags,
      summary: 'False-alarm budget of all keys: allowed, spent and left',
      responses: { 200: json(budgetView, 'The budget.') },
    }),
    async (c) => {
      const { silent, ...budget } = await approvals.budget();
      return c.json({ ...budget, left: budget.allowed - budget.spent, silent: [...silent] }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/keys/{id}/baseline',
      tags,
      summary: 'What the detector knows of a key, in numbers',
      request: { params },
      responses: { 200: json(standingView, 'Its standing.'), ...notFound },
    }),
    async (c) => {
      const { silent, ...standing } = await approvals.standing(c.req.valid('param').id);
      return c.json({ ...standing, silent: [...silent] }, 200);
    },
  );
  for (const [how, summary] of [
    ['release', "Learn the odd calls that wait in quarantine: they were the owner's"],
    ['discard', 'Forget the odd calls that wait in quarantine'],
    ['reset', 'Forget everything that was learned of the key'],
  ] as const) {
    app.openapi(
      operation({
        method: 'post',
        path: `/v1/keys/{id}/baseline/${how}`,
        tags,
        summary,
        request: { params },
        responses: {
          ...{ 200: json(z.object({ calls: z.number().int() }), 'Calls concerned.') },
          ...notFound,
          ...conflict,
        },
      }),
      async (c) => {
        const [actor, key] = [c.get('operator').name, c.req.valid('param').id];
        if (how !== 'reset') return c.json(await approvals.settle(actor, key, how), 200);
        await approvals.reset(actor, key);
        return c.json({ calls: 0 }, 200);
      },
    );
  }
}

function view(hold: HoldFacts): z.output<typeof holdView> {
  const { openedMs, decidedMs, finding, ...rest } = hold;
  return {
    ...rest,
    openedAt: new Date(openedMs).toISOString(),
    ...(finding === undefined ? {} : { evidence: finding.evidence, threshold: finding.threshold }),
    ...{ fields: [...rest.fields], reasons: [...(finding?.reasons ?? [])] },
    ...(decidedMs === undefined ? {} : { decidedAt: new Date(decidedMs).toISOString() }),
  };
}
