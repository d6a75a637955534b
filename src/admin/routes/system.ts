import { z } from '@hono/zod-openapi';
import type { JournalHealth } from '../../engine/ports.js';
import { type Applied, type ApplyOptions, type Manifest, manifestSchema } from '../../keys/manifest.js';
import { adminRouter, body, json, operation } from '../api.js';
import { invalid } from '../problem.js';

/** The guard as a whole, as its admin API sees it. */
export interface SystemPort {
  status(): z.output<typeof statusView>;
  /** Why requests cannot be served at the moment; empty when they can. */
  notReady(): string[];
  /** Reads the configuration again and puts it in force. @throws ConfigFault, and then nothing has changed */
  reload(actor: string): Promise<{ changed: string[] }>;
  exportManifest(): Manifest;
  applyManifest(actor: string, manifest: Manifest, options: ApplyOptions): Promise<Applied>;
}

const journalView = z.object({
  ok: z.boolean(),
  problem: z.string().optional(),
  entries: z.number().int(),
  batches: z.number().int(),
  lagEntries: z.number().int(),
  lagMs: z.number(),
  lost: z.number().int(),
}) satisfies z.ZodType<JournalHealth>;

export const statusView = z
  .object({
    version: z.string(),
    startedAt: z.iso.datetime(),
    ready: z.boolean(),
    problems: z.array(z.string()),
    listeners: z.array(z.object({ host: z.string(), port: z.number().int(), tls: z.boolean() })),
    upstreams: z.array(
      z.object({
        name: z.string(),
        healthy: z.boolean(),
        open: z.number().int(),
        waiting: z.number().int(),
        failPolicy: z.enum(['closed', 'open']),
      }),
    ),
    journal: journalView,
    locations: z.object({ warnings: z.array(z.string()) }),
    gateways: z
      .array(z.object({ name: z.string(), pid: z.number().int(), connected: z.boolean(), live: z.boolean() }))
      .describe('Further gateways that the control process knows of; live: they hold a lease.'),
  })
  .openapi('Status');

export const appliedView = z.object({
  changes: z.array(z.object({ action: z.string(), id: z.string(), name: z.string() })),
  credentials: z.array(z.object({ id: z.string(), credential: z.string() })),
  left: z.array(z.object({ id: z.string(), why: z.string() })),
});
const flag = z.enum(['true', 'false']).default('false');
const tags = ['system'];

export function systemRoutes(system: SystemPort) {
  const app = adminRouter();
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/status',
      tags,
      summary: 'What runs, and how it is',
      responses: { 200: json(statusView, 'The status.') },
    }),
    (c) => c.json(system.status(), 200),
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/config/reload',
      tags,
      summary: 'Read the configuration file again and put it in force, whole or not at all',
      responses: { 200: json(z.object({ changed: z.array(z.string()) }), 'What changed.'), ...invalid },
    }),
    async (c) => c.json(await system.reload(c.get('operator').name), 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/manifest',
      tags,
      summary: 'Tenants and keys, without secrets, as a declaration',
      responses: { 200: json(manifestSchema, 'The manifest.') },
    }),
    (c) => c.json(system.exportManifest(), 200),
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/manifest',
      tags,
      summary: 'Make tenants and keys as declared, all or nothing',
      request: { query: z.object({ dryRun: flag, prune: flag }), body: body(manifestSchema) },
      responses: { 200: json(appliedView, 'What changed, or would.'), ...invalid },
    }),
    async (c) => {
      const { dryRun, prune } = c.req.valid('query');
      const options = { dryRun: dryRun === 'true', prune: prune === 'true' };
      const applied = await system.applyManifest(c.get('operator').name, c.req.valid('json'), options);
      return c.json(
        { changes: [...applied.changes], credentials: [...applied.credentials], left: [...applied.left] },
        200,
      );
    },
  );
  return app;
}
