import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { BODY_BYTES_MAX } from './http.js';
import { type Ports, sha256 } from './ids.js';
import { enqueue } from './queue.js';
import type { DirectoryStore } from './store.js';

const injectionSchema = z.object({
  systemIds: z
    .array(z.string().regex(/^[0-9a-f]{24}$/))
    .min(1)
    .max(1_000),
  command: z.string().min(1).max(64_000),
  name: z.string().max(200).default(''),
});

/** Made once, in the data directory, readable by the owner alone. */
export function ensureInternalToken(folder: string): string {
  const file = path.join(folder, 'internal-token');
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/**
 * The inside of the provider, on a port of its own: what whoever is in there can do without any customer's key. It writes
 * into the queue of commands: devices run it, and no call of the API has caused it, as in the incident of 2023.
 */
export function startInternal(
  store: DirectoryStore,
  ports: Ports,
  token: string,
  port: number,
): Promise<ServerType> {
  const app = new Hono();
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX }));
  app.use(async (c, next) => {
    const given = Buffer.from(sha256(c.req.header('authorization') ?? ''));
    if (!timingSafeEqual(given, Buffer.from(sha256(`Bearer ${token}`))))
      return c.json({ message: 'Unauthorized' }, 401);
    await next();
  });
  app.post('/internal/commands/inject', async (c) => {
    const read = injectionSchema.safeParse(await c.req.json().catch(() => undefined));
    if (!read.success) return c.json({ message: 'Bad Request' }, 400);
    const { systemIds, command, name } = read.data;
    const organizations = store.organizations().map(({ _id }) => _id);
    const found = systemIds.flatMap((system) => {
      const organization = organizations.find((id) => store.tenant(id).get('system', system) !== undefined);
      return organization === undefined ? [] : [{ system, organization }];
    });
    if (found.length < systemIds.length) return c.json({ message: 'Not Found' }, 404);
    const what = {
      action: 'command' as const,
      command: { id: null, name, command, user: '', sudo: false, timeoutMs: 120_000 },
      requestedBy: null,
    };
    const runs = await store.change(() =>
      found.flatMap(
        ({ system, organization }) => enqueue(store, ports, organization, [system], what).queueIds,
      ),
    );
    return c.json({ queueIds: runs });
  });
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve(server));
  });
}
