import { z } from '@hono/zod-openapi';
import type { Containment } from '../../incidents/containment.js';
import { type Incident, keysOf, type Trail, type Trait, tenantsOf } from '../../incidents/incident.js';
import { htmlReport, textReport } from '../../incidents/report.js';
import type { Findings, Incidents } from '../../incidents/service.js';
import { factsOf } from '../../incidents/tell.js';
import { proveEntries } from '../../journal/prove.js';
import type { Revocations } from '../../keys/revocation.js';
import type { KeyService } from '../../keys/service.js';
import type { Notices } from '../../notices/notices.js';
import { type AdminApp, adminRouter, body, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';

const time = z.iso.datetime();
const traits = z.record(z.string(), z.number().int());
const trailView = z.object({
  key: z.string(),
  tenant: z.string(),
  principal: z.string(),
  firstAt: time,
  lastAt: time,
  findings: z.number().int(),
  privileged: z.number().int(),
  forwarded: z.number().int(),
  peak: z.number(),
  reasons: z.array(z.object({ term: z.string(), nats: z.number(), text: z.string() })),
  networks: traits,
  asns: traits,
  clients: traits,
  operations: traits,
});
export const incidentView = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'closed', 'merged']),
    verdict: z.enum(['theft', 'false_alarm']).optional(),
    mergedInto: z.string().optional(),
    openedAt: time,
    lastAt: time,
    keys: z.array(z.string()),
    tenants: z.array(z.string()),
    findings: z.number().int(),
    peak: z.number().describe('Nats of evidence.'),
    trails: z.array(trailView),
    history: z.array(z.object({ at: time, by: z.string(), act: z.string(), why: z.string() })),
  })
  .openapi('Incident');
export const findingsView = z
  .object({
    incident: z.string().optional(),
    radii: z.array(z.record(z.string(), z.unknown())).describe('Blast radius of each suspect key.'),
    set: z
      .record(z.string(), z.unknown())
      .describe('Keys to contain and keys to leave alone, with the evidence.'),
    entries: z.number().int(),
    dropped: z.number().int(),
    milliseconds: z.number().int(),
  })
  .openapi('BlastRadius');
const draftView = z.object({ id: z.string(), tenant: z.string(), kind: z.enum(['touched', 'precaution']) });
const why = z.string().min(1).max(2_000);
const tags = ['incidents'];

/** What incidents have to do with. */
export interface IncidentParts {
  readonly incidents: Incidents;
  readonly containment: Containment;
  readonly keys: KeyService;
  readonly receipts: Revocations;
  readonly notices: Notices;
}

/** Incidents: what belongs together, what it reached, and what operators say of it. */
export function incidentRoutes(parts: IncidentParts): AdminApp {
  const { incidents } = parts;
  const app = adminRouter();
  reading(app, incidents);
  changing(app, incidents);
  investigating(app, incidents);
  evidence(app, incidents);
  telling(app, parts);
  return app;
}

function reading(app: AdminApp, incidents: Incidents): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/incidents',
      tags,
      summary: 'Incidents, the latest first; merged ones only where they are asked for',
      request: { query: z.object({ state: z.enum(['open', 'closed', 'merged']).optional() }) },
      responses: { 200: json(z.object({ incidents: z.array(incidentView) }), 'Incidents.'), ...invalid },
    }),
    (c) => c.json({ incidents: incidents.list(c.req.valid('query').state).map(view) }, 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/incidents/{id}',
      tags,
      summary: 'Show an incident',
      request: { params },
      responses: { 200: json(incidentView, 'The incident.'), ...notFound },
    }),
    (c) => c.json(view(incidents.show(c.req.valid('param').id)), 200),
  );
}

function changing(app: AdminApp, incidents: Incidents): void {
  const changes = [
    ['merge', 'Make two incidents one', z.strictObject({ other: z.string(), why })],
    [
      'split',
      'Take keys out into an incident of their own',
      z.strictObject({ keys: z.array(z.string()).min(1).max(10_000), why }),
    ],
    [
      'close',
      'Close an incident; of a false alarm, the keys learn what they did',
      z.strictObject({ verdict: z.enum(['theft', 'false_alarm']), why }),
    ],
    ['reopen', 'Open a closed incident again', z.strictObject({ why })],
  ] as const;
  for (const [act, summary, schema] of changes) {
    app.openapi(
      operation({
        method: 'post',
        path: `/v1/incidents/{id}/${act}`,
        tags,
        summary,
        request: { params, body: body(schema) },
        responses: { 200: json(incidentView, 'The incident.'), ...notFound, ...conflict, ...invalid },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        return c.json(
          view(await changed(incidents, c.get('operator').name, id, act, c.req.valid('json'))),
          200,
        );
      },
    );
  }
}

function changed(
  incidents: Incidents,
  actor: string,
  id: string,
  act: 'merge' | 'split' | 'close' | 'reopen',
  given: { why: string; other?: string; keys?: string[]; verdict?: 'theft' | 'false_alarm' },
): Promise<Incident> {
  switch (act) {
    case 'merge':
      return incidents.merge(actor, id, given.other ?? '', given.why);
    case 'split':
      return incidents.split(actor, id, given.keys ?? [], given.why);
    case 'close':
      return incidents.close(actor, id, given.verdict ?? 'theft', given.why);
    case 'reopen':
      return incidents.reopen(actor, id, given.why);
  }
}

const format = z.object({ format: z.enum(['json', 'text', 'html']).default('json') });

function investigating(app: AdminApp, incidents: Incidents): void {
  const content = {
    'application/json': { schema: findingsView },
    'text/plain': { schema: z.string() },
    'text/html': { schema: z.string() },
  };
  const responses = { 200: { description: 'What was found.', content }, ...notFound, ...invalid } as const;
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/incidents/{id}/blast-radius',
      tags,
      summary: 'What the keys of an incident did since they were compromised, and which keys to contain',
      request: { params, query: format },
      responses,
    }),
    async (c) => {
      const incident = incidents.show(c.req.valid('param').id);
      const found = await incidents.investigate(incident.id);
      const { format: wanted } = c.req.valid('query');
      if (wanted === 'text') return c.text(textReport(incident, found), 200);
      if (wanted === 'html') return c.html(htmlReport(incident, found), 200);
      return c.json(radiusView(found), 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/keys/{id}/blast-radius',
      tags,
      summary: 'The same of one key',
      request: { params, query: format.extend({ since: z.iso.datetime({ offset: true }).optional() }) },
      responses,
    }),
    async (c) => {
      const { since, format: wanted } = c.req.valid('query');
      const firstMs = since === undefined ? Date.now() : Date.parse(since);
      const found = await incidents.investigateKeys([c.req.valid('param').id], firstMs);
      if (wanted === 'text') return c.text(textReport(undefined, found), 200);
      if (wanted === 'html') return c.html(htmlReport(undefined, found), 200);
      return c.json(radiusView(found), 200);
    },
  );
}

function telling(app: AdminApp, { incidents, containment, keys, receipts, notices }: IncidentParts): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/incidents/{id}/notices',
      tags,
      summary: 'Draft a notice for each tenant that was touched, and for each that was reset as a precaution',
      request: { params },
      responses: {
        201: json(z.object({ notices: z.array(draftView) }), 'Drafts: read and approve them.'),
        ...notFound,
        ...conflict,
      },
    }),
    async (c) => {
      const { id } = incidents.show(c.req.valid('param').id);
      const facts = factsOf(id, {
        found: await incidents.investigate(id),
        plans: containment.list().filter(({ incident }) => incident === id),
        keyOf: (key) => keys.find(key),
        receiptOf: (key) => receipts.list({ key, limit: 1 })[0]?.id,
      });
      const drafts = await notices.draft(c.get('operator').name, facts);
      return c.json(
        { notices: drafts.map(({ id: notice, tenant, kind }) => ({ id: notice, tenant, kind })) },
        201,
      );
    },
  );
}

/** A stream has no type among the described responses: it is described beside its handler. */
function evidence(app: AdminApp, incidents: Incidents): void {
  app.openAPIRegistry.registerPath(
    operation({
      method: 'get',
      path: '/v1/incidents/{id}/evidence',
      tags,
      summary: "The visitor's calls, each with the proof that it is in the journal, one a line",
      request: { params },
      responses: {
        200: { description: 'Proofs.', content: { 'application/x-ndjson': { schema: z.string() } } },
        ...notFound,
      },
    }),
  );
  app.get('/v1/incidents/:id/evidence', async (c) => {
    const found = await incidents.investigate(c.req.param('id'));
    const places = found.radii.flatMap(({ entries }) => entries);
    const encoder = new TextEncoder();
    const proofs = async function* () {
      for (const [journal, dir] of found.journals.entries()) {
        const seqs = new Set(places.filter((each) => each.journal === journal).map(({ seq }) => seq));
        for await (const proof of proveEntries(dir, seqs)) yield encoder.encode(`${JSON.stringify(proof)}\n`);
      }
    };
    const lines = ReadableStream.from(proofs()) as ReadableStream<Uint8Array>;
    return c.body(lines, 200, { 'content-type': 'application/x-ndjson' });
  });
}

function radiusView(found: Findings): z.output<typeof findingsView> {
  const { journals: _, ...shown } = found;
  return JSON.parse(JSON.stringify(shown)) as z.output<typeof findingsView>;
}

function view(incident: Incident): z.output<typeof incidentView> {
  const { id, state, verdict, mergedInto, openedMs, lastMs, trails, history } = incident;
  return {
    ...{ id, state, openedAt: iso(openedMs), lastAt: iso(lastMs) },
    ...(verdict === undefined ? {} : { verdict }),
    ...(mergedInto === undefined ? {} : { mergedInto }),
    ...{ keys: keysOf(incident), tenants: tenantsOf(incident) },
    findings: trails.reduce((sum, { leads }) => sum + leads, 0),
    peak: Math.max(0, ...trails.map((trail) => trail.peak)),
    trails: trails.map(viewTrail),
    history: history.map(({ atMs, by, act, why: reason }) => ({ at: iso(atMs), by, act, why: reason })),
  };
}

function viewTrail(trail: Trail): z.output<typeof trailView> {
  const { key, tenant, principal, firstMs, lastMs, leads, privileged, forwarded, peak } = trail;
  const counts = (map: ReadonlyMap<string, Trait>) =>
    Object.fromEntries([...map].map(([name, { count }]) => [name, count]));
  return {
    ...{ key, tenant, principal, firstAt: iso(firstMs), lastAt: iso(lastMs) },
    ...{ findings: leads, privileged, forwarded, peak, reasons: [...trail.reasons] },
    ...{ networks: counts(trail.networks), asns: counts(trail.asns) },
    ...{ clients: counts(trail.clients), operations: counts(trail.operations) },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
