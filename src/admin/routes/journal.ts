import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from '@hono/zod-openapi';
import { dryRun } from '../../engine/dry-run.js';
import type { Upstream } from '../../engine/routing.js';
import { proveEntry } from '../../journal/prove.js';
import { readEntries } from '../../journal/read.js';
import { ActFault } from '../../keys/acts.js';
import { keyLimits } from '../../keys/inputs.js';
import { checkLocations } from '../../keys/tenants.js';
import { type AdminApp, adminRouter, body, json, operation } from '../api.js';
import { invalid, notFound } from '../problem.js';

const gateway = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/)
  .optional()
  .describe('The journal of this gateway; absent: of the control process.');
const instant = z.iso.datetime({ offset: true });
const filter = z.object({
  gateway,
  since: instant.optional(),
  until: instant.optional().describe('Exclusive.'),
  key: z.string().optional(),
  kind: z.enum(['decision', 'outcome', 'act', 'system']).optional(),
  decision: z.enum(['allow', 'flag', 'hold', 'deny']).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
});
const candidate = z.strictObject({
  gateway,
  scope: z.enum(['key', 'tenant', 'upstream']),
  id: z.string(),
  limits: keyLimits.describe('Of a tenant or an upstream: locations only.'),
  since: instant.optional(),
  until: instant.optional(),
});
export const dryRunView = z
  .object({
    examined: z.number().int(),
    wouldRefuse: z.number().int(),
    byReason: z.record(z.string(), z.number().int()),
    byKey: z.record(z.string(), z.number().int()),
    examples: z.array(
      z.object({
        seq: z.number().int(),
        at: z.iso.datetime(),
        key: z.string(),
        address: z.string(),
        operation: z.string(),
        reason: z.string(),
        text: z.string(),
      }),
    ),
  })
  .openapi('DryRun');
const proofView = z
  .object({
    format: z.literal('keyward-journal-proof-v1'),
    seq: z.number().int(),
    index: z.number().int(),
    line: z.string(),
    path: z.array(z.string()),
    batchLine: z.string(),
    publicKey: z.string(),
  })
  .openapi('EntryProof');
const tags = ['journal'];

export function journalRoutes(journalDir: string, upstreams: () => readonly Upstream[]): AdminApp {
  const app = adminRouter();
  reading(app, journalDir);
  trying(app, journalDir, upstreams);
  return app;
}

function reading(app: AdminApp, journalDir: string): void {
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/journal',
      tags,
      summary: 'Entries, oldest first; the last `limit` of those that match',
      request: { query: filter },
      responses: {
        200: json(z.object({ entries: z.array(z.record(z.string(), z.unknown())) }), 'Entries.'),
        ...notFound,
        ...invalid,
      },
    }),
    async (c) => {
      const { since, until, limit, gateway: name, ...rest } = c.req.valid('query');
      const entries: Record<string, unknown>[] = [];
      for await (const entry of readEntries(dirOf(journalDir, name), {
        ...rest,
        ...period(since, until),
      })) {
        entries.push({ ...entry });
        if (entries.length > 2 * limit) entries.splice(0, limit);
      }
      return c.json({ entries: entries.slice(-limit) }, 200);
    },
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/journal/{seq}/proof',
      tags,
      summary: 'Proof that one entry is in the journal',
      request: {
        params: z.object({
          seq: z
            .string()
            .regex(/^\d{1,15}$/, 'must be the number of an entry')
            .transform(Number),
        }),
        query: z.object({ gateway }),
      },
      responses: {
        200: json(proofView, 'The proof; tools/verify-proof.mjs checks it.'),
        ...notFound,
        ...invalid,
      },
    }),
    async (c) => {
      const proof = await proveEntry(
        dirOf(journalDir, c.req.valid('query').gateway),
        c.req.valid('param').seq,
      );
      return c.json({ ...proof, path: [...proof.path] }, 200);
    },
  );
}

function trying(app: AdminApp, journalDir: string, upstreams: () => readonly Upstream[]): void {
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/dry-run',
      tags,
      summary: 'Which past requests these limits would have refused',
      request: { body: body(candidate) },
      responses: { 200: json(dryRunView, 'What would have happened.'), ...notFound, ...invalid },
    }),
    async (c) => {
      const { since, until, gateway: name, ...wanted } = c.req.valid('json');
      checkLocations(wanted.limits.locations);
      const entries = readEntries(dirOf(journalDir, name), {
        kind: 'decision',
        decision: 'allow',
        ...period(since, until),
      });
      const { examples, ...counts } = await dryRun(entries, wanted, upstreams());
      return c.json(
        {
          ...counts,
          byReason: counts.byReason as Record<string, number>,
          examples: examples.map(({ timeMs, ...rest }) => ({ ...rest, at: new Date(timeMs).toISOString() })),
        },
        200,
      );
    },
  );
}

/** Each process writes a journal of its own. */
function dirOf(journalDir: string, name: string | undefined): string {
  if (name === undefined) return journalDir;
  const dir = path.join(path.dirname(journalDir), 'gateways', name, 'journal');
  if (!existsSync(dir)) throw new ActFault('not_found', `There is no journal of a gateway ${name}.`);
  return dir;
}

function period(since: string | undefined, until: string | undefined) {
  return {
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  };
}
