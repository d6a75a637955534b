import { createServer, type Server } from 'node:http';
import { SAML } from '@node-saml/node-saml';
import * as client from 'openid-client';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../../scripts/chromium.mjs';
import type { JsonObject } from '../model.js';
import { codeOf, PASSWORD, type PeopleDirectory, type Person, peopleDirectory } from '../testing/people.js';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
ARGS.push('--disable-background-networking', '--disable-component-update', '--disable-sync');

let t: PeopleDirectory;
let browser: Browser;
let application: Server;
let applicationOrigin: string;
/** What the application does with a request; each test sets its own. */
let serve: (url: URL, body: string) => Promise<{ location?: string; text?: string }>;

beforeAll(async () => {
  t = await peopleDirectory();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ARGS });
  application = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += String(bytes);
    });
    request.on('end', () => {
      serve(new URL(request.url ?? '/', applicationOrigin), body).then(
        ({ location, text }) =>
          response.writeHead(location === undefined ? 200 : 302, location ? { location } : {}).end(text),
        (error) => response.writeHead(500).end(String(error)),
      );
    });
  });
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  const address = application.address();
  applicationOrigin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}, 60_000);
afterAll(async () => {
  await browser?.close();
  application?.close();
  await t?.close();
});

/** A browser of its own; whatever its policy blocks or its scripts throw fails the test. */
async function withPage(work: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  try {
    await work(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

async function fillLogin(page: Page, person: Person): Promise<void> {
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function enrolCodes(page: Page): Promise<string> {
  const secret = (await page.locator('main code').textContent()) ?? '';
  await page.getByLabel('Six digits').fill(codeOf(secret, t.clock.now()));
  await page.getByRole('button', { name: 'Confirm' }).click();
  return secret;
}

/** What the page's own script would send, and does not. */
function passkeyAnswer(page: Page): Promise<string> {
  return page.evaluate(`(async () => {
    const { options } = document.querySelector('form[data-passkey]').dataset;
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
    return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
  })()`);
}

/** Sends the form of a passkey from outside the page, as often as wanted at the same time. */
async function sendPasskey(page: Page, response: string, times: number): Promise<Response[]> {
  const token = await page.locator('form[data-passkey] [name=form_token]').getAttribute('value');
  const cookies = await page.context().cookies();
  const body = new URLSearchParams({ form_token: token ?? '', response });
  const headers = {
    cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
    origin: t.origin,
  };
  const send = () => fetch(`${t.origin}/mfa/passkey`, { method: 'POST', redirect: 'manual', headers, body });
  return Promise.all(Array.from({ length: times }, send));
}

describe('in a real browser', () => {
  it('a user logs in to an application over OpenID Connect, with a code that they enrol on the way', async () => {
    const user = await t.newUser('oidc');
    const redirect = `${applicationOrigin}/callback`;
    const made = await t.newApplication(
      {
        name: 'oidc',
        displayName: 'Notes',
        sso: { type: 'oidc' },
        config: { redirectUris: { value: [redirect] } },
      },
      user,
    );
    await t.api('POST', `/api/systemusers/${user.id}/mfa/enforce`, {});
    const config = await client.discovery(
      new URL(`${t.origin}/oidc`),
      String(made.clientId),
      {},
      client.ClientSecretBasic(String(made.clientSecret)),
      { execute: [client.allowInsecureRequests] },
    );
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    serve = async (url) => {
      if (url.pathname === '/callback') {
        const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
        const tokens = await client.authorizationCodeGrant(config, url, checks);
        return { text: `welcome ${tokens.claims()?.sub} by ${JSON.stringify(tokens.claims()?.amr)}` };
      }
      const location = client.buildAuthorizationUrl(config, {
        ...{ redirect_uri: redirect, scope: 'openid email', state, nonce, code_challenge_method: 'S256' },
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
      }).href;
      return { location };
    };
    await withPage(async (page) => {
      await page.goto(applicationOrigin);
      await fillLogin(page, user);
      await page.waitForURL('**/mfa/enrol**');
      await enrolCodes(page);
      await page.waitForURL('**/callback?**');
      expect(await page.textContent('body')).toBe(`welcome ${user.id} by ["pwd","otp","mfa"]`);
    });
  });

  it('a user opens a SAML application from the portal, and it takes the answer', async () => {
    const user = await t.newUser('saml');
    const acsUrl = `${applicationOrigin}/acs`;
    const config = { acsUrl: { value: acsUrl }, spEntityId: { value: 'sp' } };
    const made = await t.newApplication(
      { name: 'saml', displayName: 'Wiki', sso: { type: 'saml' }, config },
      user,
    );
    serve = async (_, body) => {
      const { json } = await t.api('GET', `/api/applications/${made.id}`);
      const { value } = (json.config as JsonObject).idpCertificate as JsonObject;
      const sp = new SAML({ callbackUrl: acsUrl, issuer: 'sp', audience: 'sp', idpCert: String(value) });
      const SAMLResponse = new URLSearchParams(body).get('SAMLResponse') ?? '';
      const { profile } = await sp.validatePostResponseAsync({ SAMLResponse });
      return { text: `welcome ${profile?.nameID}` };
    };
    await withPage(async (page) => {
      await page.goto(`${t.origin}/login`);
      await fillLogin(page, user);
      await page.getByRole('link', { name: 'Open Wiki' }).click();
      await page.waitForURL('**/acs');
      expect(await page.textContent('body')).toBe(`welcome ${user.email}`);
    });
  });

  it('a passkey is enrolled, opens the next session, and no longer after a reset', async () => {
    const user = await t.newUser('passkey');
    await withPage(async (page) => {
      const devtools = await page.context().newCDPSession(page);
      await devtools.send('WebAuthn.enable');
      const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
          ...{ isUserVerified: true, automaticPresenceSimulation: true },
        },
      });
      await page.goto(`${t.origin}/login`);
      await fillLogin(page, user);
      await page.waitForURL('**/apps');
      await page.goto(`${t.origin}/mfa/enrol`);
      await page.getByLabel('Name of the passkey').fill('My <laptop>');
      await page.getByRole('button', { name: 'Add passkey' }).click();
      await page.waitForURL('**/account?enrolled=passkey');
      expect(await page.textContent('[role=status]')).toContain('Your passkey is added');
      expect(await page.textContent('main')).toContain('My <laptop>');
      await page.getByRole('button', { name: 'Log out' }).click();
      await fillLogin(page, user);
      await page.waitForURL('**/mfa');
      // An answer to another challenge is none, though nobody has seen it yet.
      const kept = await passkeyAnswer(page);
      await page.goto(`${t.origin}/mfa`);
      await page.evaluate(
        `{ const form = document.querySelector('form[data-passkey]'); form.elements.response.value = ${JSON.stringify(kept)}; form.submit(); }`,
      );
      await page.getByRole('alert').waitFor();
      await page.getByRole('button', { name: 'Use passkey' }).click();
      await page.waitForURL('**/apps');
      expect(t.events('user_login_attempt').at(-1)).toMatchObject({
        ...{ success: true, mfa: true, auth_context: { auth_methods: { webauthn: { success: true } } } },
      });
      // Sent twice at once, an answer opens one session: a challenge is gone when it is taken.
      await page.goto(`${t.origin}/account`);
      await page.getByRole('button', { name: 'Log out' }).click();
      await fillLogin(page, user);
      await page.waitForURL('**/mfa');
      const answers = await sendPasskey(page, await passkeyAnswer(page), 4);
      const opened = answers.filter((each) => /^session=/m.test(each.headers.getSetCookie().join('\n')));
      expect(opened.map(({ status }) => status)).toEqual([303]);
      await t.api('POST', `/api/systemusers/${user.id}/resetmfa`, {});
      await page.goto(`${t.origin}/login`);
      await fillLogin(page, user);
      await page.waitForURL('**/apps');
      await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    });
  });

  it('pages have names for what is in them, one heading, and fit a phone', async () => {
    const user = await t.newUser('reader');
    await withPage(async (page) => {
      await page.setViewportSize({ width: 360, height: 640 });
      const check = async () => {
        expect(await page.locator('html[lang] h1').count(), page.url()).toBe(1);
        expect(await page.locator('main').count()).toBe(1);
        const nameless = await page.evaluate(
          `[...document.querySelectorAll('input:not([type=hidden])')].filter((each) => !each.labels?.length).length`,
        );
        expect(nameless, page.url()).toBe(0);
        const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect(wide, page.url()).toBe(false);
      };
      for (const path of ['/login', '/admin/login', '/forgot', '/reset?code=x', '/nowhere']) {
        await page.goto(t.origin + path);
        await check();
      }
      await page.goto(`${t.origin}/login`);
      // By keyboard alone.
      await page.getByLabel('E-mail address').focus();
      await page.keyboard.type(user.email);
      await page.keyboard.press('Tab');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/apps');
      for (const path of ['/apps', '/account', '/password', '/mfa/enrol']) {
        await page.goto(t.origin + path);
        await check();
      }
    });
  });
});
