import { html } from 'hono/html';
import type { Page } from './page.js';

export type Html = ReturnType<typeof html>;

interface Layout {
  readonly title: string;
  /** Forms of one column. */
  readonly narrow?: boolean;
  readonly script?: 'passkey' | 'submit';
  readonly fault?: string | undefined;
  readonly note?: string | undefined;
}

const USER_LINKS = [
  ['/apps', 'Applications'],
  ['/account', 'Account'],
] as const;
const ADMIN_LINKS = [
  ['/admin/users', 'Users'],
  ['/admin/devices', 'Devices'],
  ['/admin/keys', 'API key'],
  ['/account', 'Account'],
] as const;

/** A whole page. Every text in it is escaped by `html`. */
export function layout(c: Page, options: Layout, content: Html): Html {
  const { title, narrow = false, script, fault, note } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Keyward demo directory</title>
<link rel="stylesheet" href="/assets/style.css">
${script === undefined ? '' : html`<script src="/assets/${script}.js" defer></script>`}
</head>
<body>
<a class="skip" href="#main">To the content</a>
${head(c)}
<main id="main" class="${narrow ? 'narrow' : ''}">
<h1>${title}</h1>
${fault === undefined ? '' : html`<p class="fault" role="alert">${fault}</p>`}
${note === undefined ? '' : html`<p class="note" role="status">${note}</p>`}
${content}
</main>
</body>
</html>`;
}

function head(c: Page): Html {
  const session = c.get('session');
  if (session === undefined || c.get('step') !== 'none')
    return html`<header><strong>Keyward demo directory</strong></header>`;
  const { kind, account } = session;
  const organization = c.get('identity').store.organization(session.organization)?.displayName ?? '';
  const links = kind === 'admin' ? ADMIN_LINKS : USER_LINKS;
  return html`<header>
<strong>${organization}</strong>
<nav aria-label="Pages">${links.map(
    ([href, name]) =>
      html`<a href="${href}"${c.req.path.startsWith(href) ? html` aria-current="page"` : ''}>${name}</a>`,
  )}</nav>
<span class="dim">${String(account.document.email)}</span>
${form(c, '/logout', html`<button class="plain">Log out</button>`)}
</header>`;
}

/** Every form carries the token that belongs to the browser's cookie. */
export function form(c: Page, action: string, content: Html, attributes: Html | '' = ''): Html {
  return html`<form method="post" action="${action}" ${attributes}>
<input type="hidden" name="form_token" value="${c.get('formToken')}">${content}</form>`;
}

export function passwordField(name: string, label: string, autocomplete: string): Html {
  return html`<label>${label} <input type="password" name="${name}" autocomplete="${autocomplete}"
 required maxlength="256"></label>`;
}
