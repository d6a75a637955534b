import { z } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import type { SsfTransmitter } from '../../notices/open.js';
import { adminRouter } from '../api.js';
import { problem } from '../problem.js';

const BODY_BYTES_MAX = 256 * 1024;
const ACKS_MAX = 1_000;

/** RFC 8936 section 2.2; without maxEvents as many as there are, up to our own bound. */
const pollRequest = z.object({
  maxEvents: z.number().int().min(0).default(Number.MAX_SAFE_INTEGER),
  returnImmediately: z.boolean().default(false),
  ack: z.array(z.string().max(128)).max(ACKS_MAX).default([]),
  setErrs: z
    .record(z.string().max(128), z.object({ err: z.string().max(256), description: z.string().default('') }))
    .refine((errors) => Object.keys(errors).length <= ACKS_MAX, `at most ${ACKS_MAX}`)
    .default({}),
});

/**
 * What receivers of security events need (SSF 1.0 section 7, RFC 8936). No operator's token opens it: the
 * description and the public key are for all, and each stream has a token of its own.
 */
export function ssfRoutes({ issuer, signer, poll }: SsfTransmitter) {
  const app = adminRouter();
  const base = issuer.replace(/\/$/, '');
  app.get('/.well-known/ssf-configuration', (c) =>
    c.json({
      spec_version: '1_0',
      issuer,
      jwks_uri: `${base}/ssf/jwks.json`,
      delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6750' }],
      default_subjects: 'ALL',
    }),
  );
  app.get('/ssf/jwks.json', (c) => c.json({ keys: [signer.jwk] }, 200, { 'cache-control': 'max-age=300' }));
  app.post(
    '/ssf/streams/:name/poll',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => problem(c, 413, 'body_too_large', `At most ${BODY_BYTES_MAX} bytes.`),
    }),
    async (c) => {
      const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
      const stream = poll.authenticate(c.req.param('name'), token);
      if (stream === undefined)
        return problem(c, 401, 'unauthorized', 'Send the bearer token of this stream.');
      const body = pollRequest.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) return problem(c, 400, 'invalid_request', z.prettifyError(body.error));
      const answer = await poll.poll(stream, body.data, c.req.raw.signal);
      return c.json(answer, 200, { 'cache-control': 'no-store' });
    },
  );
  return app;
}
