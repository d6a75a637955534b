import { Hono } from 'hono';
import { html } from 'hono/html';
import { applicationsOf, ssoTypeOf, textOf } from '../identity/applications.js';
import { factorsOf } from '../identity/factors.js';
import { layout } from './layout.js';
import { type PageEnv, requireSession } from './page.js';

/** What the account page says after an enrolment. */
export const ENROLLED = {
  codes: 'Your app is set up. From now on you are asked for a code when you log in.',
  passkey: 'Your passkey is added. From now on you can use it when you log in.',
} as const;

function enrolledNote(what: string | undefined): string | undefined {
  return what === 'codes' || what === 'passkey' ? ENROLLED[what] : undefined;
}

/** What users see once they are in. */
export function portalPages() {
  const routes = new Hono<PageEnv>();
  routes.get('/', requireSession(), (c) =>
    c.redirect(c.get('session')?.kind === 'admin' ? '/admin/users' : '/apps', 303),
  );
  routes.get('/apps', requireSession('user'), (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    const applications = applicationsOf(c.get('identity').store, session.account);
    const launch = (document: (typeof applications)[number]) => {
      const type = ssoTypeOf(document);
      const name = String(document.displayName);
      if (type === 'saml') return html`<a class="button" href="/saml2/${document._id}">Open ${name}</a>`;
      const start = type === 'oidc' ? textOf(document, 'loginUrl') : undefined;
      if (start === undefined) return html`<span class="dim">Log in at the application.</span>`;
      return html`<a class="button" rel="noreferrer" href="${start}">Open ${name}</a>`;
    };
    const content =
      applications.length === 0
        ? html`<p class="dim">No application is open to you yet.</p>`
        : html`<ul class="apps">${applications.map(
            (each) => html`<li class="card"><h2>${String(each.displayLabel || each.displayName)}</h2>
<span class="dim">${ssoTypeOf(each) === 'oidc' ? 'OpenID Connect' : 'SAML'}</span>${launch(each)}</li>`,
          )}</ul>`;
    return c.html(layout(c, { title: 'My applications' }, content));
  });
  routes.get('/account', requireSession(), (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    const { store } = c.get('identity');
    const factors = factorsOf(store.hidden, session.account);
    const { email, firstname, lastname, password_expiration_date } = session.account.document;
    const keys = factors.passkeys.map(({ name }) => name).join(', ') || 'none yet';
    const expires = String(password_expiration_date ?? 'never').slice(0, 10);
    return c.html(
      layout(
        c,
        { title: 'Account', note: enrolledNote(c.req.query('enrolled')) },
        html`<div class="card"><dl><dt>Name</dt><dd>${String(firstname)} ${String(lastname)}</dd>
<dt>E-mail</dt><dd>${String(email)}</dd></dl></div>
<div class="card"><h2>Password</h2><p>Expires: ${expires}</p>
<a class="button" href="/password">Change password</a></div>
<div class="card"><h2>Second factor</h2><dl><dt>Codes from an app</dt><dd>${factors.totp ? 'in use' : 'not set up'}</dd>
<dt>Passkeys</dt><dd>${keys}</dd></dl>
<p><a class="button" href="/mfa/enrol">${factors.any ? 'Add or replace' : 'Set up a second factor'}</a></p></div>`,
      ),
    );
  });
  return routes;
}
