import { Hono } from 'hono';
import { html } from 'hono/html';
import { requireRole } from '../access.js';
import { Directory } from '../directory.js';
import { badRequest, Failure } from '../failures.js';
import { type Account, recordFor } from '../identity/accounts.js';
import { activate, resetMfa, suspend, unlock } from '../identity/admin-acts.js';
import { replaceOwnKey } from '../identity/admin-keys.js';
import { isPassword } from '../identity/passwords.js';
import { newResetCode } from '../identity/sign-in.js';
import type { Document, RoleName } from '../model.js';
import { select } from '../query/page.js';
import { SYSTEM, USER } from '../resources.js';
import { form, type Html, layout, passwordField } from './layout.js';
import { type Page, type PageEnv, requireSession } from './page.js';

const PAGE = 25;

/** The administrator's console: the same directory, the same rights, the same log as by API key. */
export function adminPages() {
  const routes = new Hono<PageEnv>();
  routes.use('/admin/*', requireSession('admin'));
  routes.get('/admin', requireSession('admin'), (c) => c.redirect('/admin/users', 303));
  routes.get('/admin/users', (c) => {
    const { rows, more } = listed(c, 'user', USER.searched, 'users');
    const head = html`<tr><th>Name</th><th>E-mail</th><th>State</th><th>Second factor</th></tr>`;
    const body = rows.map(
      (user) => html`<tr><td><a href="/admin/users/${user._id}">${String(user.username)}</a></td>
<td>${String(user.email)}</td><td data-label="State:">${stateOf(user)}</td>
<td data-label="Second factor:">${user.totp_enabled === true ? 'codes' : 'none'}</td></tr>`,
    );
    return c.html(layout(c, { title: 'Users' }, table(c, '/admin/users', head, body, more)));
  });
  routes.get('/admin/devices', (c) => {
    const { rows, more } = listed(c, 'system', SYSTEM.searched, 'directory');
    const head = html`<tr><th>Name</th><th>System</th><th>Serial number</th><th>Last contact</th></tr>`;
    const body = rows.map(
      (
        system,
      ) => html`<tr><td>${String(system.displayName)}</td><td>${String(system.os)} ${String(system.version)}</td>
<td data-label="Serial number:">${String(system.serialNumber)}</td>
<td data-label="Last contact:">${String(system.lastContact).slice(0, 16).replace('T', ' ')}</td></tr>`,
    );
    return c.html(layout(c, { title: 'Devices' }, table(c, '/admin/devices', head, body, more)));
  });
  routes.get('/admin/users/:id', (c) => c.html(userPage(c, directoryOf(c), c.req.param('id'))));
  routes.post('/admin/users/:id/:act', act);
  ownKey(routes);
  return routes;
}

function directoryOf(c: Page): Directory {
  const session = c.get('session');
  if (session?.kind !== 'admin') throw new Failure(403, 'This page is for administrators.');
  const { store, ports } = c.get('identity');
  const { document, organization } = session.account;
  return new Directory(store, ports, {
    ...{ kind: 'admin', id: document._id, email: String(document.email), organization },
    role: document.roleName as RoleName,
    provider: store.organization(organization)?.provider ?? null,
    authMethod: 'session',
    ...{ clientIp: c.get('client').ip, userAgent: c.get('client').userAgent },
  });
}

function listed(
  c: Page,
  kind: 'user' | 'system',
  searched: readonly string[],
  area: 'users' | 'directory',
): { rows: Document[]; more: boolean } {
  const directory = directoryOf(c);
  requireRole(directory.caller, area, false);
  const skip = pageOf(c) * PAGE;
  const term = c.req.query('q')?.slice(0, 100) ?? '';
  const search = term === '' ? undefined : { term, fields: [] };
  const query = { limit: PAGE, skip, sort: [], fields: [], filter: { kind: 'and' as const, of: [] }, search };
  const { total, page } = select(directory.tenant.all(kind), query, searched);
  return { rows: page as Document[], more: total > skip + PAGE };
}

function pageOf(c: Page): number {
  const text = c.req.query('page') ?? '0';
  return /^\d{1,5}$/.test(text) ? Number(text) : 0;
}

function table(c: Page, path: string, head: Html, body: Html[], more: boolean): Html {
  const [page, q] = [pageOf(c), c.req.query('q')?.slice(0, 100) ?? ''];
  const to = (n: number) => `${path}?page=${n}&q=${encodeURIComponent(q)}`;
  return html`<form method="get" action="${path}" role="search"><label>Search
<input type="search" name="q" value="${q}" maxlength="100"></label></form>
<div class="card scroll"><table><thead>${head}</thead><tbody>${body}</tbody></table>
${body.length === 0 ? html`<p class="dim">Nothing found.</p>` : ''}</div>
<nav aria-label="Pages of the list">${page > 0 ? html`<a href="${to(page - 1)}">Earlier</a>` : ''}
${more ? html`<a href="${to(page + 1)}">More</a>` : ''}</nav>`;
}

function stateOf(user: Document): string {
  if (user.suspended === true) return 'suspended';
  if (user.account_locked === true) return 'locked';
  return user.password_expired === true ? 'password expired' : 'active';
}

const ACTS: Readonly<Record<string, (directory: Directory, id: string) => Promise<unknown>>> = {
  resetmfa: (directory, id) => resetMfa(directory, id, {}),
  unlock,
  suspend,
  activate,
};

async function act(c: Page) {
  const directory = directoryOf(c);
  requireRole(directory.caller, 'users', true);
  const [id, name] = [c.req.param('id') ?? '', c.req.param('act') ?? ''];
  const user = directory.get('user', id);
  if (name === 'resetpassword') {
    const code = await directory.change(() => {
      const account = { kind: 'user', organization: directory.caller.organization, document: user } as const;
      recordFor(c.get('identity'), account, c.get('client'), {
        type: 'user_password_reset_request',
        initiated_by: { type: 'admin', id: directory.caller.id, email: directory.caller.email },
      });
      return newResetCode(c.get('identity'), account);
    });
    return c.html(userPage(c, directory, id, `${c.get('identity').origin}/reset?code=${code}`));
  }
  const run = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (run === undefined) throw badRequest('There is no such action.');
  await run(directory, id);
  return c.redirect(`/admin/users/${id}`, 303);
}

function userPage(c: Page, directory: Directory, id: string, link?: string): Html {
  requireRole(directory.caller, 'users', false);
  const user = directory.get('user', id);
  const button = (name: string, label: string) =>
    form(c, `/admin/users/${id}/${name}`, html`<button class="plain">${label}</button>`);
  const shown =
    link === undefined
      ? ''
      : html`<div class="card"><h2>Link for a new password</h2>
<p>Hand it to the user. It works once, for 30 minutes, and is not shown again.</p><code>${link}</code></div>`;
  return layout(
    c,
    { title: String(user.username) },
    html`${shown}<div class="card"><dl>
<dt>Name</dt><dd>${String(user.firstname)} ${String(user.lastname)}</dd><dt>E-mail</dt><dd>${String(user.email)}</dd>
<dt>Department</dt><dd>${String(user.department)}</dd><dt>State</dt><dd>${stateOf(user)}</dd>
<dt>Second factor</dt><dd>${user.totp_enabled === true ? 'codes' : 'none'}</dd>
<dt>Password set</dt><dd>${String(user.password_date ?? 'never').slice(0, 10)}</dd></dl></div>
<div class="card"><h2>Actions</h2><div class="actions">
${button('resetmfa', 'Reset second factor')}${button('unlock', 'Unlock')}${button('resetpassword', 'Reset password')}
${user.suspended === true ? button('activate', 'Activate') : button('suspend', 'Suspend')}</div></div>
<p><a href="/admin/users">All users</a></p>`,
  );
}

function ownKey(routes: Hono<PageEnv>): void {
  const page = (c: Page, made?: string, fault?: string) => {
    const { document } = signedIn(c);
    const set = String(document.apiKeyUpdatedAt ?? 'never').slice(0, 10);
    return layout(
      c,
      { title: 'API key', fault },
      html`${
        made === undefined
          ? ''
          : html`<div class="card"><h2>Your new key</h2>
<p>It is shown this once. The directory keeps only its hash.</p><code>${made}</code></div>`
      }<div class="card"><dl><dt>Key</dt><dd>${document.apiKeySet === true ? 'set' : 'none'}</dd>
<dt>Changed</dt><dd>${set}</dd></dl></div><div class="card"><h2>Replace the key</h2>
<p>Whatever uses the old key stops at once.</p>${form(
        c,
        '/admin/keys',
        html`${passwordField('password', 'Your password', 'current-password')}<button>Replace key</button>`,
      )}</div>`,
    );
  };
  routes.get('/admin/keys', (c) => c.html(page(c)));
  routes.post('/admin/keys', async (c) => {
    const { store } = c.get('identity');
    const account = signedIn(c);
    if (!(await isPassword(store.hidden, account, c.get('fields').password ?? '')))
      return c.html(page(c, undefined, 'The password is not right.'), 403);
    return c.html(page(c, await replaceOwnKey(directoryOf(c))));
  });
}

function signedIn(c: Page): Account {
  const session = c.get('session');
  if (session === undefined) throw new Failure(403, 'This page is for administrators.');
  return session.account;
}
