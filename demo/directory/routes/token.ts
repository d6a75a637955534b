import { Hono } from 'hono';
import type { Access } from '../access.js';
import { badRequest, Failure } from '../failures.js';
import { BODY_BYTES_MAX, type Http, type Variables } from '../http.js';

/** `POST /oauth2/token`: client credentials by Basic authentication (RFC 6749, 2.3.1 and 4.4). */
export function tokenRoutes(access: Access, clientIpOf: (c: Http) => string) {
  const routes = new Hono<{ Variables: Variables }>();
  routes.post('/oauth2/token', async (c) => {
    const text = await c.req.text();
    if (text.length > BODY_BYTES_MAX) throw new Failure(413, 'Payload Too Large');
    if (new URLSearchParams(text).get('grant_type') !== 'client_credentials')
      throw badRequest('unsupported_grant_type');
    const basic = /^Basic ([A-Za-z0-9+/=]{1,4096})$/i.exec(c.req.header('authorization') ?? '');
    const decoded = basic === null ? '' : Buffer.from(basic[1] ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    const [client, secret] = [decoded.slice(0, Math.max(colon, 0)), decoded.slice(colon + 1)];
    const { token, seconds } = await access.token(client, secret, clientIpOf(c));
    return c.json({ access_token: token, token_type: 'bearer', expires_in: seconds, scope: 'api' });
  });
  return routes;
}
