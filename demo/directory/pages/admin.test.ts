import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POLICY_DEFAULT } from '../identity/password-policy.js';
import { hashPassword, putPassword } from '../identity/passwords.js';
import type { JsonObject } from '../model.js';
import {
  codeOf,
  hiddenFields,
  PASSWORD,
  type PeopleDirectory,
  peopleDirectory,
  Visitor,
} from '../testing/people.js';

let t: PeopleDirectory;
let admin: Visitor;
beforeAll(async () => {
  t = await peopleDirectory();
  admin = await seededAdmin();
});
afterAll(() => t.close());

async function seededAdmin(): Promise<Visitor> {
  const who = t.seeded.passwords.find(({ kind }) => kind === 'admin');
  const visitor = new Visitor(t.origin, '203.0.113.77');
  await visitor.logIn(who?.email ?? '', who?.password, '/admin/login');
  t.clock.aheadMs += 30_000;
  await visitor.submit('/mfa', { code: codeOf(who?.totpSecret ?? '', t.clock.now()) });
  return visitor;
}

describe('the console', () => {
  it('acts on users with the administrator in the log, by session', async () => {
    const user = await t.newUser('acted');
    const act = (name: string) =>
      admin.submit(`/admin/users/${user.id}`, {}, `/admin/users/${user.id}/${name}`);
    for (const [name, event] of [
      ['suspend', 'user_suspended'],
      ['activate', 'user_activated'],
      ['resetmfa', 'totp_delete_enrollment'],
      ['unlock', 'user_unlocked'],
    ] as const) {
      expect((await act(name)).status, name).toBe(303);
      expect(t.events(event).at(-1)).toMatchObject({
        ...{ auth_method: 'session', client_ip: admin.ip, resource: { id: user.id } },
        initiated_by: { type: 'admin', email: t.seeded.keys[0]?.email },
      });
    }
    const { text } = await act('resetpassword');
    const link = /\/reset\?code=[0-9a-f]{40}/.exec(text)?.[0] ?? '';
    expect(
      (await new Visitor(t.origin).submit(link, { password: 'a new good phrase' }, '/reset')).status,
    ).toBe(200);
    expect((await new Visitor(t.origin).logIn(user.email, 'a new good phrase')).status).toBe(303);
    expect(t.events('user_password_reset_request').at(-1)).toMatchObject({ initiated_by: { type: 'admin' } });
  });

  it('shows and searches users and devices of its own organisation, and escapes what they are called', async () => {
    await t.api('POST', '/api/systemusers', { username: '<img src=x>', email: 'img@people.example' });
    await t.newUser('elsewhere', 1);
    const { text } = await admin.get('/admin/users?q=people.example');
    expect(text).toContain('&lt;img src=x&gt;');
    expect(text).not.toContain('<img src=x>');
    expect(text).not.toContain('elsewhere');
    expect((await admin.get('/admin/devices?q=darwin')).text).toMatch(/darwin-[0-9a-f]{6}/);
    expect((await admin.get('/admin/users?page=99999&q=%00')).status).toBe(200);
    expect((await admin.get('/admin/users?page=-1')).status).toBe(200);
  });

  it('a user of another organisation is not there, in no page and for no action', async () => {
    const foreign = await t.newUser('far', 1);
    const own = await t.newUser('near');
    const token = hiddenFields(
      (await admin.get(`/admin/users/${own.id}`)).text,
      `/admin/users/${own.id}/suspend`,
    );
    for (const id of [foreign.id, 'ffffffffffffffffffffffff', '..', '__proto__'])
      expect((await admin.get(`/admin/users/${id}`)).status, id).toBe(404);
    for (const name of ['suspend', 'resetmfa', 'unlock', 'resetpassword'])
      expect((await admin.post(`/admin/users/${foreign.id}/${name}`, token)).status, name).toBe(404);
    for (const name of ['constructor', '__proto__', 'delete'])
      expect((await admin.post(`/admin/users/${own.id}/${name}`, token)).status, name).toBe(400);
    expect((await t.api('GET', `/api/systemusers/${foreign.id}`, undefined, 1)).json.suspended).toBe(false);
  });

  it('is closed to users, and to administrators as far as their role goes', async () => {
    const user = await t.newUser('curious');
    const visitor = new Visitor(t.origin);
    await visitor.logIn(user.email);
    for (const page of ['/admin/users', '/admin/devices', '/admin/keys', `/admin/users/${user.id}`])
      expect((await visitor.get(page)).status, page).toBe(403);
    const { form_token = '' } = hiddenFields((await visitor.get('/account')).text, '/logout');
    expect((await visitor.post(`/admin/users/${user.id}/suspend`, { form_token })).status).toBe(403);
    expect((await visitor.post('/admin/keys', { form_token, password: PASSWORD })).status).toBe(403);
    const made = await t.api('POST', '/api/users', { email: 'ro@people.example', roleName: 'Read Only' });
    const [organization = '', id] = [t.seeded.keys[0]?.organization, String(made.json.id)];
    const account = { kind: 'admin', organization, document: { _id: id, id } } as const;
    const hashed = await hashPassword(PASSWORD);
    await t.store.change(() => putPassword(t.store.hidden, account, POLICY_DEFAULT, hashed, t.clock.now()));
    const reader = new Visitor(t.origin);
    await reader.logIn('ro@people.example', PASSWORD, '/admin/login');
    const page = await reader.get(`/admin/users/${user.id}`);
    expect(page.status).toBe(200);
    const fields = hiddenFields(page.text, `/admin/users/${user.id}/suspend`);
    expect((await reader.post(`/admin/users/${user.id}/suspend`, fields)).status).toBe(403);
  });

  it('replaces the own key against the password, shows it once, and the old one ends', async () => {
    const old = t.seeded.keys[0]?.apiKey ?? '';
    const status = async (key: string) =>
      (await fetch(`${t.origin}/api/systems`, { headers: { 'x-api-key': key } })).status;
    expect((await admin.submit('/admin/keys', { password: 'wrong' })).status).toBe(403);
    expect(await status(old)).toBe(200);
    const password = t.seeded.passwords[0]?.password ?? '';
    const made = await admin.submit('/admin/keys', { password });
    const key = /<code>([0-9a-f]{40})<\/code>/.exec(made.text)?.[1] ?? '';
    expect([await status(old), await status(key)]).toEqual([401, 200]);
    expect((await admin.get('/admin/keys')).text).not.toContain(key);
    Object.assign(t.seeded.keys[0] ?? {}, { apiKey: key });
  });
});

describe('secrets', () => {
  it('are no fields that anybody sets', async () => {
    const user = await t.newUser('assigned');
    const forged = {
      ...{ totp_enabled: true, account_locked: true, passwordHash: 'x', hash: 'x', password_date: 'x' },
      ...{ mfaEnrollment: { overallStatus: 'ENROLLED' }, secret: 'x', activated: false },
      mfa: { configured: true, exclusion: false },
    };
    expect((await t.api('PUT', `/api/systemusers/${user.id}`, forged)).status).toBe(200);
    const { json } = await t.api('GET', `/api/systemusers/${user.id}`);
    expect(json).toMatchObject({ totp_enabled: false, account_locked: false, activated: true });
    expect(JSON.stringify(json)).not.toMatch(/hash|Hash|secret|"password"/);
    // More fields in a form than it has are passed over.
    const visitor = new Visitor(t.origin);
    const more = { kind: 'admin', role: 'Administrator', mfaAt: '1', owner: 'x', organization: 'x' };
    await visitor.submit('/login', { email: user.email, password: PASSWORD, ...more });
    expect((await visitor.get('/admin/users')).status).toBe(403);
    const application = { name: 'oidc', sso: { type: 'oidc' }, clientSecret: 'mine', clientId: 'mine' };
    const made = (await t.api('POST', '/api/applications', application)).json;
    expect([made.clientSecret, made.clientId]).not.toContain('mine');
    expect((await t.api('GET', `/api/applications/${made.id}`)).json).not.toHaveProperty('clientSecret');
  });

  it('are not found, sorted or filtered by', async () => {
    const user = await t.newUser('sought');
    const hashed = t.store.hidden
      .under<{ hash: string }>(['secret'])
      .find(({ key }) => key[3] === user.id)?.value;
    expect(hashed?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const fields = [
      'hash',
      'password',
      'password.hash',
      'totp.sealed',
      'secret',
      'passkey',
      'tries',
      'sealed',
    ];
    for (const field of fields) {
      const all = async (query: string) =>
        ((await t.api('GET', `/api/systemusers?limit=100&${query}`)).json.results as JsonObject[]).length;
      expect(await all(`filter=${field}:$gt:`), field).toBe(0);
      expect(await all(`filter=${field}:$search:a`), field).toBe(0);
      expect(await all(`search[searchTerm]=argon2id&search[fields]=${field}`), field).toBe(0);
      const sorted = async (order: string) =>
        (
          (await t.api('GET', `/api/systemusers?limit=100&sort=${order}${field}`)).json
            .results as JsonObject[]
        )
          .map(({ id }) => id)
          .join();
      expect(await sorted('-'), field).toBe(await sorted(''));
    }
    const found = await t.api('POST', '/api/search/systemusers', {
      searchFilter: { searchTerm: '$argon2id' },
    });
    expect(found.json.totalCount).toBe(0);
  });

  it('are neither on disk nor in the log, but for what has to be, and that for the owner alone', async () => {
    const user = await t.newUser('kept');
    const visitor = new Visitor(t.origin);
    await visitor.logIn(user.email);
    const { text } = await visitor.get('/mfa/enrol');
    const secret = /<code>([A-Z2-7]+)<\/code>/.exec(text)?.[1] ?? '';
    const code = codeOf(secret, t.clock.now());
    await visitor.post('/mfa/enrol', { ...hiddenFields(text, '/mfa/enrol'), code });
    const made = await t.newApplication({ name: 'oidc', sso: { type: 'oidc' } });
    const secrets = [PASSWORD, secret, String(made.clientSecret), visitor.cookies.get('session') ?? ''];
    expect(secrets.every((each) => each.length > 15)).toBe(true);
    for (const { totpSecret, password } of t.seeded.passwords) secrets.push(password, totpSecret ?? password);
    for (const name of readdirSync(t.dir)) {
      const bytes = readFileSync(path.join(t.dir, name));
      for (const each of secrets) expect(bytes.includes(each), `${name} ${each}`).toBe(false);
    }
    expect(statSync(path.join(t.dir, 'identity.key')).mode & 0o077).toBe(0);
    const log = JSON.stringify(
      [0, 1].flatMap((n) =>
        ['user_login_attempt', 'application_create', 'user_password_set'].map((type) => t.events(type, n)),
      ),
    );
    for (const each of [...secrets, 'argon2', 'PRIVATE']) expect(log.includes(each)).toBe(false);
  });
});

describe('forms', () => {
  it('answer whatever is sent to them', async () => {
    const odd = ['', ' ', '\u0000', '{{7*7}}', "' or 1=1 --", 'é'.repeat(5_000), '$gt', '__proto__'];
    for (const [page, fields] of [
      ['/login', ['email', 'password', 'return_to']],
      ['/forgot', ['email', 'kind']],
      ['/reset', ['code', 'password']],
    ] as const) {
      for (const value of odd) {
        const visitor = new Visitor(t.origin, `192.0.2.${odd.indexOf(value) + 1}`);
        const sent = Object.fromEntries(fields.map((field) => [field, value]));
        expect((await visitor.submit(page, sent)).status, `${page} ${value.slice(0, 9)}`).toBeLessThan(500);
        t.clock.aheadMs += 61_000;
      }
    }
    const token = hiddenFields((await admin.get('/account')).text, '/logout');
    for (const action of [
      '/password',
      '/mfa',
      '/mfa/passkey',
      '/mfa/enrol',
      '/mfa/enrol/passkey',
      '/admin/keys',
    ])
      for (const value of odd) {
        const names = ['current', 'wanted', 'code', 'response', 'sealed', 'name', 'password'];
        const sent = { ...Object.fromEntries(names.map((name) => [name, value])), ...token };
        expect((await admin.post(action, sent)).status, `${action} ${value.slice(0, 9)}`).toBeLessThan(500);
      }
    // Refused by its length: the answer comes, and the connection may end, before it was sent to the end.
    const large = await admin.post('/password', { ...token, current: 'x'.repeat(100_000) }).then(
      ({ status }) => status,
      () => 413,
    );
    expect(large).toBe(413);
  });
});
