import { z } from '@hono/zod-openapi';
import type { Containment } from '../../incidents/containment.js';
import { MEASURES, type Plan, type Step, wavesOf } from '../../incidents/plan.js';
import { type AdminApp, adminRouter, body, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';

const time = z.iso.datetime();
const count = z.number().int().min(0);
export const planInput = z
  .strictObject({
    measure: z
      .enum(MEASURES)
      .describe(
        'freeze: only what the key has always done, nothing privileged; narrow: the same with privileged operations, for good; suspend; rotate; revoke.',
      ),
    why: z.string().min(1).max(2_000),
    incident: z.string().optional().describe('The exact set of this incident.'),
    keys: z.array(z.string()).max(100_000).optional(),
    tenant: z.string().optional(),
    all: z.boolean().default(false),
    overlapSeconds: count.max(31_536_000).default(0).describe('Of rotations: how long both keys work.'),
    waveKeys: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(1_000)
      .describe('Keys in a wave after the suspects.'),
    gapSeconds: count.max(604_800).default(300).describe('Between two waves.'),
    errorsMax: count.default(0).describe('Steps that may fail before the plan stops by itself.'),
    refusedMax: count
      .optional()
      .describe('Refused calls with contained keys before it stops; absent: any number.'),
    dryRun: z.boolean().default(false).describe('Show what the plan would do; keep nothing.'),
  })
  .refine(
    ({ incident, keys, tenant, all }) => all || [incident, keys, tenant].some((each) => each !== undefined),
    {
      message: 'name an incident, keys, a tenant, or all',
    },
  )
  .openapi('ContainmentInput');
export const planView = z
  .object({
    id: z.string(),
    state: z.enum(['planned', 'running', 'paused', 'stopped', 'done', 'undone']),
    stopped: z.string().optional(),
    measure: z.enum(MEASURES),
    why: z.string(),
    by: z.string(),
    createdAt: time,
    incident: z.string().optional(),
    wave: z.number().int(),
    nextWaveAt: time.optional(),
    waves: z.array(
      z.object({
        wave: z.number().int(),
        risk: z.string(),
        keys: z.number().int(),
        tenants: z.array(z.string()),
        requestsPerDay: z.number().int(),
        done: z.number().int(),
        failed: z.number().int(),
        skipped: z.number().int(),
      }),
    ),
    steps: z.array(
      z.object({
        key: z.string(),
        tenant: z.string(),
        wave: z.number().int(),
        risk: z.string(),
        requestsPerDay: z.number().int(),
        state: z.enum(['waiting', 'done', 'failed', 'undone', 'skipped']),
        at: time.optional(),
        note: z.string().optional(),
      }),
    ),
    stepsNotListed: z.number().int().describe('Of a large plan, the failed steps are listed first.'),
  })
  .openapi('ContainmentPlan');
export const callerView = z.object({
  key: z.string(),
  tenant: z.string(),
  calls: z.number().int(),
  lastAt: time.optional(),
  address: z.string().optional(),
  userAgent: z.string().optional(),
});
const tags = ['containment'];
const STEPS_LISTED_MAX = 10_000;

/** Containment in stages. */
export function containmentRoutes(containment: Containment): AdminApp {
  const app = adminRouter();
  planning(app, containment);
  turning(app, containment);
  handingOver(app, containment);
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/containments/{id}/callers',
      tags,
      summary: 'Who still calls with keys that the plan has contained',
      request: { params },
      responses: { 200: json(z.object({ callers: z.array(callerView) }), 'The busiest first.'), ...notFound },
    }),
    (c) => {
      const callers = containment.callers(c.req.valid('param').id).map(({ lastMs, ...rest }) => ({
        ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
        ...(lastMs === undefined || lastMs === 0 ? {} : { lastAt: new Date(lastMs).toISOString() }),
      }));
      return c.json({ callers: callers as z.output<typeof callerView>[] }, 200);
    },
  );
  return app;
}

function planning(app: AdminApp, containment: Containment): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/containments',
      tags,
      summary: 'Plan a containment, or try it dry; nothing happens before it is started',
      request: { body: body(planInput) },
      responses: { 201: json(planView, 'The plan.'), ...notFound, ...conflict, ...invalid },
    }),
    async (c) => {
      const { dryRun, incident, keys, tenant, all, refusedMax, ...options } = c.req.valid('json');
      const scope = {
        all,
        ...(incident === undefined ? {} : { incident }),
        ...(keys === undefined ? {} : { keys }),
        ...(tenant === undefined ? {} : { tenant }),
      };
      const full = { ...options, ...(refusedMax === undefined ? {} : { refusedMax }) };
      return c.json(viewPlan(await containment.plan(c.get('operator').name, scope, full, !dryRun)), 201);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/containments',
      tags,
      summary: 'Plans, newest first, without their steps',
      responses: { 200: json(z.object({ plans: z.array(planView) }), 'Plans.') },
    }),
    (c) => {
      const plans = containment.list().map((plan): z.output<typeof planView> => viewPlan(plan, 0));
      return c.json({ plans }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/containments/{id}',
      tags,
      summary: 'Show a plan',
      request: { params },
      responses: { 200: json(planView, 'The plan.'), ...notFound },
    }),
    (c) => c.json(viewPlan(containment.show(c.req.valid('param').id)), 200),
  );
}

function turning(app: AdminApp, containment: Containment): void {
  for (const [act, summary] of [
    ['start', 'Start a plan, or go on with one that was paused or stopped'],
    ['pause', 'Pause before the next key'],
    ['undo', 'Take back what can be taken back'],
  ] as const) {
    app.openapi(
      operation({
        method: 'post',
        path: `/v1/containments/{id}/${act}`,
        tags,
        summary,
        request: { params },
        responses: { 200: json(planView, 'The plan.'), ...notFound, ...conflict },
      }),
      async (c) =>
        c.json(viewPlan(await containment[act](c.get('operator').name, c.req.valid('param').id)), 200),
    );
  }
}

function handingOver(app: AdminApp, containment: Containment): void {
  const successor = z.object({ old: z.string(), key: z.string(), credential: z.string() });
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/containments/{id}/successors',
      tags,
      summary: 'Credentials that rotations made: shown this once',
      request: { params },
      responses: { 200: json(z.object({ successors: z.array(successor) }), 'New keys.'), ...notFound },
    }),
    async (c) => {
      const successors = await containment.successors(c.get('operator').name, c.req.valid('param').id);
      return c.json({ successors }, 200);
    },
  );
}

/** The failed ones first, where there are too many. */
function listed(steps: readonly Step[], most: number): readonly Step[] {
  if (steps.length <= most) return steps;
  const failed = steps.filter(({ state }) => state === 'failed').slice(0, most);
  const others = steps.slice(0, most).filter(({ state }) => state !== 'failed');
  return [...failed, ...others].slice(0, most);
}

function viewPlan(plan: Plan, most = STEPS_LISTED_MAX): z.output<typeof planView> {
  const { id, state, stopped, options, by, createdMs, incident, wave, nextWaveMs, steps } = plan;
  return {
    ...{ id, state, measure: options.measure, why: options.why, by, wave },
    createdAt: new Date(createdMs).toISOString(),
    ...(stopped === undefined ? {} : { stopped }),
    ...(incident === undefined ? {} : { incident }),
    ...(nextWaveMs === undefined ? {} : { nextWaveAt: new Date(nextWaveMs).toISOString() }),
    waves: wavesOf(steps).map((each) => ({ ...each, tenants: [...each.tenants] })),
    stepsNotListed: Math.max(0, steps.length - most),
    steps: listed(steps, most).map(
      ({ key, tenant, wave: own, risk, requestsPerDay, state: reached, note, atMs }) => ({
        ...{ key, tenant, wave: own, risk, requestsPerDay, state: reached },
        ...(note === undefined ? {} : { note }),
        ...(atMs === undefined ? {} : { at: new Date(atMs).toISOString() }),
      }),
    ),
  };
}
