import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SAML } from '@node-saml/node-saml';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, hiddenFields, PASSWORD, Visitor } from '../../demo/directory/testing/people.js';
import { type DirectoryProcess, startDirectoryProcess } from './running-directory.js';
import { removeFolder } from './running-guard.js';

/**
 * Logins at the directory as it is built and started. Node loads packages in other ways than the tests' loader does, and
 * what works there may fail here.
 */
type Item = Record<string, unknown>;
const CALLBACK = 'https://rp.example/callback';
const ACS = 'https://sp.example/acs';
const EMAIL = 'ada@people.example';

let dir: string;
let directory: DirectoryProcess;
let origin: string;
let userId: string;
let saml: Item;
let oidc: Item;

async function api(method: string, pathname: string, body?: unknown): Promise<Item> {
  const response = await fetch(origin + pathname, {
    ...{ method, headers: { 'x-api-key': directory.seeded.keys[0]?.apiKey ?? '' } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.status, `${method} ${pathname}: ${text}`).toBeLessThan(300);
  return text === '' ? {} : (JSON.parse(text) as Item);
}

async function application(body: Item): Promise<Item> {
  const made = await api('POST', '/api/applications', body);
  await api('POST', `/api/v2/users/${userId}/associations`, { op: 'add', type: 'application', id: made.id });
  return made;
}

beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-login-'));
  directory = await startDirectoryProcess(dir, ['--organisations', '1', '--users', '6', '--behind-proxy']);
  origin = `http://localhost:${directory.port}`;
  userId = String((await api('POST', '/api/systemusers', { username: 'u.ada', email: EMAIL })).id);
  await api('POST', `/api/systemusers/${userId}/password`, { password: PASSWORD });
  const config = { acsUrl: { value: ACS }, spEntityId: { value: 'https://sp.example' } };
  saml = await application({ name: 'saml', displayName: 'Wiki', sso: { type: 'saml' }, config });
  oidc = await application({
    ...{ name: 'oidc', displayName: 'Notes', sso: { type: 'oidc' } },
    config: { redirectUris: { value: [CALLBACK] } },
  });
});
afterAll(async () => {
  await directory?.stop();
  removeFolder(dir);
});

const field = (text: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';

async function loggedIn(): Promise<Visitor> {
  const visitor = new Visitor(origin);
  expect((await visitor.logIn(EMAIL)).status).toBe(303);
  return visitor;
}

describe('the built directory', () => {
  it('gives the metadata of every SAML application that it was seeded with', async () => {
    const { results } = (await api('GET', '/api/applications?limit=100')) as { results: Item[] };
    const wanted = results.filter((each) => (each.sso as Item | undefined)?.type === 'saml');
    expect(wanted.length).toBeGreaterThan(1);
    for (const { id } of wanted) {
      const response = await fetch(`${origin}/saml2/${id}/metadata`);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('EntityDescriptor');
    }
  });

  it('logs in by SAML: the service provider takes the assertion that it asked for', async () => {
    const { config } = (await api('GET', `/api/applications/${saml.id}`)) as { config: Record<string, Item> };
    const provider = new SAML({
      ...{ callbackUrl: ACS, entryPoint: `${origin}/saml2/${saml.id}`, issuer: 'https://sp.example' },
      ...{ idpCert: String(config.idpCertificate?.value), audience: 'https://sp.example' },
      ...{ wantAuthnResponseSigned: true, wantAssertionsSigned: true },
    });
    const url = await provider.getAuthorizeUrlAsync('where I was', undefined, {});
    const { text } = await (await loggedIn()).get(url.slice(origin.length));
    const { profile } = await provider.validatePostResponseAsync({
      SAMLResponse: field(text, 'SAMLResponse'),
    });
    expect(profile).toMatchObject({ nameID: EMAIL });
  });

  it('logs in by OpenID Connect', async () => {
    const config = await client.discovery(
      new URL(`${origin}/oidc`),
      String(oidc.clientId),
      {},
      client.ClientSecretBasic(String(oidc.clientSecret)),
      { execute: [client.allowInsecureRequests] },
    );
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      ...{ redirect_uri: CALLBACK, scope: 'openid email', state },
      ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    });
    const back = (await (await loggedIn()).get(url.href.slice(origin.length))).url;
    const tokens = await client.authorizationCodeGrant(config, new URL(back), {
      ...{ pkceCodeVerifier: verifier, expectedState: state },
    });
    expect(tokens.claims()).toMatchObject({ sub: userId, amr: ['pwd'] });
    expect(await client.fetchUserInfo(config, tokens.access_token, userId)).toMatchObject({ email: EMAIL });
  });

  it('enrols a second factor, says so and asks for it; a passkey is offered', async () => {
    const visitor = await loggedIn();
    const page = await visitor.get('/mfa/enrol');
    const secret = /<code>([A-Z2-7]+)<\/code>/.exec(page.text)?.[1] ?? '';
    const code = codeOf(secret, Date.now());
    const done = await visitor.post('/mfa/enrol', { ...hiddenFields(page.text, '/mfa/enrol'), code });
    const account = await visitor.get(done.headers.get('location') ?? '');
    expect(account.text).toMatch(/role="status">Your app is set up[\s\S]*in use/);
    expect((await visitor.get('/mfa/enrol')).text).toContain('data-passkey="create"');
    const again = new Visitor(origin);
    await again.logIn(EMAIL);
    expect((await again.get('/apps')).url).toBe('/mfa');
  });

  it('leads from the address of the machine to its name, and nowhere else', async () => {
    const open = (host: string, pathname: string, method = 'GET') =>
      fetch(`http://${host}:${directory.port}${pathname}`, { redirect: 'manual', method });
    const led = await open('127.0.0.1', '/login?return_to=%2Fmfa%2Fenrol');
    expect([led.status, led.headers.get('location')]).toEqual([
      302,
      `${origin}/login?return_to=%2Fmfa%2Fenrol`,
    ]);
    const away = (await open('127.0.0.1', '//evil.example/x')).headers.get('location') ?? '';
    expect(new URL(away).origin).toBe(origin);
    expect((await open('localhost', '/login')).status).toBe(200);
    expect((await open('127.0.0.1', '/login', 'POST')).status).toBe(403);
  });

  it('has no page that fails', async () => {
    const visitor = await loggedIn();
    const pages = [
      ...['/', '/login', '/password', '/forgot', '/reset', '/mfa', '/mfa/enrol', '/account', '/apps'],
      ...['/admin', '/admin/login', '/admin/users', '/admin/keys', '/admin/devices'],
      ...['/oidc/.well-known/openid-configuration', '/oidc/jwks', '/oidc/auth', '/oidc/me'],
      ...[`/saml2/${saml.id}`, `/saml2/${saml.id}/metadata`, '/saml2/nobody/metadata', '/nothing'],
    ];
    for (const page of pages) expect((await visitor.send('GET', page)).status, page).toBeLessThan(500);
  });
});
