import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { SAML } from '@node-saml/node-saml';
import { exportJWK, SignJWT } from 'jose';
import * as client from 'openid-client';
import { SamlLib } from 'samlify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../model.js';
import {
  codeOf,
  hiddenFields,
  PASSWORD,
  type PeopleDirectory,
  type Person,
  peopleDirectory,
  Visitor,
} from '../testing/people.js';
import { newKeyPair } from './applications.js';

let t: PeopleDirectory;
let user: Person;
let outsider: Person;
beforeAll(async () => {
  t = await peopleDirectory();
  user = await t.newUser('ada');
  outsider = await t.newUser('eve');
});
afterAll(() => t.close());

const loggedIn = async (person: Person) => {
  const visitor = new Visitor(t.origin);
  expect((await visitor.logIn(person.email)).status).toBe(303);
  return visitor;
};

describe('OpenID Connect', () => {
  const callback = 'https://rp.example/callback';
  let config: client.Configuration;
  let application: JsonObject;

  beforeAll(async () => {
    const body = { name: 'oidc', displayName: 'Notes', sso: { type: 'oidc' } };
    application = await t.newApplication({ ...body, config: { redirectUris: { value: [callback] } } }, user);
    config = await client.discovery(
      new URL(`${t.origin}/oidc`),
      String(application.clientId),
      {},
      client.ClientSecretBasic(String(application.clientSecret)),
      { execute: [client.allowInsecureRequests] },
    );
  });

  const begin = async (extra: Record<string, string> = {}) => {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, {
      ...{ redirect_uri: callback, scope: 'openid email profile', state, nonce },
      ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      ...extra,
    });
    const finish = (back: string) =>
      client.authorizationCodeGrant(config, new URL(back), {
        ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
      });
    return { path: url.href.slice(t.origin.length), finish };
  };

  it('a relying party logs its user in, and asks who it is', async () => {
    const { path, finish } = await begin();
    const visitor = new Visitor(t.origin);
    const login = await visitor.get(path);
    expect(login.url).toContain('/login?return_to=');
    const on = await visitor.post('/login', {
      ...hiddenFields(login.text, '/login'),
      ...{ email: user.email, password: PASSWORD },
    });
    const to = /content="0;url=([^"]+)"/.exec(on.text)?.[1] ?? '';
    const back = (await visitor.get(to)).url;
    expect(back).toMatch(/^https:\/\/rp\.example\/callback\?code=/);
    const tokens = await finish(back);
    expect(tokens.claims()).toMatchObject({ sub: user.id, amr: ['pwd'], aud: application.clientId });
    const info = await client.fetchUserInfo(config, tokens.access_token, user.id);
    expect(info).toMatchObject({ email: user.email, preferred_username: 'u.ada' });
    expect(t.events('sso_auth').at(-1)).toMatchObject({
      ...{ service: 'sso', sso_token_success: true, mfa: false, idp_initiated: false },
      application: { id: application.id, sso_type: 'oidc' },
      initiated_by: { type: 'user', id: user.id },
      client_ip: visitor.ip,
    });
    // The code was good for one time.
    await expect(finish(back)).rejects.toThrow();
    // Who is suspended is nobody any more.
    await t.api('POST', `/api/systemusers/${user.id}/state/suspend`, {});
    await expect(client.fetchUserInfo(config, tokens.access_token, user.id)).rejects.toThrow();
    await t.api('POST', `/api/systemusers/${user.id}/state/activate`, {});
  });

  it('lets nobody in who has no access, and says so to the application', async () => {
    const foreign = await t.newUser('foreign', 1);
    for (const [person, n] of [
      [outsider, 0],
      [foreign, 1],
    ] as const) {
      const { path } = await begin();
      const { url } = await (await loggedIn(person)).get(path);
      expect(new URL(url).searchParams.get('error')).toBe('access_denied');
      const event = t.events('sso_auth', n).at(-1);
      expect(event).toMatchObject({ sso_token_success: false, initiated_by: { id: person.id } });
      // The other organisation does not learn what this application is called.
      expect(JSON.stringify(event).includes('Notes')).toBe(n === 0);
    }
  });

  it('demands a second factor where the application does, and prompts anew when told to', async () => {
    const targets = { resources: [{ type: 'application', id: application.id ?? '' }] };
    const effect = { action: 'allow', obligations: { mfa: { required: true } } };
    const policy = { name: 'mfa for Notes', type: 'application', effect, targets };
    const made = (await t.api('POST', '/api/v2/authn/policies', policy)).json;
    const visitor = await loggedIn(user);
    const { path, finish } = await begin();
    const enrol = await visitor.get(path);
    expect(enrol.url).toContain('/mfa/enrol?return_to=');
    const secret = /<code>([A-Z2-7]+)<\/code>/.exec(enrol.text)?.[1] ?? '';
    const on = await visitor.post('/mfa/enrol', {
      ...hiddenFields(enrol.text, '/mfa/enrol'),
      code: codeOf(secret, t.clock.now()),
    });
    const back = await visitor.get(/content="0;url=([^"]+)"/.exec(on.text)?.[1] ?? '');
    expect((await finish(back.url)).claims()).toMatchObject({ amr: ['pwd', 'otp', 'mfa'] });
    expect(t.events('sso_auth').at(-1)).toMatchObject({ mfa: true });
    await t.api('DELETE', `/api/v2/authn/policies/${made.id}`);
    await t.api('POST', `/api/systemusers/${user.id}/resetmfa`, {});
    const earlier = await loggedIn(outsider);
    // Times in the protocol are whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await earlier.get((await begin({ prompt: 'login' })).path)).url).toContain('/login?return_to=');
    expect((await earlier.get((await begin()).path)).url).toContain('error=access_denied');
  });

  it('answers only where the application was registered, and only with a proof of its own', async () => {
    const visitor = await loggedIn(user);
    for (const redirect_uri of ['https://evil.example/', `${callback}/../x`, `${callback}@evil.example`]) {
      const { status, headers } = await visitor.send('GET', (await begin({ redirect_uri })).path);
      expect([status, headers.get('location')], redirect_uri).toEqual([400, null]);
    }
    const { path } = await begin({ code_challenge: '', code_challenge_method: '' });
    expect((await visitor.get(path)).url).toContain('error=invalid_request');
    const stolen = await begin();
    const back = (await visitor.get(stolen.path)).url;
    await expect((await begin()).finish(back)).rejects.toThrow();
  });

  it('takes no other redirect addresses than web addresses with TLS or on this machine', async () => {
    for (const value of [['http://rp.example/'], ['javascript:alert(1)'], ['data:text/html,x'], ['x']])
      expect(
        (await t.api('PUT', `/api/applications/${application.id}`, { config: { redirectUris: { value } } }))
          .status,
      ).toBe(400);
  });

  it('no token that somebody else made opens anything', async () => {
    const { path, finish } = await begin();
    const tokens = await finish((await (await loggedIn(user)).get(path)).url);
    const { keys } = (await (await fetch(`${t.origin}/oidc/jwks`)).json()) as { keys: JsonObject[] };
    expect(keys[0]).not.toHaveProperty('d');
    const pem = createPublicKey({ key: keys[0] as Record<string, string>, format: 'jwk' }).export({
      ...{ type: 'spki', format: 'pem' },
    }) as string;
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: `${t.origin}/oidc`,
      sub: user.id,
      aud: String(application.clientId),
      exp: now + 600,
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${part({ alg: 'none' })}.${part(claims)}.`;
    const confused = `${part({ alg: 'HS256', kid: keys[0]?.kid })}.${part(claims)}`;
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const sign = (header: object, more: object = {}) =>
      new SignJWT({ ...claims, ...more })
        .setProtectedHeader({ alg: 'RS256', ...header })
        .sign(own.privateKey);
    const active = (token: string) =>
      client.tokenIntrospection(config, token).then(
        (answer) => answer.active,
        () => false,
      );
    const forged: [string, string][] = [
      ['alg none', none],
      [
        'public key as secret',
        `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
      ],
      ['own key', await sign({})],
      ['own key in the header', await sign({ jwk: await exportJWK(own.publicKey) })],
      ['other issuer', await sign({ kid: keys[0]?.kid }, { iss: 'https://evil.example' })],
      ['expired', await sign({}, { exp: now - 600 })],
      ['id token', String(tokens.id_token)],
      ['nothing', 'x'],
    ];
    for (const [name, token] of forged) {
      const headers = { authorization: `Bearer ${token}` };
      for (const url of ['/oidc/me', '/api/systemusers', '/api/users/getSelf'])
        expect((await fetch(`${t.origin}${url}`, { headers })).status, `${name} ${url}`).toBe(401);
      expect(await active(token), name).toBe(false);
    }
    // A good token of a user is none of an administrator.
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    expect((await fetch(`${t.origin}/oidc/me`, { headers })).status).toBe(200);
    expect((await fetch(`${t.origin}/api/systemusers`, { headers })).status).toBe(401);
    expect(await active(tokens.access_token)).toBe(true);
    const other = await t.newApplication({
      name: 'oidc',
      sso: { type: 'oidc' },
      config: { redirectUris: [callback] },
    });
    const secret = client.ClientSecretBasic(String(other.clientSecret));
    const stranger = await client.discovery(new URL(`${t.origin}/oidc`), String(other.clientId), {}, secret, {
      execute: [client.allowInsecureRequests],
    });
    expect((await client.tokenIntrospection(stranger, tokens.access_token)).active).toBe(false);
    await client.tokenRevocation(stranger, tokens.access_token).catch(() => undefined);
    expect(await active(tokens.access_token)).toBe(true);
    await client.tokenRevocation(config, tokens.access_token);
    expect(await active(tokens.access_token)).toBe(false);
  });

  it('another organisation neither sees nor changes the application', async () => {
    const url = `/api/applications/${application.id}`;
    expect((await t.api('GET', url, undefined, 1)).status).toBe(404);
    expect((await t.api('PUT', url, { config: { idpEntityId: { value: 'x' } } }, 1)).status).toBe(404);
    const secret = `/demo/applications/${application.id}/clientsecret`;
    expect((await t.api('POST', secret, {}, 1)).status).toBe(404);
    const old = config;
    const made = await t.api('POST', secret, {});
    expect(made.status).toBe(200);
    await expect(client.tokenIntrospection(old, 'x')).rejects.toThrow();
  });
});

describe('SAML', () => {
  const acsUrl = 'https://sp.example/acs';
  let application: JsonObject;
  const sp = (idpCert: string, more: object = {}) =>
    new SAML({
      ...{
        callbackUrl: acsUrl,
        entryPoint: `${t.origin}/saml2/${application.id}`,
        issuer: 'https://sp.example',
      },
      ...{
        idpCert,
        audience: 'https://sp.example',
        wantAuthnResponseSigned: true,
        wantAssertionsSigned: true,
      },
      ...more,
    } as ConstructorParameters<typeof SAML>[0]);
  const field = (text: string, name: string) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
  const certificate = async () => {
    const { json } = await t.api('GET', `/api/applications/${application.id}`);
    return String(((json.config as JsonObject).idpCertificate as JsonObject).value);
  };
  const fromPortal = async (visitor: Visitor) =>
    field((await visitor.get(`/saml2/${application.id}`)).text, 'SAMLResponse');

  beforeAll(async () => {
    const config = {
      ...{ acsUrl: { value: acsUrl }, spEntityId: { value: 'https://sp.example' } },
      constantAttributes: { value: [{ name: 'tier', value: '<gold>' }] },
    };
    const body = { name: 'saml', displayName: 'Wiki', sso: { type: 'saml' }, config };
    application = await t.newApplication(body, user);
  });

  it('a service provider takes the assertion that it asked for', async () => {
    const visitor = await loggedIn(user);
    await fromPortal(visitor);
    const provider = sp(await certificate(), { validateInResponseTo: 'always' });
    const url = await provider.getAuthorizeUrlAsync('where I was', undefined, {});
    const { text, headers } = await visitor.get(url.slice(t.origin.length));
    expect(headers.get('content-security-policy')).toContain("form-action 'self' https://sp.example;");
    expect(field(text, 'RelayState')).toBe('where I was');
    const SAMLResponse = field(text, 'SAMLResponse');
    const { profile } = await provider.validatePostResponseAsync({ SAMLResponse });
    expect(profile).toMatchObject({ nameID: user.email, email: user.email, tier: '<gold>' });
    expect(t.events('sso_auth').at(-1)).toMatchObject({
      ...{
        sso_token_success: true,
        idp_initiated: false,
        application: { id: application.id, sso_type: 'saml' },
      },
    });
    await expect(provider.validatePostResponseAsync({ SAMLResponse })).rejects.toThrow();
  });

  it('its certificate can be swapped by API, as thieves do: the old trust ends, theirs begins', async () => {
    const visitor = await loggedIn(user);
    await fromPortal(visitor);
    const before = await certificate();
    const thief = await newKeyPair('thief', Date.now());
    const swap = (idpCertificate: string, idpPrivateKey?: string) => {
      const config = {
        idpCertificate: { value: idpCertificate },
        ...(idpPrivateKey === undefined ? {} : { idpPrivateKey: { value: idpPrivateKey } }),
      };
      return t.api('PUT', `/api/applications/${application.id}`, { config });
    };
    expect((await swap(thief.certificate)).status).toBe(400);
    const swapped = await swap(thief.certificate, thief.privateKey);
    expect(swapped.status).toBe(200);
    expect(JSON.stringify(swapped.json)).not.toContain('PRIVATE KEY');
    const SAMLResponse = await fromPortal(visitor);
    await expect(sp(before).validatePostResponseAsync({ SAMLResponse })).rejects.toThrow(/signature/i);
    const { profile } = await sp(thief.certificate).validatePostResponseAsync({ SAMLResponse });
    expect(profile?.nameID).toBe(user.email);
    const event = t.events('application_update').at(-1);
    expect(JSON.stringify(event)).toContain('idpCertificate');
    expect(JSON.stringify(event)).not.toContain('PRIVATE KEY');
  });

  it('who has no access gets no assertion', async () => {
    const visitor = await loggedIn(outsider);
    const { status, text } = await visitor.get(`/saml2/${application.id}`);
    expect([status, text.includes('SAMLResponse')]).toEqual([403, false]);
    expect(t.events('sso_auth').at(-1)).toMatchObject({ sso_token_success: false, idp_initiated: true });
  });

  it('an assertion that was moved or changed is refused by the service provider', async () => {
    const SAMLResponse = await fromPortal(await loggedIn(user));
    const provider = sp(await certificate());
    const xml = Buffer.from(SAMLResponse, 'base64').toString('utf8');
    const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
    const forged = assertion
      .replaceAll(user.email, outsider.email)
      .replace(/ID="[^"]+"/, 'ID="_forged"')
      .replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/, '');
    for (const changed of [
      xml.replaceAll(user.email, outsider.email),
      xml.replace(assertion, forged + assertion),
      xml.replace(assertion, forged.replace('</saml:Assertion>', `${assertion}</saml:Assertion>`)),
      xml
        .replace('<samlp:Status>', `<samlp:Extensions>${assertion}</samlp:Extensions><samlp:Status>`)
        .replace(assertion, forged),
      xml.replace('<samlp:Response', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><samlp:Response'),
      xml.replace(user.email, `${user.email}<!---->.evil.example`),
    ]) {
      const sent = { SAMLResponse: Buffer.from(changed).toString('base64') };
      const taken = await provider.validatePostResponseAsync(sent).then(
        ({ profile }) => profile?.nameID,
        () => undefined,
      );
      expect([undefined, user.email]).toContain(taken);
      if (changed.includes(outsider.email)) expect(taken).not.toBe(outsider.email);
    }
  });

  const request = (more: Record<string, string> = {}, inside = '') => {
    const values: Record<string, string> = {
      ...{ ID: '_r1', Version: '2.0', IssueInstant: new Date().toISOString() },
      ...{ Destination: `${t.origin}/saml2/${application.id}`, AssertionConsumerServiceURL: acsUrl, ...more },
    };
    const attributes = Object.entries(values).map(([name, value]) => `${name}="${value}"`);
    return `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ${attributes.join(' ')}><saml:Issuer>https://sp.example</saml:Issuer>${inside}</samlp:AuthnRequest>`;
  };
  const redirect = (xml: string) =>
    new Visitor(t.origin).send(
      'GET',
      `/saml2/${application.id}?SAMLRequest=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`,
    );
  const post = (xml: string) =>
    new Visitor(t.origin).post(
      `/saml2/${application.id}`,
      { SAMLRequest: Buffer.from(xml).toString('base64'), RelayState: '' },
      'https://sp.example',
    );

  it('requests that ask for another place, bring entities or blow up are refused', async () => {
    const doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>';
    for (const send of [redirect, post]) {
      expect((await send(request())).status).toBe(303);
      for (const xml of [
        request({ AssertionConsumerServiceURL: 'https://evil.example/acs' }),
        request({ Destination: 'https://other.example/' }),
        request().replace('https://sp.example</', 'https://evil.example</'),
        doctype + request(),
        doctype + request().replace('https://sp.example</', '&e;</'),
        '<x/>',
        'no XML',
        request({}, 'x'.repeat(10_000_000)),
      ])
        expect([400, 413], xml.slice(0, 200)).toContain((await send(xml)).status);
    }
  });

  it('where requests have to be signed, only a signature over the whole request counts', async () => {
    const [own, other] = [await newKeyPair('sp', Date.now()), await newKeyPair('other', Date.now())];
    const set = (value: string) =>
      t.api('PUT', `/api/applications/${application.id}`, { config: { spCertificate: { value } } });
    await set(own.certificate);
    const bare = (pem: string) => pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
    const signed = (privateKey: string, xml = request(), certificate = own.certificate) =>
      Buffer.from(
        SamlLib.constructSAMLSignature({
          ...{ rawSamlMessage: xml, isMessageSigned: true, privateKey, signingCert: bare(certificate) },
          signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          signatureConfig: {
            prefix: 'ds',
            location: {
              reference: "/*[local-name(.)='AuthnRequest']/*[local-name(.)='Issuer']",
              action: 'after',
            },
          },
        }),
        'base64',
      ).toString('utf8');
    const good = signed(own.privateKey);
    expect((await post(good)).status).toBe(303);
    expect((await post(request())).status).toBe(400);
    expect((await redirect(request())).status).toBe(400);
    expect((await post(signed(other.privateKey))).status).toBe(400);
    expect((await post(signed(other.privateKey, request(), other.certificate))).status).toBe(400);
    // Wrapped: the signed request inside another, whose root has an id of its own, with and without the signature.
    const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(good)?.[0] ?? '';
    expect(
      (await post(request({ ID: '_evil' }, `<samlp:Extensions>${good}</samlp:Extensions>`))).status,
    ).toBe(400);
    expect((await post(request({ ID: '_evil' }, signature + good.replace(signature, '')))).status).toBe(400);
    const provider = sp(await certificate(), { privateKey: own.privateKey, signatureAlgorithm: 'sha256' });
    const url = await provider.getAuthorizeUrlAsync('x', undefined, {});
    expect((await new Visitor(t.origin).send('GET', url)).status).toBe(303);
    expect(
      (await new Visitor(t.origin).send('GET', url.replace('RelayState=x', 'RelayState=y'))).status,
    ).toBe(400);
    await set('');
  });

  it('a request that was begun for one application does not serve another', async () => {
    const config = { acsUrl: { value: 'https://other.example/acs' } };
    const other = await t.newApplication(
      { name: 'saml', displayName: 'B', sso: { type: 'saml' }, config },
      user,
    );
    const sealed = String((await redirect(request())).headers.get('location')).split('request=')[1];
    const visitor = await loggedIn(user);
    expect((await visitor.get(`/saml2/${other.id}?request=${sealed}`)).status).toBe(400);
    expect((await visitor.get(`/saml2/${application.id}?request=AAAA`)).status).toBe(400);
    expect((await visitor.get(`/saml2/${application.id}?request=${sealed}`)).status).toBe(200);
  });

  it('publishes what a service provider needs to know', async () => {
    const seen = await new Visitor(t.origin).get(`/saml2/${application.id}/metadata`);
    expect(seen.text).toContain('IDPSSODescriptor');
    expect(seen.text).not.toContain('PRIVATE');
  });
});
