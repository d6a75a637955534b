import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDirectory, testDirectory } from './testing/fixture.js';

let t: TestDirectory;
beforeAll(async () => {
  t = await testDirectory(1);
});
afterAll(() => t.close());

describe('service accounts', () => {
  const config = { lifetime: '30' };
  const create = (authType: string, name: string) =>
    t.call('POST', '/api/v2/service-accounts', {
      body: {
        name,
        roleId: 'Read Only',
        authConfig: { authType, apiKeyConfig: config, clientSecretConfig: config },
      },
    });

  it('have a key that is shown once, ends in time and with the account', async () => {
    const { status, json } = await create('API_KEY', 'siem');
    expect(status).toBe(201);
    const { apiKey: key } = json.authConfig as { apiKey: string };
    const { objectId } = json.serviceAccount as { objectId: string };
    expect((await t.call('GET', '/api/systemusers', { key })).status).toBe(200);
    expect((await t.call('POST', '/api/systemusers', { key, body: {} })).status).toBe(403);
    for (const url of ['', `/${objectId}`, `/${objectId}/auth-config`])
      expect((await t.call('GET', `/api/v2/service-accounts${url}`)).text).not.toContain(key);
    t.clock.now += 31 * 86_400_000;
    expect((await t.call('GET', '/api/systemusers', { key })).status).toBe(401);
    t.clock.now -= 31 * 86_400_000;
    expect((await t.call('DELETE', `/api/v2/service-accounts/${objectId}`)).status).toBe(204);
    expect((await t.call('GET', '/api/systemusers', { key })).status).toBe(401);
  });

  it('get tokens for their secret; forged and unsigned ones open nothing', async () => {
    const made = (await create('CLIENT_SECRET', 'terraform')).json;
    const { clientId, clientSecret } = made.authConfig as Record<string, string>;
    const token = async (secret: string | undefined) =>
      t.call('POST', '/oauth2/token', {
        key: undefined,
        body: 'grant_type=client_credentials&scope=api',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
      });
    expect((await token('wrong')).status).toBe(401);
    const bearer = String((await token(clientSecret)).json.access_token);
    const use = async (value: string) =>
      (await t.call('GET', '/api/systems', { key: undefined, headers: { authorization: `Bearer ${value}` } }))
        .status;
    expect(await use(bearer)).toBe(200);
    const [header = '', claims = '', signature = ''] = bearer.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const payload = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const foreign = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from('guessed secret, 32 bytes long...'));
    for (const forged of [
      `${none}.${claims}.`,
      `${none}.${claims}.${signature}`,
      `${header}.${claims}.`,
      foreign,
    ])
      expect(await use(forged)).toBe(401);
    t.clock.now += 3_601_000;
    expect(await use(bearer)).toBe(401);
    t.clock.now -= 3_601_000;
    const { objectId } = made.serviceAccount as { objectId: string };
    await t.call('DELETE', `/api/v2/service-accounts/${objectId}`);
    expect(await use(bearer)).toBe(401);
  });
});
