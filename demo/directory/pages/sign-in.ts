import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Account, AccountKind } from '../identity/accounts.js';
import { endSession } from '../identity/sessions.js';
import { changePassword, requestReset, resetPassword, signIn } from '../identity/sign-in.js';
import { Throttle } from '../throttle.js';
import { form, type Html, layout, passwordField } from './layout.js';
import { clearSession, type Page, type PageEnv, pathOf, safeReturn, setSession } from './page.js';

const WRONG = 'The address or the password is not right, or signing in is locked for a while.';

/** Log in, log out, forgotten and changed passwords. */
export function signInPages(now: () => number, send: (account: Account, code: string) => Promise<void>) {
  const routes = new Hono<PageEnv>();
  const throttle = new Throttle(now);
  for (const [path, kind] of [
    ['/login', 'user'],
    ['/admin/login', 'admin'],
  ] as const) {
    routes.get(path, (c) => c.html(loginPage(c, kind, safeReturn(c.req.query('return_to')))));
    routes.post(path, (c) => logIn(c, kind, throttle));
  }
  routes.post('/logout', async (c) => {
    const session = c.get('session');
    const { store } = c.get('identity');
    if (session !== undefined) await store.change(() => endSession(store, session.token));
    clearSession(c);
    return c.redirect(session?.kind === 'admin' ? '/admin/login' : '/login', 303);
  });
  forgotten(routes, throttle, send);
  passwordChange(routes);
  return routes;
}

function loginPage(c: Page, kind: AccountKind, to: string | undefined, fault?: string): Html {
  const action = kind === 'admin' ? '/admin/login' : '/login';
  const title = kind === 'admin' ? 'Log in as administrator' : 'Log in';
  const other = kind === 'admin' ? ['/login', 'Log in as user'] : ['/admin/login', 'For administrators'];
  const content = form(
    c,
    action,
    html`<input type="hidden" name="return_to" value="${to ?? ''}">
<label>E-mail address <input type="email" name="email" autocomplete="username" required maxlength="320"
 value="${c.get('fields')?.email ?? ''}"></label>
${passwordField('password', 'Password', 'current-password')}
<button>Log in</button>`,
  );
  return layout(
    c,
    { title, narrow: true, fault },
    html`<div class="card">${content}</div>
<p><a href="/forgot?kind=${kind}">Forgotten password</a> · <a href="${other[0]}">${other[1]}</a></p>`,
  );
}

async function logIn(c: Page, kind: AccountKind, throttle: Throttle) {
  const { email = '', password = '', return_to } = c.get('fields');
  const to = safeReturn(return_to);
  const client = c.get('client');
  const wait = throttle.wait(client.ip);
  if (wait !== undefined) {
    c.header('retry-after', String(wait));
    return c.html(loginPage(c, kind, to, `Too many tries. Wait ${wait} seconds.`), 429);
  }
  const earlier = c.get('session')?.token;
  const token = await signIn(c.get('identity'), client, kind, email, password, earlier);
  if (token === undefined) {
    throttle.failed(client.ip);
    return c.html(loginPage(c, kind, to, WRONG), 401);
  }
  setSession(c, token);
  return onward(c, to ?? '/');
}

/**
 * A page that leads on by itself: where a form's answer may in the end lead to another host, a redirect would be
 * held against the form by `form-action`.
 */
export function onward(c: Page, to: string) {
  if (to === '/') return c.redirect(to, 303);
  return c.html(
    html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Going on</title>
<meta http-equiv="refresh" content="0;url=${to}"></head><body><p><a href="${to}">Go on</a></p></body></html>`,
  );
}

function forgotten(
  routes: Hono<PageEnv>,
  throttle: Throttle,
  send: (account: Account, code: string) => Promise<void>,
): void {
  const kindOf = (text: string | undefined): AccountKind => (text === 'admin' ? 'admin' : 'user');
  const ask = (c: Page, kind: AccountKind, fault?: string) =>
    layout(
      c,
      { title: 'Forgotten password', narrow: true, fault },
      html`<div class="card">${form(
        c,
        '/forgot',
        html`<input type="hidden" name="kind" value="${kind}">
<label>E-mail address <input type="email" name="email" autocomplete="username" required maxlength="320"></label>
<button>Send a link</button>`,
      )}</div>`,
    );
  routes.get('/forgot', (c) => c.html(ask(c, kindOf(c.req.query('kind')))));
  routes.post('/forgot', (c) => {
    const { email = '', kind } = c.get('fields');
    const wait = throttle.failed(c.get('client').ip);
    if (wait !== undefined) return c.html(ask(c, kindOf(kind), `Too many tries. Wait ${wait} seconds.`), 429);
    // Not waited for: the answer takes as long for an address that nobody has.
    requestReset(c.get('identity'), c.get('client'), kindOf(kind), email, send).catch(console.error);
    const note =
      'If there is an account with this address, a link was sent to it. It is good for 30 minutes.';
    return c.html(layout(c, { title: 'Forgotten password', narrow: true, note }, html``));
  });
  const reset = (c: Page, code: string, fault?: string) =>
    layout(
      c,
      { title: 'New password', narrow: true, fault },
      html`<div class="card">${form(
        c,
        '/reset',
        html`<input type="hidden" name="code" value="${code}">
${passwordField('password', 'New password', 'new-password')}<button>Set password</button>`,
      )}</div>`,
    );
  routes.get('/reset', (c) => c.html(reset(c, (c.req.query('code') ?? '').slice(0, 100))));
  routes.post('/reset', async (c) => {
    const { code = '', password = '' } = c.get('fields');
    const wait = throttle.wait(c.get('client').ip);
    if (wait !== undefined) return c.html(reset(c, code, `Too many tries. Wait ${wait} seconds.`), 429);
    const fault = await resetPassword(c.get('identity'), c.get('client'), code, password);
    if (fault !== undefined) {
      throttle.failed(c.get('client').ip);
      return c.html(reset(c, code, fault), 400);
    }
    const note = 'The password is set. You can log in with it now.';
    const links = html`<p><a href="/login">Log in</a> · <a href="/admin/login">For administrators</a></p>`;
    return c.html(layout(c, { title: 'New password', narrow: true, note }, links));
  });
}

function passwordChange(routes: Hono<PageEnv>): void {
  const page = (c: Page, fault?: string) =>
    layout(
      c,
      { title: 'Change password', narrow: true, fault },
      html`<div class="card">${form(
        c,
        '/password',
        html`${passwordField('current', 'Current password', 'current-password')}
${passwordField('wanted', 'New password', 'new-password')}
<button>Change password</button>`,
      )}<p class="dim">All other sessions end with it.</p></div>`,
    );
  routes.use('/password', async (c, next) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    // Also for those whose password has expired, yet not before their second factor.
    if (c.get('step') === 'mfa') return c.redirect(pathOf('mfa'), 303);
    return next();
  });
  routes.get('/password', (c) => {
    const expired = c.get('step') === 'password' ? 'Your password has expired. Choose a new one.' : undefined;
    return c.html(page(c, expired));
  });
  routes.post('/password', async (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    const { current = '', wanted = '' } = c.get('fields');
    const done = await changePassword(c.get('identity'), c.get('client'), session, { current, wanted });
    if ('fault' in done) return c.html(page(c, done.fault), 400);
    setSession(c, done.token);
    return c.redirect('/account', 303);
  });
}
