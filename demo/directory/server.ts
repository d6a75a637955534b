import { createServer, type Server } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Access, type Credentials, ensureTokenSecret } from './access.js';
import { deviceCaller, isSigned } from './agents/context.js';
import { Fleet } from './agents/fleet.js';
import { Signatures } from './agents/signatures.js';
import { SimulatedDevices } from './devices.js';
import { Directory } from './directory.js';
import { eventOf, RETENTION_MS } from './events.js';
import { Failure } from './failures.js';
import { BODY_BYTES_MAX, type Http, readGetBody, type Variables } from './http.js';
import type { Identity } from './identity/accounts.js';
import { forgetExpired } from './identity/expiry.js';
import { OIDC_PATH, oidcListener, oidcProvider } from './identity/oidc.js';
import type { Ports } from './ids.js';
import { createPages, isPagePath } from './pages/app.js';
import { repeat } from './repeat.js';
import { adminRoutes } from './routes/admins.js';
import { agentRoutes } from './routes/agents.js';
import { applicationRoutes } from './routes/applications.js';
import { bulkRoutes } from './routes/bulk.js';
import { commandRoutes } from './routes/commands.js';
import { eventRoutes } from './routes/events.js';
import { organizationRoutes } from './routes/organizations.js';
import { queueRoutes } from './routes/queue.js';
import { serviceAccountRoutes } from './routes/service-accounts.js';
import { settingsRoutes } from './routes/settings.js';
import { systemInsightsRoutes } from './routes/systeminsights.js';
import { systemRoutes } from './routes/systems.js';
import { systemuserRoutes } from './routes/systemusers.js';
import { tokenRoutes } from './routes/token.js';
import { v1Routes } from './routes/v1.js';
import { v2Routes } from './routes/v2.js';
import { Scheduler } from './scheduler.js';
import type { DirectoryStore, KeyRecord } from './store.js';
import { Throttle } from './throttle.js';

export interface Options {
  readonly port: number;
  readonly ports: Ports;
  /** Behind the guard: the last address of X-Forwarded-For is the client. */
  readonly behindProxy: boolean;
  readonly deviceIntervalMs: number;
  /** Where browsers find it, if not on this machine: `https://directory.example`. */
  readonly origin?: string | undefined;
}

export interface RunningDirectory {
  readonly port: number;
  readonly origin: string;
  close(): Promise<void>;
}

const SCHEDULE_MS = 500;
const HOUR_MS = 3_600_000;
const ADDRESS_CHARACTERS_MAX = 64;

export async function startDirectory(store: DirectoryStore, options: Options): Promise<RunningDirectory> {
  await ensureTokenSecret(store);
  const devices = new SimulatedDevices(store, options.ports);
  const scheduler = new Scheduler(store, options.ports);
  const fleet = new Fleet(store, options.ports);
  const prune = () => forgetOldEvents(store, options.ports.now());
  await prune();
  const repeating = [
    repeat(() => devices.answer(), options.deviceIntervalMs),
    repeat(() => scheduler.runDue(), SCHEDULE_MS),
    repeat(prune, HOUR_MS),
  ];
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const origin = options.origin ?? `http://localhost:${port}`;
  await listen(server, { store, ports: options.ports, origin }, fleet, options);
  return {
    ...{ port, origin },
    close: async () => {
      fleet.stop();
      const idle = Promise.all(repeating.map((stop) => stop()));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await idle;
      await store.close();
    },
  };
}

/** The API, the pages and the OpenID provider behind one port. */
async function listen(server: Server, identity: Identity, fleet: Fleet, options: Options): Promise<void> {
  const api = createApp(identity.store, options, fleet);
  const provider = await oidcProvider(identity);
  const pages = createPages(identity, provider, (c) => clientIpOf(c, options.behindProxy));
  const oidc = oidcListener(identity, provider);
  const listener = getRequestListener((request, env) =>
    (isPagePath(new URL(request.url).pathname) ? pages : api).fetch(request, env as HttpBindings),
  );
  server.on('request', (request, response) => {
    if (request.url?.startsWith(`${OIDC_PATH}/`) === true) oidc(request, response);
    else listener(request, response).catch(console.error);
  });
}

/** Behind the guard, what it says; else the other end of the connection. */
function clientIpOf(
  c: { req: { header(name: string): string | undefined }; env: unknown },
  behindProxy: boolean,
): string {
  const forwarded = behindProxy
    ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim().slice(0, ADDRESS_CHARACTERS_MAX)
    : undefined;
  return (
    forwarded ?? (c.env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress ?? 'unknown'
  );
}

async function forgetOldEvents(store: DirectoryStore, now: number): Promise<void> {
  const before = new Date(now - RETENTION_MS).toISOString();
  await store.change(() => {
    for (const { _id } of store.organizations()) store.tenant(_id).removeEventsBefore(before);
    forgetExpired(store.hidden, now);
  });
}

export function createApp(
  store: DirectoryStore,
  { ports, behindProxy }: Pick<Options, 'ports' | 'behindProxy'>,
  fleet: Fleet,
) {
  const app = new Hono<{ Variables: Variables }>({ getPath: routePath });
  const addressOf = (c: Http) => clientIpOf(c, behindProxy);
  const credentialsOf = (c: Http): Credentials => readCredentials(c, addressOf(c));
  const access = new Access(store, new Throttle(ports.now), ports.now, (record, credentials) =>
    recordOldKey(store, ports, record, credentials),
  );
  frame(app);
  app.route('/', tokenRoutes(access, addressOf));
  const signatures = new Signatures(store, ports.now);
  app.route(
    '/',
    agentRoutes(fleet, signatures, credentialsOf, (c) => access.refusal(addressOf(c))),
  );
  app.route('/', organizationRoutes(store, ports, access, credentialsOf));
  app.route('/', eventRoutes(store, ports.now, access, credentialsOf));
  app.use(async (c, next) => {
    const credentials = credentialsOf(c);
    const caller = isSigned(c)
      ? await deviceCaller(c, signatures, fleet, credentials)
      : await access.authenticate(credentials);
    c.set('directory', new Directory(store, ports, caller));
    await next();
  });
  // Actions stand before the resources whose paths they extend.
  for (const routes of [settingsRoutes(), adminRoutes(), commandRoutes(), systemuserRoutes(), systemRoutes()])
    app.route('/', routes);
  app.route('/', serviceAccountRoutes());
  app.route('/', applicationRoutes());
  for (const routes of [systemInsightsRoutes(), bulkRoutes(), queueRoutes()]) app.route('/', routes);
  app.route('/', v2Routes());
  app.route('/', v1Routes());
  return app;
}

/** What holds for every request and every answer. */
function frame(app: Hono<{ Variables: Variables }>): void {
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    c.header('x-frame-options', 'DENY');
  });
  const tooLarge = () => {
    throw new Failure(413, 'Payload Too Large');
  };
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: tooLarge }));
  app.use(async (c, next) => {
    c.set('body', await readGetBody(c));
    await next();
  });
  app.onError((error, c) => {
    if (error instanceof Failure) return c.json({ message: error.message }, error.status, error.headers);
    console.error(error);
    return c.json({ message: 'Internal Server Error' }, 500);
  });
  app.notFound((c) => c.json({ message: 'Not Found' }, 404));
}

/** Clients write `runCommand` and `runcommand`, `/commands` and `/commands/`. */
function routePath(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.toLowerCase().replace(/(?<=.)\/$/, '');
}

function readCredentials(c: Http, clientIp: string): Credentials {
  const given = (name: string) => c.req.header(name)?.trim() || undefined;
  return {
    apiKey: given('x-api-key'),
    bearer: /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1],
    organization: given('x-org-id'),
    clientIp,
    userAgent: c.req.header('user-agent') ?? '',
  };
}

/** Not waited for: the answer must take no longer than for a key that never was. */
function recordOldKey(
  store: DirectoryStore,
  ports: Ports,
  record: KeyRecord,
  credentials: Credentials,
): void {
  const { organization } = record;
  if (organization === null) return;
  const event = eventOf(
    ports,
    {
      ...{ kind: record.kind, id: record.owner, email: record.email, role: 'Read Only', organization },
      ...{ provider: record.provider, authMethod: 'api key' },
      ...{ clientIp: credentials.clientIp, userAgent: credentials.userAgent },
    },
    { type: 'admin_old_api_key_attempt', success: false },
  );
  store.change(() => store.tenant(organization).append(event)).catch(console.error);
}
