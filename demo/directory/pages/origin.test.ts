import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hiddenFields, PASSWORD, type PeopleDirectory, peopleDirectory } from '../testing/people.js';

const ORIGIN = 'https://directory.example';

let t: PeopleDirectory;
beforeAll(async () => {
  t = await peopleDirectory({ origin: ORIGIN });
});
afterAll(() => t.close());

/** As whoever ends TLS in front of the directory passes requests on. */
const send = (
  path: string,
  cookies: readonly string[],
  headers: Record<string, string> = {},
  body?: string,
) =>
  fetch(t.url + path, {
    redirect: 'manual',
    headers: { cookie: cookies.map((each) => each.split(';')[0]).join('; '), ...headers },
    ...(body === undefined ? {} : { method: 'POST', body }),
  });

describe('behind TLS, under a name of its own', () => {
  it('cookies are held to that host and to TLS, and forms to that origin', async () => {
    const user = await t.newUser('tls');
    const page = await send('/login', []);
    const first = page.headers.getSetCookie();
    const fields = hiddenFields(await page.text(), '/login');
    const body = new URLSearchParams({ ...fields, email: user.email, password: PASSWORD }).toString();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send('/login', first, { ...form, origin: t.url }, body)).status).toBe(403);
    const entered = await send('/login', first, { ...form, origin: ORIGIN }, body);
    expect(entered.status).toBe(303);
    const second = entered.headers.getSetCookie();
    const names = [...first, ...second].map((each) => each.split('=')[0]);
    expect(names).toEqual(['__Host-browser', '__Host-session']);
    for (const each of [...first, ...second]) {
      for (const attribute of [/; Secure/, /; HttpOnly/, /; Path=\/(?:;|$)/, /; SameSite=Lax/])
        expect(each).toMatch(attribute);
      // A browser takes no `__Host-` cookie that has one.
      expect(each).not.toMatch(/Domain=/i);
    }
    expect((await send('/apps', second)).status).toBe(200);
    // Under the name that it has without TLS, it is nobody's.
    const bare = second.map((each) => each.replace('__Host-', ''));
    expect((await send('/apps', bare)).headers.get('location')).toBe('/login');
    const out = await send('/logout', second, { ...form, origin: ORIGIN }, await logoutForm(second));
    expect(out.headers.getSetCookie().join()).toMatch(/^__Host-session=;.*Max-Age=0.*Secure/);
  });

  it('OpenID Connect and SAML name that origin, whatever the request says', async () => {
    const host = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const found = await send('/oidc/.well-known/openid-configuration', [], host);
    expect(await found.json()).toMatchObject({
      issuer: `${ORIGIN}/oidc`,
      token_endpoint: `${ORIGIN}/oidc/token`,
    });
    const made = await t.newApplication({
      ...{ name: 'saml', displayName: 'Wiki', sso: { type: 'saml' } },
      config: { acsUrl: { value: 'https://wiki.example/acs' }, spEntityId: { value: 'wiki' } },
    });
    const metadata = await (await send(`/saml2/${made.id}/metadata`, [], host)).text();
    expect(metadata).toContain(`Location="${ORIGIN}/saml2/${made.id}"`);
    expect(metadata).not.toContain('evil.example');
  });
});

async function logoutForm(cookies: readonly string[]): Promise<string> {
  const text = await (await send('/apps', cookies)).text();
  return new URLSearchParams(hiddenFields(text, '/logout')).toString();
}
