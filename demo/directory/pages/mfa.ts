import { Hono } from 'hono';
import { html, raw } from 'hono/html';
import { renderSVG } from 'uqr';
import { factorsOf, newTotpSecret, putTotp, totpStep, totpUri } from '../identity/factors.js';
import {
  authenticationOptions,
  enrolPasskey,
  registrationOptions,
  showPasskey,
} from '../identity/passkeys.js';
import type { Session } from '../identity/sessions.js';
import { recordFactors, showCode, stepUp } from '../identity/sign-in.js';
import { form, type Html, layout } from './layout.js';
import { type Page, type PageEnv, pathOf, returnQuery, safeReturn, setSession } from './page.js';
import type { ENROLLED } from './portal.js';
import { onward } from './sign-in.js';

const WRONG = 'This was not right, or was used before. Wait for the next code.';

/** The second step of logging in, and enrolment. */
export function mfaPages() {
  const routes = new Hono<PageEnv>();
  routes.use('/mfa/*', signedIn);
  routes.use('/mfa', signedIn);
  routes.get('/mfa', async (c) => {
    const session = c.get('session');
    if (session === undefined || !mayShow(c, session)) return c.redirect('/', 303);
    return c.html(await showPage(c, session, safeReturn(c.req.query('return_to'))));
  });
  for (const [path, show, field] of [
    ['/mfa', showCode, 'code'],
    ['/mfa/passkey', showPasskey, 'response'],
  ] as const) {
    routes.post(path, async (c) => {
      const session = c.get('session');
      if (session === undefined || !mayShow(c, session)) return c.redirect('/', 303);
      const fields = c.get('fields');
      const to = safeReturn(fields.return_to);
      const token = await show(c.get('identity'), c.get('client'), session, fields[field] ?? '');
      if (token === undefined) return c.html(await showPage(c, session, to, WRONG), 401);
      setSession(c, token);
      return onward(c, to ?? '/');
    });
  }
  enrolment(routes);
  return routes;
}

async function signedIn(c: Page, next: () => Promise<void>) {
  if (c.get('session') === undefined) return c.redirect('/login', 303);
  return next();
}

function mayShow(c: Page, session: Session): boolean {
  return session.mfaAt === null && factorsOf(c.get('identity').store.hidden, session.account).any;
}

async function showPage(c: Page, session: Session, to: string | undefined, fault?: string): Promise<Html> {
  const identity = c.get('identity');
  const factors = factorsOf(identity.store.hidden, session.account);
  const back = html`<input type="hidden" name="return_to" value="${to ?? ''}">`;
  const code = html`<div class="card"><h2>Code</h2>${form(
    c,
    '/mfa',
    html`${back}<label>Six digits from your app <input name="code" inputmode="numeric"
 autocomplete="one-time-code" pattern="[0-9 ]{6,7}" required></label><button>Go on</button>`,
  )}</div>`;
  const passkey = async () => {
    const options = await authenticationOptions(identity, session);
    return html`<div class="card"><h2>Passkey</h2>${form(
      c,
      '/mfa/passkey',
      html`${back}<input type="hidden" name="response" value=""><p role="status"></p><button>Use passkey</button>`,
      html`data-passkey="get" data-options="${options}"`,
    )}</div>`;
  };
  return layout(
    c,
    { title: 'Second step', narrow: true, script: 'passkey', fault },
    html`${factors.totp ? code : ''}${factors.passkeys.length > 0 ? await passkey() : ''}
${form(c, '/logout', html`<button class="plain">Cancel</button>`)}`,
  );
}

/** The secret travels sealed in the form: nothing is kept until a code proves that it arrived. */
const pending = (session: Session) => `totp enrolment ${session.token}`;

function enrolment(routes: Hono<PageEnv>): void {
  routes.use('/mfa/enrol', mayEnrol);
  routes.use('/mfa/enrol/*', mayEnrol);
  routes.get('/mfa/enrol', async (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    return c.html(await enrolPage(c, session, newTotpSecret(), safeReturn(c.req.query('return_to'))));
  });
  routes.post('/mfa/enrol', async (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    const identity = c.get('identity');
    const { store, ports } = identity;
    const { sealed = '', code = '', return_to } = c.get('fields');
    const secret = store.vault.open(sealed, pending(session));
    if (secret === undefined) return c.redirect('/mfa/enrol', 303);
    const to = safeReturn(return_to);
    const step = totpStep(secret, session.account, code.replaceAll(' ', ''), ports.now());
    if (step === undefined) return c.html(await enrolPage(c, session, secret, to, WRONG), 400);
    const token = await store.change(() => {
      putTotp(store, session.account, secret, step);
      recordFactors(identity, session.account, c.get('client'), 'totp_finish_enrollment');
      return stepUp(identity, c.get('client'), session, 'totp', session.mfaAt === null);
    });
    setSession(c, token);
    return enrolled(c, to, 'codes');
  });
  routes.post('/mfa/enrol/passkey', async (c) => {
    const session = c.get('session');
    if (session === undefined) return c.redirect('/login', 303);
    const { response = '', name = '', return_to } = c.get('fields');
    const to = safeReturn(return_to);
    const token = await enrolPasskey(c.get('identity'), c.get('client'), session, { response, name });
    if (token === undefined)
      return c.html(await enrolPage(c, session, newTotpSecret(), to, 'The passkey was not accepted.'), 400);
    setSession(c, token);
    return enrolled(c, to, 'passkey');
  });
}

/** An older login may be somebody else's by now: a browser left open must not gain a factor of its own. */
const RECENT_MS = 5 * 60_000;

/** Whoever has a factor shows it before they add another: a password alone must not get around it. */
async function mayEnrol(c: Page, next: () => Promise<void>) {
  const session = c.get('session');
  if (session === undefined) return next();
  if (mayShow(c, session)) return c.redirect(pathOf('mfa'), 303);
  const shownAt = Math.max(session.startedAt, session.mfaAt ?? 0);
  if (c.get('identity').ports.now() - shownAt <= RECENT_MS) return next();
  const login = session.kind === 'admin' ? '/admin/login' : '/login';
  return c.redirect(`${login}${returnQuery('/mfa/enrol')}`, 303);
}

/** On to the application that asked for the factor; where none did, to a page that says so. */
function enrolled(c: Page, to: string | undefined, what: keyof typeof ENROLLED) {
  return to === undefined ? c.redirect(`/account?enrolled=${what}`, 303) : onward(c, to);
}

async function enrolPage(
  c: Page,
  session: Session,
  secret: string,
  to: string | undefined,
  fault?: string,
): Promise<Html> {
  const identity = c.get('identity');
  const uri = totpUri(secret, session.account);
  const image = `data:image/svg+xml;base64,${Buffer.from(renderSVG(uri)).toString('base64')}`;
  const back = html`<input type="hidden" name="return_to" value="${to ?? ''}">`;
  const code = form(
    c,
    '/mfa/enrol',
    html`${back}<input type="hidden" name="sealed" value="${identity.store.vault.seal(secret, pending(session))}">
<img class="qr" alt="The same key as below, as a QR code" src="${raw(image)}">
<p>Or type this key: <code>${secret}</code></p>
<label>Six digits from the app <input name="code" inputmode="numeric" autocomplete="one-time-code"
 pattern="[0-9 ]{6,7}" required></label><button>Confirm</button>`,
  );
  const options = await registrationOptions(identity, session);
  const passkey = form(
    c,
    '/mfa/enrol/passkey',
    html`${back}<input type="hidden" name="response" value="">
<label>Name of the passkey <input name="name" maxlength="60" value="Passkey"></label>
<p role="status"></p><button>Add passkey</button>`,
    html`data-passkey="create" data-options="${options}"`,
  );
  return layout(
    c,
    { title: 'Add a second factor', narrow: true, script: 'passkey', fault },
    html`<div class="card"><h2>Codes from an app</h2>${code}</div>
<div class="card"><h2>Passkey</h2>${passkey}</div>`,
  );
}
