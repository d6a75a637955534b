import { createHash } from 'node:crypto';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { PlaceLimiter } from '../core/place-limiter.js';
import { ActFault } from '../keys/acts.js';
import {
  type Forwarding,
  listenPublicly,
  type PublicAddress,
  type PublicListener,
  placeOf,
} from '../public/listener.js';
import type { LeakFinding, LeakIntake, LeakMeasure } from './intake.js';
import { type Partner, signedBy } from './signature.js';

export interface LeakServerOptions extends PublicAddress {
  readonly partners: readonly Partner[];
  readonly intake: LeakIntake;
  /** What becomes of a live key that a partner reports, and that anybody else does. */
  readonly partnerMeasure: LeakMeasure;
  readonly publicMeasure: LeakMeasure;
  readonly limiter: PlaceLimiter;
  readonly forwarding: () => Forwarding;
  readonly now: () => number;
  readonly failed: (error: unknown) => void;
}

const BODY_BYTES_MAX = 1024 * 1024;
const TOKENS_MAX = 500;
const token = z.string().min(1).max(8_192);
const reports = z
  .array(
    z.object({
      token,
      type: z.string().max(200),
      url: z.string().max(4_096).default(''),
      source: z.string().max(200).default('unknown'),
    }),
  )
  .max(TOKENS_MAX);
const found = z.strictObject({ key: token, url: z.string().max(4_096).default('') });

type Env = { Bindings: HttpBindings };

/**
 * The public listener for leaked keys: `/v1/partners/leaks` takes signed reports in the manner of GitHub's secret scanning partners,
 * `/v1/leaks` takes a key from anybody who has found it. Nothing of the admin API is reachable here.
 */
export function serveLeaks(options: LeakServerOptions): Promise<PublicListener> {
  return listenPublicly(options, getRequestListener(app(options).fetch));
}

function app(options: LeakServerOptions): Hono<Env> {
  const routes = new Hono<Env>();
  routes.onError((error, c) => {
    if (error instanceof ActFault) return problem(c, 409, 'conflict', error.message);
    options.failed(error);
    return problem(c, 500, 'internal', 'Something went wrong; report it again later.');
  });
  routes.notFound((c) => problem(c, 404, 'not_found', 'There is nothing at this path.'));
  routes.use(
    '*',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => problem(c, 413, 'body_too_large', `At most ${BODY_BYTES_MAX} bytes.`),
    }),
  );
  routes.use('*', async (c, next) => {
    const rate = options.limiter.take(placeOf(c.env.incoming, options.forwarding()), options.now());
    if (!rate.allowed) {
      c.header('retry-after', String(rate.resetSeconds));
      return problem(c, 429, 'rate', `Too many reports; try again in ${rate.resetSeconds} s.`);
    }
    await next();
    c.header('cache-control', 'no-store');
    return undefined;
  });
  routes.post('/v1/partners/leaks', (c) => fromPartner(c, options));
  routes.post('/v1/leaks', (c) => fromAnybody(c, options));
  return routes;
}

async function fromPartner(c: Context<Env>, options: LeakServerOptions): Promise<Response> {
  const keyId = c.req.header('github-public-key-identifier') ?? '';
  const signature = c.req.header('github-public-key-signature') ?? '';
  const body = new Uint8Array(await c.req.arrayBuffer());
  const partner = signedBy(options.partners, keyId, signature, body);
  if (partner === undefined)
    return problem(c, 401, 'signature', 'This report is not signed by a key that is known here.');
  const given = reports.safeParse(jsonOf(Buffer.from(body).toString('utf8')));
  if (!given.success) return problem(c, 422, 'invalid', z.prettifyError(given.error));
  const answers: { token_hash: string; token_type: string; label: LeakFinding['label'] }[] = [];
  for (const { type, ...report } of given.data) {
    const { label } = await options.intake.report(`partner ${partner.name}`, report, options.partnerMeasure);
    const hash = createHash('sha256').update(report.token).digest('hex');
    answers.push({ token_hash: hash, token_type: type, label });
  }
  return c.json(answers);
}

/** The same answer for every key, ours or not. */
async function fromAnybody(c: Context<Env>, options: LeakServerOptions): Promise<Response> {
  const given = found.safeParse(jsonOf(await c.req.text()));
  if (!given.success) return problem(c, 422, 'invalid', z.prettifyError(given.error));
  const { key, url } = given.data;
  await options.intake.report('public report', { token: key, url, source: 'public' }, options.publicMeasure);
  return c.json({ outcome: 'accepted', detail: 'If this is a live key of ours, it is contained now.' }, 202);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function problem(
  c: Context<Env>,
  status: 401 | 404 | 409 | 413 | 422 | 429 | 500,
  code: string,
  detail: string,
): Response {
  const type = { 'content-type': 'application/problem+json' };
  return c.body(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }), status, type);
}
