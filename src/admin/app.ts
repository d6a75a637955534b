import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Registry } from 'prom-client';
import type { Approvals } from '../engine/approvals.js';
import type { NoticeStore } from '../engine/ports.js';
import type { Upstream } from '../engine/routing.js';
import type { Containment } from '../incidents/containment.js';
import type { Incidents } from '../incidents/service.js';
import type { Revocations } from '../keys/revocation.js';
import type { SealedService } from '../keys/sealed-service.js';
import type { KeyService } from '../keys/service.js';
import type { TenantService } from '../keys/tenants.js';
import type { OpenNotices } from '../notices/open.js';
import { type AdminApp, type AdminEnv, adminRouter } from './api.js';
import { knownParameters } from './described.js';
import type { Operators } from './operators.js';
import { problem, problemOf } from './problem.js';
import { behaviourRoutes } from './routes/behaviour.js';
import { containmentRoutes } from './routes/containment.js';
import { incidentRoutes } from './routes/incidents.js';
import { journalRoutes } from './routes/journal.js';
import { keyRoutes } from './routes/keys.js';
import { noticeRoutes } from './routes/notices.js';
import { operatorRoutes } from './routes/operators.js';
import { receiptRoutes } from './routes/receipts.js';
import { sealedRoutes } from './routes/sealed.js';
import { ssfRoutes } from './routes/ssf.js';
import { type SystemPort, systemRoutes } from './routes/system.js';
import { tenantRoutes } from './routes/tenants.js';

export interface AdminParts {
  readonly version: string;
  readonly operators: Operators;
  readonly keys: KeyService;
  readonly revocations: Revocations;
  readonly tenants: TenantService;
  readonly sealed: SealedService;
  readonly approvals: Approvals;
  readonly incidents: Incidents;
  readonly containment: Containment;
  readonly noticeStore: NoticeStore;
  readonly notices: Pick<OpenNotices, 'service' | 'outbox' | 'ssf'>;
  readonly system: SystemPort;
  readonly metrics: Registry;
  readonly journalDir: string;
  readonly upstreams: () => readonly Upstream[];
  readonly now: () => number;
  /** A handler failed in a way nobody foresaw. */
  readonly unexpected: (error: unknown) => void;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;
const READS = new Set(['GET', 'HEAD']);
/** Reads by POST: a viewer may do these. */
const READS_BY_POST = new Set(['/v1/dry-run']);

/**
 * The admin API. Everything needs an operator's token but two bare words of health for orchestrators and
 * the description of the API itself.
 */
export function adminApp(parts: AdminParts): AdminApp {
  const app = adminRouter();
  app.onError((error, c) => problemOf(c, error, parts.unexpected));

  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) =>
    parts.system.notReady().length === 0 ? c.text('ready\n') : c.text('not ready\n', 503),
  );
  const description = {
    openapi: '3.1.0',
    info: {
      title: 'Keyward admin API',
      version: parts.version,
      description: 'Keys, tenants, sealed credentials, operators, journal and configuration of one guard.',
    },
    servers: [{ url: '/' }],
    security: [{ operator: [] }],
  };
  app.openAPIRegistry.registerComponent('securitySchemes', 'operator', {
    type: 'http',
    scheme: 'bearer',
    description: "An operator's token (kw_admin_…).",
  });
  app.doc31('/openapi.json', description);

  const authenticated = authentication(parts.operators);
  app.use('/v1/*', authenticated);
  app.use('/metrics', authenticated);
  app.use('/v1/*', knownParameters(app));
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => problem(c, 413, 'body_too_large', `At most ${BODY_BYTES_MAX} bytes.`),
    }),
  );
  app.get('/metrics', async (c) =>
    c.body(await parts.metrics.metrics(), 200, { 'content-type': parts.metrics.contentType }),
  );
  app.route('/', receiptRoutes(parts.keys, parts.revocations));
  app.route('/', keyRoutes(parts.keys, parts.upstreams, parts.now));
  app.route('/', tenantRoutes(parts.tenants));
  app.route('/', sealedRoutes(parts.sealed));
  app.route('/', operatorRoutes(parts.operators));
  app.route('/', behaviourRoutes(parts.approvals));
  const { service: notices } = parts.notices;
  app.route('/', incidentRoutes({ ...parts, receipts: parts.revocations, notices }));
  app.route('/', containmentRoutes(parts.containment));
  app.route('/', noticeRoutes(parts.notices, parts.noticeStore));
  if (parts.notices.ssf !== undefined) app.route('/', ssfRoutes(parts.notices.ssf));
  app.route('/', journalRoutes(parts.journalDir, parts.upstreams));
  app.route('/', systemRoutes(parts.system));
  return app;
}

/** A valid token, and for a change the role of an admin. */
export function authentication(operators: Operators): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (token === undefined)
      return problem(c, 401, 'unauthorized', 'Send an operator token: Authorization: Bearer kw_admin_….');
    const operator = operators.authenticate(token);
    if (operator === undefined) return problem(c, 401, 'unauthorized', 'This token is not valid.');
    const reads = READS.has(c.req.method) || (c.req.method === 'POST' && READS_BY_POST.has(c.req.path));
    if (!reads && operator.role !== 'admin')
      return problem(c, 403, 'forbidden', `${operator.name} is a viewer and may only read.`);
    c.set('operator', operator);
    await next();
    return undefined;
  };
}
