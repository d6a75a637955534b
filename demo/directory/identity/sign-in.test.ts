import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  codeOf,
  hiddenFields,
  PASSWORD,
  type PeopleDirectory,
  type Person,
  peopleDirectory,
  Visitor,
} from '../testing/people.js';
import { FAILURES_MAX, WINDOW_MS } from '../throttle.js';
import { partOf } from './accounts.js';
import { IDLE_MS, SESSION_MS } from './sessions.js';

let t: PeopleDirectory;
let addresses = 0;
/** Each from an address of its own, so that no test uses up another's tries. */
const visitor = () => new Visitor(t.origin, `203.0.113.${(addresses++ % 250) + 1}`);
const entered = async (person: Person) => {
  const each = visitor();
  const seen = await each.logIn(person.email);
  expect([seen.status, seen.headers.get('location')]).toEqual([303, '/']);
  return each;
};
/** Adds a second factor by the page, and returns its key. */
const enrol = async (each: Visitor): Promise<string> => {
  const { text } = await each.get('/mfa/enrol');
  const secret = /<code>([A-Z2-7]+)<\/code>/.exec(text)?.[1] ?? '';
  const code = codeOf(secret, t.clock.now());
  const seen = await each.post('/mfa/enrol', { ...hiddenFields(text, '/mfa/enrol'), code });
  expect(seen.status, seen.text).toBe(303);
  return secret;
};
/** Of the mails, which are a file here. */
const lastLink = (email: string): string | undefined => {
  const outbox = path.join(t.dir, 'outbox.jsonl');
  const lines = existsSync(outbox) ? readFileSync(outbox, 'utf8').split('\n').slice(0, -1) : [];
  const mails = lines.map((line) => JSON.parse(line) as { to: string; link: string });
  return mails.findLast(({ to }) => to === email)?.link.slice(t.origin.length);
};
const nextCode = () => {
  t.clock.aheadMs += 30_000;
};

beforeAll(async () => {
  t = await peopleDirectory();
});
afterAll(() => t.close());

describe('logging in', () => {
  it('leads to the applications, and leaves an event with address and browser', async () => {
    const user = await t.newUser('ada');
    const each = await entered(user);
    const { text, url } = await each.get('/');
    expect([url, text.includes('My applications')]).toEqual(['/apps', true]);
    expect(t.events('user_login_attempt')).toMatchObject([
      {
        ...{ service: 'directory', success: true, mfa: false, client_ip: each.ip, auth_method: 'session' },
        initiated_by: { type: 'user', id: user.id, username: 'u.ada' },
        useragent: { name: 'Firefox', major: '128' },
        organization: t.seeded.keys[0]?.organization,
      },
    ]);
    await each.submit('/apps', {}, '/logout');
    expect((await each.get('/apps')).url).toBe('/login');
  });

  it('is open to a seeded administrator with password and code', async () => {
    const admin = t.seeded.passwords.find(({ kind }) => kind === 'admin');
    const each = visitor();
    await each.logIn(admin?.email ?? '', admin?.password, '/admin/login');
    expect((await each.get('/admin/users')).url).toBe('/mfa');
    await each.submit('/mfa', { code: codeOf(admin?.totpSecret ?? '', t.clock.now()) });
    expect((await each.get('/admin/users')).text).toContain('<h1>Users</h1>');
    expect(t.events('admin_login_attempt')).toMatchObject([
      { success: true, mfa: true, initiated_by: { type: 'admin', email: admin?.email } },
    ]);
  });

  it('sets host-only cookies that no script reads and no other site sends', async () => {
    const user = await t.newUser('cookie');
    const seen = await visitor().logIn(user.email);
    const cookies = seen.headers.getSetCookie();
    expect(cookies.some((each) => each.startsWith('session='))).toBe(true);
    for (const each of cookies) {
      expect(each).toMatch(/HttpOnly/);
      expect(each).toMatch(/SameSite=Lax/);
      expect(each).not.toMatch(/Domain/i);
    }
  });

  it('every page has a strict policy, and none an inline script', async () => {
    for (const url of ['/login', '/admin/login', '/forgot', '/reset?code=x', '/nothing-here']) {
      const { headers, text } = await visitor().send('GET', url);
      const policy = headers.get('content-security-policy');
      expect(policy, url).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=/i);
      expect(headers.get('x-frame-options')).toBe('DENY');
    }
  });

  it('refuses who is suspended, and ends their sessions', async () => {
    const user = await t.newUser('gone');
    const each = await entered(user);
    await t.api('POST', `/api/systemusers/${user.id}/state/suspend`, {});
    expect((await each.get('/apps')).url).toBe('/login');
    expect((await visitor().logIn(user.email)).status).toBe(401);
    await t.api('POST', `/api/systemusers/${user.id}/state/activate`, {});
    expect((await visitor().logIn(user.email)).status).toBe(303);
  });

  it('follows a change of address, and ends with the account', async () => {
    const user = await t.newUser('moves');
    const each = await entered(user);
    const secret = await enrol(each);
    await t.api('PUT', `/api/systemusers/${user.id}`, { email: 'Moved@people.example' });
    expect((await visitor().logIn(user.email)).status).toBe(401);
    const moved = visitor();
    await moved.logIn('moved@PEOPLE.example');
    nextCode();
    expect((await moved.submit('/mfa', { code: codeOf(secret, t.clock.now()) })).status).toBe(303);
    await t.api('DELETE', `/api/systemusers/${user.id}`);
    expect((await moved.get('/apps')).url).toBe('/login');
    expect((await visitor().logIn('moved@people.example')).status).toBe(401);
    expect(t.store.hidden.under(['secret']).filter(({ key }) => key[3] === user.id)).toEqual([]);
  });

  it('lasts no longer than it may, used or unused', async () => {
    const user = await t.newUser('late');
    const [idle, busy] = [await entered(user), await entered(user)];
    for (let spent = 0; spent < SESSION_MS - IDLE_MS; spent += IDLE_MS / 2) {
      t.clock.aheadMs += IDLE_MS / 2;
      expect((await busy.get('/apps')).url).toBe('/apps');
    }
    expect((await idle.get('/apps')).url).toBe('/login');
    t.clock.aheadMs += IDLE_MS;
    expect((await busy.get('/apps')).url).toBe('/login');
  });
});

describe('attacks on logging in', () => {
  it('a session that was planted before gains nothing', async () => {
    const user = await t.newUser('fixed');
    const each = await entered(user);
    const planted = each.cookies.get('session') ?? '';
    const secret = await enrol(each);
    expect(each.cookies.get('session')).not.toBe(planted);
    const thief = visitor();
    thief.cookies.set('session', planted);
    expect((await thief.get('/apps')).url).toBe('/login');
    const victim = visitor();
    victim.cookies.set('session', 'f'.repeat(80));
    await victim.logIn(user.email);
    const first = victim.cookies.get('session');
    expect(first).not.toBe('f'.repeat(80));
    nextCode();
    await victim.submit('/mfa', { code: codeOf(secret, t.clock.now()) });
    expect(victim.cookies.get('session')).not.toBe(first);
    expect((await victim.get('/apps')).url).toBe('/apps');
  });

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/sso/oidc/../../evil',
    'javascript:alert(1)',
    '/sso/oidc/a@evil.example',
    '/saml2/ffffffffffffffffffffffff?request=a&next=//evil.example',
  ])('return_to=%s leads nowhere', async (to) => {
    const email = `redirect${addresses}`;
    const user = await t.newUser(email);
    const each = visitor();
    const page = await each.get(`/login?return_to=${encodeURIComponent(to)}`);
    expect(page.text).not.toContain('evil');
    const seen = await each.submit('/login', { email: user.email, password: PASSWORD, return_to: to });
    expect([seen.status, seen.headers.get('location')]).toEqual([303, '/']);
  });

  it('no form counts without its token or from another origin', async () => {
    const user = await t.newUser('forged');
    const each = await entered(user);
    const { text } = await each.get('/account');
    const own = hiddenFields(text, '/logout').form_token ?? '';
    const other = hiddenFields((await visitor().get('/login')).text, '/login').form_token ?? '';
    const actions = ['/login', '/admin/login', '/logout', '/forgot', '/reset', '/password', '/mfa'];
    actions.push('/mfa/passkey', '/mfa/enrol', '/mfa/enrol/passkey', '/admin/keys');
    actions.push(`/admin/users/${user.id}/suspend`);
    for (const action of actions) {
      for (const form_token of ['', 'x', other])
        expect((await each.post(action, { form_token })).status, action).toBe(403);
      for (const origin of ['https://evil.example', 'null'])
        expect((await each.post(action, { form_token: own }, origin)).status, action).toBe(403);
      const bare = await each.send(
        'POST',
        action,
        { 'content-type': 'application/x-www-form-urlencoded' },
        '',
      );
      expect(bare.status, action).toBe(403);
    }
    expect((await each.get('/apps')).url).toBe('/apps');
  });

  it('an account is locked after too many failures, and the answer does not tell', async () => {
    const user = await t.newUser('guessed');
    const wrong = await visitor().logIn(user.email, 'not the password');
    const unknown = await visitor().logIn('nobody@people.example', 'not the password');
    const plain = (seen: { text: string }) =>
      seen.text.replaceAll(/value="[^"]*"/g, '').replaceAll(/@people/g, '');
    expect([unknown.status, plain(unknown)]).toEqual([wrong.status, plain(wrong)]);
    for (let n = 0; n < 9; n++) await visitor().logIn(user.email, `guess ${n}`);
    expect(t.events('user_lockout')).toMatchObject([{ initiated_by: { id: user.id } }]);
    expect((await t.api('GET', `/api/systemusers/${user.id}`)).json.account_locked).toBe(true);
    // The right password does not open it now, and nobody learns that it was right.
    const right = await visitor().logIn(user.email);
    expect([right.status, plain(right)]).toEqual([wrong.status, plain(wrong)]);
    await t.api('POST', `/api/systemusers/${user.id}/unlock`, {});
    await entered(user);
    for (let n = 0; n < 10; n++) await visitor().logIn(user.email, `guess ${n}`);
    expect((await visitor().logIn(user.email)).status).toBe(401);
    t.clock.aheadMs += 901_000;
    await entered(user);
    expect((await t.api('GET', `/api/systemusers/${user.id}`)).json.account_locked).toBe(false);
  });

  it('tries at the same moment are counted all the same', async () => {
    const user = await t.newUser('parallel');
    await Promise.all(Array.from({ length: 12 }, (_, n) => visitor().logIn(user.email, `guess ${n}`)));
    expect((await visitor().logIn(user.email)).status).toBe(401);
  });

  it('an address that fails too often waits, whichever accounts it tries', async () => {
    const each = new Visitor(t.origin, '198.51.100.9');
    const statuses: number[] = [];
    for (let n = 0; n < FAILURES_MAX + 1; n++)
      statuses.push((await each.logIn(`any${n}@people.example`, 'x')).status);
    expect(statuses).toEqual([...Array(FAILURES_MAX).fill(401), 429]);
    t.clock.aheadMs += WINDOW_MS;
    expect((await each.logIn('any@people.example', 'x')).status).toBe(401);
  });

  it('takes as long for an address that nobody has', async () => {
    const user = await t.newUser('timed');
    const policy = { settings: { passwordPolicy: { maxLoginAttempts: 1_000 } } };
    const organization = String(t.seeded.keys[0]?.organization);
    expect((await t.api('PUT', `/api/organizations/${organization}`, policy)).status).toBe(200);
    const times: Record<string, number[]> = { known: [], unknown: [] };
    const each = visitor();
    const { text } = await each.get('/login');
    const hidden = hiddenFields(text, '/login');
    for (let n = 0; n < 41; n++) {
      for (const [kind, email] of [
        ['known', user.email],
        ['unknown', 'nobody@people.example'],
      ] as const) {
        const from = new Visitor(t.origin, `192.0.2.${n}`);
        for (const cookie of each.cookies) from.cookies.set(...cookie);
        const started = performance.now();
        await from.post('/login', { ...hidden, email, password: 'not the password' });
        times[kind]?.push(performance.now() - started);
      }
    }
    const median = (kind: string) => times[kind]?.sort((a, b) => a - b)[20] ?? 0;
    await t.api('PUT', `/api/organizations/${organization}`, { settings: { passwordPolicy: {} } });
    expect(median('known') / median('unknown')).toBeLessThan(2);
    expect(median('known') / median('unknown')).toBeGreaterThan(0.5);
  });
});

describe('the second factor', () => {
  it('is added after a recent login only: a browser left open gains no factor of its own', async () => {
    const user = await t.newUser('left-open');
    const each = await entered(user);
    t.clock.aheadMs += 6 * 60_000;
    const asked = await each.get('/mfa/enrol');
    expect(asked.url).toBe('/login?return_to=%2Fmfa%2Fenrol');
    const fields = { ...hiddenFields(asked.text, '/login'), email: user.email, password: PASSWORD };
    const on = await each.post('/login', fields);
    expect(on.text).toContain('url=/mfa/enrol');
    await enrol(each);
    t.clock.aheadMs += 6 * 60_000;
    expect((await each.get('/mfa/enrol')).url).toBe('/login?return_to=%2Fmfa%2Fenrol');
  });

  it('is enrolled, asked for, taken once, and gone after a reset', async () => {
    const user = await t.newUser('mfa');
    const each = await entered(user);
    const secret = await enrol(each);
    expect((await t.api('GET', `/api/systemusers/${user.id}`)).json).toMatchObject({ totp_enabled: true });
    expect(t.events('totp_finish_enrollment').at(-1)).toMatchObject({ initiated_by: { id: user.id } });
    nextCode();
    const code = codeOf(secret, t.clock.now());
    const again = visitor();
    await again.logIn(user.email);
    expect((await again.get('/apps')).url).toBe('/mfa');
    // A password alone does not add another factor.
    expect((await again.get('/mfa/enrol')).url).toBe('/mfa');
    expect((await again.submit('/mfa', { code: '000000' })).status).toBe(401);
    expect((await again.submit('/mfa', { code })).status).toBe(303);
    expect((await again.get('/apps')).url).toBe('/apps');
    const replay = visitor();
    await replay.logIn(user.email);
    expect((await replay.submit('/mfa', { code })).status).toBe(401);
    expect((await t.api('POST', `/api/systemusers/${user.id}/resetmfa`, {})).json.totp_enabled).toBe(false);
    expect((await again.get('/apps')).url).toBe('/login');
    await entered(user);
  });

  it('guesses at codes lock the account, however often the password is right', async () => {
    const user = await t.newUser('codes');
    const secret = await enrol(await entered(user));
    const begun = visitor();
    await begun.logIn(user.email);
    for (let n = 0; n < 10; n++) {
      const thief = visitor();
      await thief.logIn(user.email);
      await thief.submit('/mfa', { code: String(100_000 + n) });
    }
    nextCode();
    const right = { code: codeOf(secret, t.clock.now()) };
    expect((await begun.submit('/mfa', right)).status).toBe(401);
    expect((await visitor().logIn(user.email)).status).toBe(401);
  });

  it('is demanded by the account, and an exclusion lets in until it ends', async () => {
    const user = await t.newUser('asked');
    await t.api('POST', `/api/systemusers/${user.id}/mfa/enforce`, {});
    const each = visitor();
    await each.logIn(user.email);
    expect((await each.get('/apps')).url).toBe('/mfa/enrol');
    await enrol(each);
    expect((await each.get('/apps')).url).toBe('/apps');
    const until = new Date(t.clock.now() + 3_600_000).toISOString();
    const body = { exclusion: true, exclusionUntil: until };
    await t.api('POST', `/api/systemusers/${user.id}/resetmfa`, body);
    expect((await (await entered(user)).get('/apps')).url).toBe('/apps');
    t.clock.aheadMs += 3_600_001;
    const late = visitor();
    await late.logIn(user.email);
    expect((await late.get('/apps')).url).toBe('/mfa/enrol');
    expect(t.events('user_mfa_exclusion_expired')).toHaveLength(1);
  });
});

describe('a second factor is demanded', () => {
  it('of an administrator by `enableMultiFactor`, and again after `resettotp`, which ends what they had', async () => {
    const email = 'second.admin@people.example';
    const { json } = await t.api('POST', '/api/users', { email, roleName: 'Manager' });
    await t.api('PUT', `/api/users/${json.id}`, { enableMultiFactor: true });
    await visitor().submit('/forgot?kind=admin', { email }, '/forgot');
    const each = visitor();
    await expect.poll(() => lastLink(email)).toBeDefined();
    const link = lastLink(email) ?? '';
    expect((await each.submit(link, { password: PASSWORD }, '/reset')).status).toBe(200);
    await each.logIn(email, PASSWORD, '/admin/login');
    expect((await each.get('/admin/users')).url).toBe('/mfa/enrol');
    const secret = await enrol(each);
    expect((await each.get('/admin/users')).url).toBe('/admin/users');
    const shown = async () => (await t.api('GET', `/api/users/${json.id}`)).json;
    expect(await shown()).toMatchObject({ enableMultiFactor: true, totpEnrolled: true });
    const reset = await t.api('POST', `/api/users/resettotp/${json.id}`);
    expect([reset.status, reset.json.totpEnrolled]).toEqual([200, false]);
    expect((await shown()).totpEnrolled).toBe(false);
    expect(t.events('admin_totp_disable').at(-1)).toMatchObject({ resource: { id: json.id } });
    // The session that had shown the factor is over, and the factor opens nothing more.
    expect((await each.get('/admin/users')).url).toBe('/admin/login');
    const again = visitor();
    await again.logIn(email, PASSWORD, '/admin/login');
    expect((await again.get('/admin/users')).url).toBe('/mfa/enrol');
    nextCode();
    await again.post('/mfa', { code: codeOf(secret, t.clock.now()) });
    expect((await again.get('/admin/users')).url).toBe('/mfa/enrol');
    // Without the demand, a password is enough.
    await t.api('PUT', `/api/users/${json.id}`, { enableMultiFactor: false });
    expect((await again.get('/admin/users')).url).toBe('/admin/users');
  });

  it('of every user by a policy of the portal, as long as it is there and not disabled', async () => {
    const user = await t.newUser('portal');
    const each = await entered(user);
    const at = async () => (await each.get('/apps')).url;
    expect(await at()).toBe('/apps');
    const effect = { action: 'allow', obligations: { mfa: { required: true } } };
    const policy = { name: 'Portal', type: 'user_portal', effect };
    const { json } = await t.api('POST', '/api/v2/authn/policies', policy);
    const change = (fields: object) => t.api('PATCH', `/api/v2/authn/policies/${json.id}`, fields);
    expect(await at()).toBe('/mfa/enrol');
    await change({ disabled: true });
    expect(await at()).toBe('/apps');
    await change({ disabled: false, type: 'application' });
    expect(await at()).toBe('/apps');
    await change({ type: 'user_portal' });
    await enrol(each);
    expect(await at()).toBe('/apps');
    expect((await t.api('DELETE', `/api/v2/authn/policies/${json.id}`)).status).toBe(204);
    // Whoever has a factor is still asked for it.
    const later = await entered(user);
    expect((await later.get('/apps')).url).toBe('/mfa');
  });
});

describe('passwords', () => {
  it('in the body of POST, PUT and many at once are set as by their own route, or nothing is', async () => {
    const email = 'bodily@people.example';
    const user = { username: 'u.bodily', email };
    const create = (password: unknown) => t.api('POST', '/api/systemusers', { ...user, password });
    for (const [wrong, why] of [
      ['short', 'characters'],
      ['u.bodily is my name', 'name or address'],
      [{ $ne: '' }, 'field name'],
      [1, 'required'],
    ] as const) {
      const { status, json } = await create(wrong);
      expect([status, String(json.message)]).toEqual([400, expect.stringContaining(why)]);
    }
    const made = await create(PASSWORD);
    expect(made.json).toMatchObject({ activated: true, password_date: expect.any(String) });
    const first = await entered({ id: String(made.json.id), email });
    const path = `/api/systemusers/${made.json.id}`;
    const put = (body: object) => t.api('PUT', path, body);
    const used = await put({ lastname: 'Lost', password: PASSWORD });
    expect([used.status, String(used.json.message)]).toEqual([400, expect.stringContaining('used before')]);
    const second = 'a second good phrase';
    // Nothing is left of a call that fails in its other half.
    expect((await put({ email: t.seeded.passwords[1]?.email, password: second })).status).toBe(409);
    expect((await first.get('/apps')).url).toBe('/apps');
    expect((await t.api('GET', path)).json).toMatchObject({ email, lastname: '' });
    const done = await put({ lastname: 'Kept', password: second });
    expect([done.status, done.json.lastname]).toEqual([200, 'Kept']);
    expect((await first.get('/apps')).url).toBe('/login');
    expect((await visitor().logIn(email)).status).toBe(401);
    expect((await visitor().logIn(email, second)).status).toBe(303);
    // An absent password changes none.
    expect((await put({ lastname: 'Same', password: null })).status).toBe(200);
    const third = 'a third good phrase';
    await t.api('PATCH', '/api/v2/bulk/users', [{ id: made.json.id, password: third }]);
    expect((await visitor().logIn(email, third)).status).toBe(303);
    const events = t
      .events('user_password_set')
      .filter((each) => partOf(each, 'resource', 'id') === made.json.id);
    expect(events).toHaveLength(3);
    const log = JSON.stringify([...t.events('user_create'), ...t.events('user_update'), ...events]);
    for (const password of [PASSWORD, second, third]) expect(log).not.toContain(password);
  });

  it.each([
    ['short', 'characters'],
    ['Password1234!', 'tried first'],
    ['qwertyuiop', 'tried first'],
    ['my u.policy secret', 'name or address'],
    [PASSWORD, 'used before'],
  ])('%s is refused', async (password, why) => {
    const user = await t.newUser('policy').catch(async () => {
      const { json } = await t.api('GET', '/api/systemusers?filter=username:eq:u.policy');
      return { id: String((json.results as { id: string }[])[0]?.id), email: '' };
    });
    const { status, json } = await t.api('POST', `/api/systemusers/${user.id}/password`, { password });
    expect([status, String(json.message)]).toEqual([400, expect.stringContaining(why)]);
  });

  it('follow the policy of their organisation, and expire', async () => {
    const organization = String(t.seeded.keys.find(({ name }) => name.startsWith('Birch'))?.organization);
    const set = (passwordPolicy: object) =>
      t.api('PUT', `/api/organizations/${organization}`, { settings: { passwordPolicy } }, 1);
    const user = await t.newUser('expiring', 1);
    await set({ minLength: 14, needsUppercase: true, needsNumeric: true, passwordExpirationInDays: 30 });
    expect((await set({ minLength: 'x' })).status).toBe(400);
    const to = (password: string) => t.api('POST', `/api/systemusers/${user.id}/password`, { password }, 1);
    expect((await to('no capital here 1')).status).toBe(400);
    expect((await to('No Digit is in here')).status).toBe(400);
    const made = await to('Some Capital and 1 digit');
    expect([made.status, made.json.password_expiration_date]).toEqual([200, expect.any(String)]);
    t.clock.aheadMs += 31 * 24 * 3_600_000;
    const each = visitor();
    await each.logIn(user.email, 'Some Capital and 1 digit');
    expect((await each.get('/apps')).url).toBe('/password');
    const change = (wanted: string, current = 'Some Capital and 1 digit') =>
      each.submit('/password', { current, wanted });
    expect((await change('Another Capital and 2 digits', 'wrong')).status).toBe(400);
    expect((await change('Some Capital and 1 digit')).text).toContain('used before');
    const before = each.cookies.get('session');
    expect((await change('Another Capital and 2 digits')).status).toBe(303);
    expect(each.cookies.get('session')).not.toBe(before);
    expect((await each.get('/apps')).url).toBe('/apps');
    expect(t.events('user_password_change', 1)).toMatchObject([{ initiated_by: { id: user.id } }]);
  });

  it('are set anew by a link that works once, and only for who has an account', async () => {
    const user = await t.newUser('forgetful');
    const other = await entered(user);
    const answers = [];
    for (const email of [user.email, 'nobody@people.example'])
      answers.push(await visitor().submit('/forgot', { email }));
    const [known, unknown] = answers.map(({ status, text }) => [status, text]);
    expect(known).toEqual(unknown);
    await expect.poll(() => lastLink(user.email)).toBeDefined();
    expect(lastLink('nobody@people.example')).toBeUndefined();
    expect(statSync(path.join(t.dir, 'outbox.jsonl')).mode & 0o077).toBe(0);
    const page = lastLink(user.email) ?? '';
    expect((await visitor().submit(page, { password: 'short' }, '/reset')).status).toBe(400);
    expect((await visitor().submit(page, { password: 'another good phrase' }, '/reset')).status).toBe(200);
    expect((await visitor().submit(page, { password: 'a third good phrase' }, '/reset')).status).toBe(400);
    expect((await other.get('/apps')).url).toBe('/login');
    expect((await visitor().logIn(user.email)).status).toBe(401);
    expect((await visitor().logIn(user.email, 'another good phrase')).status).toBe(303);
    expect(t.events('user_password_reset_request')).toMatchObject([{ initiated_by: { id: user.id } }]);
  });
});
