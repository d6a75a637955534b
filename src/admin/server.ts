import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Config } from '../config/schema.js';
import type { AdminApp } from './api.js';

export interface AdminServer {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/** Serves the admin API on a listener of its own, apart from the guarded traffic. */
export async function serveAdmin(config: Config['admin'], app: AdminApp): Promise<AdminServer> {
  const { tls } = config;
  const server =
    tls === undefined
      ? createAdaptorServer({ fetch: app.fetch, createServer: createHttp })
      : createAdaptorServer({
          fetch: app.fetch,
          createServer: createHttps,
          serverOptions: { cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
        });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  return {
    address: server.address() as AddressInfo,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}
