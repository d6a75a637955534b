import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Provider } from 'oidc-provider';
import { Failure } from '../failures.js';
import { recordFor } from '../identity/accounts.js';
import {
  type Application,
  accessTo,
  applicationByClient,
  applicationById,
  mayOpen,
  referTo,
  ssoTypeOf,
} from '../identity/applications.js';
import { metadataOf, readSamlRequest, type SamlRequest, samlResponse } from '../identity/saml.js';
import { nextStep, type Session } from '../identity/sessions.js';
import { layout } from './layout.js';
import { allowFormTo, type Page, type PageEnv, pathOf, returnQuery } from './page.js';

const gone = () => new Failure(404, 'There is no such application.');

/** Users on their way into applications. */
export function ssoPages(provider: Provider) {
  const routes = new Hono<PageEnv>();
  routes.get('/sso/oidc/:uid', (c) => oidc(c, provider));
  routes.get('/saml2/:id/metadata', async (c) => {
    const application = saml(c);
    return c.body(await metadataOf(c.get('identity'), application), 200, {
      'content-type': 'application/samlmetadata+xml',
    });
  });
  routes.get('/saml2/:id', async (c) => {
    const application = saml(c);
    const query = c.req.query();
    if (query.SAMLRequest === undefined) return answer(c, application, query.request);
    const { SAMLRequest, RelayState = '' } = query;
    const request = await readSamlRequest(c.get('identity'), application, {
      ...{ binding: 'redirect', samlRequest: SAMLRequest, relayState: RelayState, query },
      octetString: signedPart(c.req.url),
    });
    return c.redirect(`/saml2/${c.req.param('id')}?request=${sealed(c, request)}`, 303);
  });
  // From the application's page: it has neither our cookie nor our token, and changes nothing.
  routes.post('/saml2/:id', async (c) => {
    const application = saml(c);
    const { SAMLRequest, RelayState = '' } = await c.req.parseBody();
    if (typeof SAMLRequest !== 'string' || typeof RelayState !== 'string') throw gone();
    const request = await readSamlRequest(c.get('identity'), application, {
      ...{ binding: 'post', samlRequest: SAMLRequest, relayState: RelayState, query: {}, octetString: '' },
    });
    return c.redirect(`/saml2/${c.req.param('id')}?request=${sealed(c, request)}`, 303);
  });
  return routes;
}

function saml(c: Page): Application {
  const application = applicationById(c.get('identity').store, c.req.param('id') ?? '');
  if (application === undefined || ssoTypeOf(application.document) !== 'saml') throw gone();
  if (application.document.active !== true) throw gone();
  return application;
}

const PURPOSE = 'saml request';

function sealed(c: Page, request: SamlRequest): string {
  return c.get('identity').store.vault.seal(JSON.stringify(request), PURPOSE);
}

/** What the signature of the redirect binding is about (SAML bindings, 3.4.4.1), as it came. */
function signedPart(url: string): string {
  const parts = new URL(url).search.slice(1).split('&');
  const of = (name: string) => parts.filter((part) => part.startsWith(`${name}=`)).slice(0, 1);
  return [...of('SAMLRequest'), ...of('RelayState'), ...of('SigAlg')].join('&');
}

/** Where somebody has to go before they may open the application; nothing, if nowhere. */
function detour(c: Page, application: Application, back: string): string | undefined {
  const { store, ports } = c.get('identity');
  const session = c.get('session');
  if (session === undefined || session.kind !== 'user') return `/login${returnQuery(back)}`;
  const step = nextStep(store, session, ports.now(), accessTo(store, application).mfa);
  return step === 'none' ? undefined : `${pathOf(step)}${returnQuery(back)}`;
}

/** Leaves the event, whichever way it goes. */
async function enter(
  c: Page,
  application: Application,
  session: Session,
  fromHere: boolean,
): Promise<boolean> {
  const identity = c.get('identity');
  const { store } = identity;
  const allowed = mayOpen(store, session.account, application) && !accessTo(store, application).denied;
  await store.change(() =>
    recordFor(identity, session.account, c.get('client'), {
      ...{ type: 'sso_auth', service: 'sso', sso_token_success: allowed, mfa: session.mfaAt !== null },
      // What another organisation's application is called is not for this one's log.
      ...(application.organization === session.organization ? { application: referTo(application) } : {}),
      ...{ idp_initiated: fromHere, error_message: allowed ? '' : 'user is not allowed to use application' },
    }),
  );
  return allowed;
}

async function answer(c: Page, application: Application, text: string | undefined) {
  const identity = c.get('identity');
  const request = text === undefined ? undefined : openRequest(c, application, text);
  const back = `/saml2/${application.document._id}${text === undefined ? '' : `?request=${text}`}`;
  const elsewhere = detour(c, application, back);
  const session = c.get('session');
  if (elsewhere !== undefined || session === undefined) return c.redirect(elsewhere ?? '/login', 303);
  if (!(await enter(c, application, session, request === undefined)))
    throw new Failure(403, 'You have no access to this application.');
  const mfa = session.mfaAt !== null;
  const { acsUrl, response } = await samlResponse(identity, application, session.account, { request, mfa });
  allowFormTo(c, new URL(acsUrl).origin);
  const content = html`<form method="post" action="${acsUrl}">
<input type="hidden" name="SAMLResponse" value="${response}">
${request === undefined ? '' : html`<input type="hidden" name="RelayState" value="${request.relayState}">`}
<button>Go on</button></form>`;
  const title = `Going on to ${application.document.displayName}`;
  return c.html(
    html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<link rel="stylesheet" href="/assets/style.css"><script src="/assets/submit.js" defer></script></head>
<body><main class="narrow"><h1>${title}</h1>${content}</main></body></html>`,
  );
}

function openRequest(c: Page, application: Application, text: string): SamlRequest {
  const { store, ports } = c.get('identity');
  const opened = store.vault.open(text, PURPOSE);
  const request = opened === undefined ? undefined : (JSON.parse(opened) as SamlRequest);
  if (request?.application !== application.document._id || request.expiresAt <= ports.now())
    throw new Failure(400, 'This request is out of date. Begin again at the application.');
  return request;
}

async function oidc(c: Page, provider: Provider) {
  const { store } = c.get('identity');
  const { incoming, outgoing } = c.env;
  const details = await provider.interactionDetails(incoming, outgoing).catch(() => undefined);
  const application = applicationByClient(store, String(details?.params.client_id));
  if (details === undefined || details.uid !== c.req.param('uid') || application === undefined)
    throw new Failure(400, 'This request is out of date. Begin again at the application.');
  const elsewhere = detour(c, application, `/sso/oidc/${details.uid}`);
  const session = c.get('session');
  if (elsewhere !== undefined || session === undefined) return c.redirect(elsewhere ?? '/login', 303);
  if (asksAnew(details.params) && session.startedAt < details.iat * 1000)
    return c.redirect(`/login${returnQuery(`/sso/oidc/${details.uid}`)}`, 303);
  const allowed = await enter(c, application, session, false);
  const amr = session.factor === null ? ['pwd'] : ['pwd', session.factor === 'totp' ? 'otp' : 'hwk', 'mfa'];
  const result = allowed
    ? {
        login: {
          ...{ accountId: session.owner, remember: false, amr, ts: Math.floor(session.startedAt / 1000) },
        },
      }
    : { error: 'access_denied', error_description: 'The user has no access to this application.' };
  return c.redirect(await provider.interactionResult(incoming, outgoing, result), 303);
}

/** The application wants its user to log in now, whatever session there is. */
function asksAnew(params: Readonly<Record<string, unknown>>): boolean {
  return (
    String(params.prompt ?? '')
      .split(' ')
      .includes('login') || params.max_age !== undefined
  );
}

/** Shown where a page cannot be. */
export function faultPage(c: Page, message: string) {
  return layout(
    c,
    { title: 'This did not work', narrow: true, fault: message },
    html`<p><a href="/">Home</a></p>`,
  );
}
