import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { Failure } from '../failures.js';
import type { Client, Identity } from '../identity/accounts.js';
import { nextStep, type Session, type Step, sessionOf, touch } from '../identity/sessions.js';
import { newSecret } from '../ids.js';

export interface PageVariables {
  readonly identity: Identity;
  readonly client: Client;
  readonly session: Session | undefined;
  readonly step: Step;
  readonly formToken: string;
  /** Fields of a form that was checked. */
  readonly fields: Readonly<Record<string, string>>;
}

export type PageEnv = { Bindings: HttpBindings; Variables: PageVariables };
export type Page = Context<PageEnv>;

const CSP = (formAction: string) =>
  `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; ` +
  `form-action ${formAction}; frame-ancestors 'none'`;

/** A page that posts elsewhere says where. */
export function allowFormTo(c: Page, origin: string): void {
  c.header('content-security-policy', CSP(`'self' ${origin}`));
}

export const headers = createMiddleware<PageEnv>(async (c, next) => {
  c.header('content-security-policy', CSP("'self'"));
  c.header('referrer-policy', 'same-origin');
  c.header('x-content-type-options', 'nosniff');
  c.header('x-frame-options', 'DENY');
  c.header('cross-origin-opener-policy', 'same-origin');
  c.header('cache-control', 'no-store');
  await next();
});

/** Host-only and out of reach of scripts. `__Host-` where there is TLS: browsers hold it to that. */
function cookieName({ origin }: Identity, name: string): string {
  return origin.startsWith('https:') ? `__Host-${name}` : name;
}

const cookie = (identity: Identity) => ({
  ...{ path: '/', httpOnly: true, sameSite: 'Lax' as const },
  secure: identity.origin.startsWith('https:'),
});

export function setSession(c: Page, token: string): void {
  const identity = c.get('identity');
  setCookie(c, cookieName(identity, 'session'), token, cookie(identity));
}

export function clearSession(c: Page): void {
  deleteCookie(c, cookieName(c.get('identity'), 'session'), cookie(c.get('identity')));
}

/** Who is there, what they must do first, and the token that their forms carry. */
export const recognise = createMiddleware<PageEnv>(async (c, next) => {
  const identity = c.get('identity');
  const { store, ports } = identity;
  const session = sessionOf(store, getCookie(c, cookieName(identity, 'session')), ports.now());
  if (session !== undefined) await touch(store, session, ports.now());
  let browser = session?.token ?? getCookie(c, cookieName(identity, 'browser'));
  if (browser === undefined || browser === '') {
    browser = newSecret();
    setCookie(c, cookieName(identity, 'browser'), browser, cookie(identity));
  }
  c.set('session', session);
  c.set('step', session === undefined ? 'none' : nextStep(store, session, ports.now()));
  c.set('formToken', store.vault.mac(`form ${browser}`));
  await next();
});

const ADDRESS_OF_THIS_MACHINE = /^(?:127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Pages opened at the machine's address lead to its name: cookies and forms are bound to that. */
export const atOrigin = createMiddleware<PageEnv>(async (c, next) => {
  const { hostname, origin } = new URL(c.get('identity').origin);
  const elsewhere = hostname === 'localhost' && ADDRESS_OF_THIS_MACHINE.test(c.req.header('host') ?? '');
  if (c.req.method !== 'GET' || !elsewhere) return next();
  const { pathname, search } = new URL(c.req.url);
  return c.redirect(`${origin}${pathname}${search}`, 302);
});

/** Forms count only when our own page sent them: by `Origin`, and by a token that no other page can know. */
export const checkForm = createMiddleware<PageEnv>(async (c, next) => {
  if (c.req.method !== 'POST') return next();
  const { origin } = c.get('identity');
  if (c.req.header('origin') !== origin)
    throw new Failure(403, `This form was sent from elsewhere. Open ${origin} and try again.`);
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(await c.req.parseBody()))
    if (typeof value === 'string') fields[name] = value;
  if (fields.form_token !== c.get('formToken'))
    throw new Failure(403, 'This form is out of date. Go back, load the page again and repeat.');
  c.set('fields', fields);
  return next();
});

/** A session that has done all that is asked of it; others are led to where it is done. @throws {Failure} 403 */
export function requireSession(kind?: 'user' | 'admin') {
  return createMiddleware<PageEnv>(async (c, next) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect(kind === 'admin' ? '/admin/login' : '/login', 303);
    const step = c.get('step');
    if (step !== 'none') return c.redirect(pathOf(step), 303);
    if (kind !== undefined && session.kind !== kind)
      throw new Failure(403, 'This page is not for your account.');
    return next();
  });
}

export function pathOf(step: Step): string {
  switch (step) {
    case 'mfa':
      return '/mfa';
    case 'password':
      return '/password';
    case 'enrol':
      return '/mfa/enrol';
    case 'none':
      return '/';
  }
}

/** Nothing but the places that send people here to sign in; never another host. */
const RETURN = /^\/(?:mfa\/enrol|sso\/oidc\/[\w-]{1,64}|saml2\/[0-9a-f]{24}(?:\?request=[\w-]{1,8000})?)$/;

export function safeReturn(text: string | undefined): string | undefined {
  return text !== undefined && RETURN.test(text) ? text : undefined;
}

/** For links and hidden fields. */
export function returnQuery(to: string | undefined): string {
  return to === undefined ? '' : `?return_to=${encodeURIComponent(to)}`;
}
