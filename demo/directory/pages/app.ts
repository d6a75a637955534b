import { readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Provider } from 'oidc-provider';
import { Failure } from '../failures.js';
import type { Account, Identity } from '../identity/accounts.js';
import { isoTime } from '../ids.js';
import { adminPages } from './admin.js';
import { mfaPages } from './mfa.js';
import { atOrigin, checkForm, headers, type Page, type PageEnv, recognise } from './page.js';
import { portalPages } from './portal.js';
import { signInPages } from './sign-in.js';
import { faultPage, ssoPages } from './sso.js';

const FORM_BYTES_MAX = 64 * 1024;
const TYPES: Readonly<Record<string, string>> = {
  'style.css': 'text/css; charset=utf-8',
  'passkey.js': 'text/javascript; charset=utf-8',
  'submit.js': 'text/javascript; charset=utf-8',
};
const ASSETS = new Map(
  Object.keys(TYPES).map((name) => [
    name,
    readFileSync(path.join(import.meta.dirname, 'assets', name), 'utf8'),
  ]),
);
const API = /^\/(?:api|insights|oauth2|demo)(?:\/|$)/i;

/** Whether a path is a page and not a part of the API. */
export function isPagePath(pathname: string): boolean {
  return !API.test(pathname);
}

/** Pages for people; the API is for programs. Neither's credentials open the other. */
export function createPages(identity: Identity, provider: Provider, clientIpOf: (c: Page) => string) {
  const app = new Hono<PageEnv>();
  app.use(headers);
  app.onError((error, c) => {
    const known = error instanceof Failure;
    if (!known) console.error(error);
    // What failed before anybody was recognised has no page to stand on.
    if (c.get('formToken') === undefined) return c.text(known ? error.message : 'Internal Server Error', 400);
    const message = known ? error.message : 'Something went wrong here. Try again.';
    return c.html(faultPage(c, message), known ? error.status : 500);
  });
  app.get('/assets/:name', (c) => {
    const name = c.req.param('name');
    const asset = ASSETS.get(name);
    if (asset === undefined) return c.text('Not Found', 404);
    return c.body(asset, 200, { 'content-type': TYPES[name] ?? '', 'cache-control': 'max-age=300' });
  });
  app.use(async (c, next) => {
    c.set('identity', identity);
    c.set('client', { ip: clientIpOf(c), userAgent: c.req.header('user-agent') ?? '' });
    await next();
  });
  const tooLarge = () => {
    throw new Failure(413, 'The form is too large.');
  };
  app.use(recognise);
  app.use(bodyLimit({ maxSize: FORM_BYTES_MAX, onError: tooLarge }));
  app.route('/', ssoPages(provider));
  app.use(atOrigin);
  app.use(checkForm);
  app.route(
    '/',
    signInPages(identity.ports.now, (account, code) => send(identity, account, code)),
  );
  app.route('/', mfaPages());
  app.route('/', portalPages());
  app.route('/', adminPages());
  app.notFound((c) => c.html(faultPage(c, 'There is no such page.'), 404));
  return app;
}

/** A demo has no mail server: what would be sent is written down where its owner alone reads it. */
async function send({ store, origin, ports }: Identity, account: Account, code: string): Promise<void> {
  const mail = {
    ...{ at: isoTime(ports), to: account.document.email },
    ...{ subject: 'New password', link: `${origin}/reset?code=${code}` },
  };
  await appendFile(path.join(store.directory, 'outbox.jsonl'), `${JSON.stringify(mail)}\n`, { mode: 0o600 });
}
