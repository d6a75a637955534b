import { createPublicKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEntries } from '../../src/journal/read.js';
import { BUILT_IN } from '../../src/notices/built-in-templates.js';
import type { SignedNotice } from '../../src/notices/records.js';
import { facts, keyFacts } from '../notices/fixture.js';
import { type HttpReceiver, httpReceiver, mailServer, textOf } from '../notices/receivers.js';
import { cli, type GuardProcess, guardFolder, removeFolder, startGuard, until } from './running-guard.js';

/** Notices, events and resets as their users meet them: a guard process, a mail server, receivers, the command line. */

const POLL_TOKEN = 'poll-token-of-at-least-32-characters';
const PUSH_TOKEN = 'push-token';
const CODE = /^ {2}((?:[0-9A-Z]{4}-){8}[0-9A-Z]{4})$/m;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let upstream: HttpReceiver;
let mail: Awaited<ReturnType<typeof mailServer>>;
let hook: HttpReceiver;
let push: HttpReceiver;
let dir: string;
let guard: GuardProcess;
let reset: string;
let token: string;
let hookStatus = 204;

beforeAll(async () => {
  upstream = await httpReceiver((_, response) => response.end('ok'));
  mail = await mailServer();
  hook = await httpReceiver((_, response) => response.writeHead(hookStatus).end());
  push = await httpReceiver((_, response) => response.writeHead(202).end());
  process.env.KEYWARD_TEST_POLL = POLL_TOKEN;
  process.env.KEYWARD_TEST_PUSH = PUSH_TOKEN;
  dir = guardFolder({
    upstreams: [{ name: 'api', url: new URL(upstream.url).origin, foreignKeys: 'known' }],
    trustedProxies: ['127.0.0.0/8'],
    notices: {
      from: 'Guard <security@guard.example>',
      smtp: { host: '127.0.0.1', port: mail.port, security: 'none' },
      webhooks: { allowNetworks: ['127.0.0.0/8'] },
      retries: { firstMs: 50, maxMs: 200, attemptsMax: 3 },
      reset: { port: 0, address: 'reset.guard.example' },
      ssf: {
        issuer: 'https://guard.example',
        streams: [
          {
            name: 'siem',
            delivery: 'poll',
            audience: 'https://siem.example',
            token: { env: 'KEYWARD_TEST_POLL' },
          },
          {
            name: 'idp',
            delivery: 'push',
            audience: 'https://idp.example',
            url: push.url,
            token: { env: 'KEYWARD_TEST_PUSH' },
          },
          { name: 'other', delivery: 'push', audience: 'x', url: push.url, tenants: ['nobody'] },
        ],
      },
    },
  });
  guard = await startGuard(dir);
  token = guard.token as string;
  reset = `http://127.0.0.1:${/^reset .*:(\d+)$/m.exec(guard.stdout())?.[1]}`;
  await ok('PUT', '/v1/sealed/acme-hook', {
    ...{ upstream: '@webhooks', header: 'webhook-signature', secret: SECRET },
  });
  const contacts = { emails: ['ada@acme.example'], webhooks: [{ url: hook.url, secrets: ['acme-hook'] }] };
  await ok('PUT', '/v1/tenants/acme', { name: 'Acme', contacts });
  await ok('PUT', '/v1/tenants/quiet', { name: 'Quiet' });
});
afterAll(async () => {
  await guard.stop();
  for (const each of [upstream, mail, hook, push]) await each.close();
  removeFolder(dir);
});

interface NoticeView {
  readonly id: string;
  readonly state: string;
  readonly problem?: string;
  readonly codes: number;
  readonly deliveries: { id: string; channel: string; state: string; attempts: number; problem?: string }[];
}

async function ok<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await guard.admin(method, path, body, token);
  const text = await response.text();
  expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function issue(name: string, tenant = 'acme') {
  const { key, credential } = await ok<{ key: { id: string }; credential: string }>('POST', '/v1/keys', {
    ...{ name, tenant, principal: 'hr', limits: { rate: { requests: 100, seconds: 60 } } },
  });
  return { id: key.id, credential };
}

async function draft(keyIds: string[], tenant = 'acme', incident = `i-${keyIds[0]}`): Promise<NoticeView> {
  const all = [facts({ tenant, incident, keys: keyIds.map((id) => keyFacts({ id, name: `key ${id}` })) })];
  const { notices } = await ok<{ notices: NoticeView[] }>('POST', '/v1/notices', { facts: all });
  return notices[0] as NoticeView;
}

const show = (id: string) => ok<NoticeView>('GET', `/v1/notices/${id}`);
const call = async (key: string) =>
  (await fetch(`http://127.0.0.1:${guard.port}/x`, { headers: { 'x-api-key': key } })).status;
let places = 0;
/** A place of its own for everybody who does not say whence: tries are counted by place. */
const elsewhere = () => {
  places += 1;
  return { 'x-forwarded-for': `198.51.100.${places}` };
};
const pickUp = (code: unknown, from: Record<string, string> = elsewhere()) =>
  fetch(`${reset}/v1/pick-up`, {
    ...{ method: 'POST', body: JSON.stringify({ code }) },
    headers: { 'content-type': 'application/json', ...from },
  });

/** Revokes a key, tells its tenant with a code, and reads the code out of the e-mail. */
async function codeFor(
  name: string,
): Promise<{ id: string; code: string; notice: string; mailText: string }> {
  const { id } = await issue(name);
  await ok('POST', `/v1/keys/${id}/revoke`, { why: 'incident' });
  const notice = await draft([id]);
  const before = mail.mails.length;
  await ok('POST', `/v1/notices/${notice.id}/approve`, { codes: true });
  await until(() => mail.mails.length > before);
  const mailText = textOf(mail.mails.at(-1) as never);
  return { id, code: CODE.exec(mailText)?.[1] as string, notice: notice.id, mailText };
}

describe('a notice', () => {
  it('goes from draft over preview and approval to e-mail and webhook, signed, and says that it arrived', async () => {
    const { id } = await issue('told');
    await ok('POST', `/v1/keys/${id}/revoke`, { why: 'incident' });
    const { id: notice, state } = await draft([id]);
    expect(state).toBe('draft');
    const preview = await ok<{ text: string }>('GET', `/v1/notices/${notice}/preview`);
    expect(preview.text).toContain(`key ${id}`);
    expect(mail.mails.length + hook.received.length).toBe(0);
    await ok('POST', `/v1/notices/${notice}/approve`, {});
    await until(async () => (await show(notice)).state === 'delivered');
    const { deliveries } = await show(notice);
    expect(deliveries.map(({ channel, state: each, attempts }) => [channel, each, attempts]).sort()).toEqual([
      ['email', 'delivered', 1],
      ['webhook', 'delivered', 1],
    ]);
    // The signature separates its parts by dots: an id must have none.
    for (const { id: each } of deliveries) expect(each).toMatch(/^n\w+$/);
    const { headers, body } = hook.received[0] as HttpReceiver['received'][number];
    const { data } = new Webhook(SECRET).verify(body, headers as Record<string, string>) as {
      data: SignedNotice;
    };
    const file = await ok<SignedNotice>('GET', `/v1/notices/${notice}/file`);
    expect(data).toEqual(file);
    expect(textOf(mail.mails[0] as never)).toBe(file.text.trim());
    const checked = await cli(
      ['notices', 'verify', '-', '--public-key', file.publicKey],
      {},
      JSON.stringify(file),
    );
    expect(checked).toMatchObject({ code: 0, stderr: expect.stringContaining('Genuine') });
    const env = { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token };
    expect((await cli(['notices', 'public-key'], env)).stdout.trim()).toBe(file.publicKey);
    const forged = JSON.stringify({ ...file, text: `${file.text}!` });
    expect(await cli(['notices', 'verify', '-'], {}, forged)).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining('text is not what was signed') },
    });
  });

  it('for a tenant that is gone or has no contacts stays a draft, and says so', async () => {
    const nobody = await draft(['gone-1'], 'gone');
    expect(nobody).toMatchObject({ state: 'draft', problem: expect.stringContaining('no tenant gone') });
    const quiet = await draft(['quiet-1'], 'quiet');
    expect(quiet.problem).toContain('has no contacts');
    for (const { id } of [nobody, quiet]) {
      const response = await guard.admin('POST', `/v1/notices/${id}/approve`, {}, token);
      expect(response.status).toBe(409);
      expect((await show(id)).state).toBe('draft');
    }
  });

  it('is drafted again in place, approved once, and never about a key of somebody else', async () => {
    const first = await draft(['k-1'], 'acme', 'i-again');
    const again = await draft(['k-1', 'k-2'], 'acme', 'i-again');
    expect(again.id).toBe(first.id);
    const { id } = await issue('theirs', 'quiet');
    const body = { facts: [facts({ keys: [keyFacts({ id })] })] };
    const refused = await guard.admin('POST', '/v1/notices', body, token);
    expect([refused.status, await refused.text()]).toEqual([
      422,
      expect.stringContaining('belongs to tenant quiet'),
    ]);
    const approvals = await Promise.all(
      [1, 2, 3].map(() => guard.admin('POST', `/v1/notices/${first.id}/approve`, {}, token)),
    );
    expect(approvals.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });

  it('that cannot be delivered says why, and is delivered once that is mended and asked for', async () => {
    hookStatus = 500;
    const { id } = await draft(['k-3']);
    await ok('POST', `/v1/notices/${id}/approve`, {});
    await until(async () => (await show(id)).state === 'failed');
    const failed = (await show(id)).deliveries.find(({ channel }) => channel === 'webhook');
    expect(failed).toMatchObject({ state: 'failed', attempts: 3, problem: 'answered 500' });
    hookStatus = 204;
    const env = { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token };
    const listed = await cli(['notices', 'deliveries', '--state', 'failed'], env);
    expect(listed.stdout).toContain('answered 500');
    expect((await cli(['notices', 'retry', failed?.id as string], env)).code).toBe(0);
    await until(async () => (await show(id)).state === 'delivered');
    const ids = hook.received
      .map(({ headers }) => headers['webhook-id'])
      .filter((each) => each === failed?.id);
    expect(ids.length).toBe(4);
  });

  it('is withdrawn by command: what waits stays, and its codes end', async () => {
    const { code, notice } = await codeFor('withdrawn');
    const env = { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token };
    expect((await cli(['notices', 'withdraw', notice, '--why', 'wrong'], env)).code).toBe(0);
    expect((await cli(['notices', 'list', '--state', 'withdrawn'], env)).stdout).toContain(notice);
    expect((await pickUp(code)).status).toBe(403);
  });
});

describe('a replacement key', () => {
  it('is picked up once with the code of the e-mail, has the limits of the old one, and opens the API', async () => {
    const { id, code, mailText } = await codeFor('replaced');
    expect(mailText).toContain('reset.guard.example');
    expect(mailText).not.toMatch(/:\/\//);
    const response = await pickUp(code.toLowerCase().replaceAll('-', ' '));
    const { credential, key } = (await response.json()) as { credential: string; key: { id: string } };
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const shown = await ok<Record<string, unknown>>('GET', `/v1/keys/${key.id}`);
    expect(shown).toMatchObject({ replaces: id, tenant: 'acme', limits: { rate: { requests: 100 } } });
    expect(await call(credential)).toBe(200);
    const again = await pickUp(code);
    expect(again.status).toBe(410);
    const text = await again.text();
    expect(JSON.parse(text).usedAt).toMatch(/^\d{4}-/);
    expect(text).not.toContain(key.id);
    expect(await ok('GET', `/v1/keys/${id}`)).toMatchObject({ state: 'revoked' });
  });

  it('is picked up on a page without scripts, links or cookies, and with the code in no address', async () => {
    const { code } = await codeFor('by <b>page</b>');
    const page = await fetch(reset);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(html).toMatch(/<form method="post" action="\/"/);
    expect(html).not.toMatch(/<script|href=|https?:/);
    const post = (body: string) =>
      fetch(reset, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const wrong = await post(`code=${'A'.repeat(36)}`);
    expect([wrong.status, await wrong.text()]).toEqual([403, expect.stringContaining('not valid')]);
    const right = await post(`code=${encodeURIComponent(code)}`);
    const shown = await right.text();
    expect(right.headers.get('set-cookie')).toBeNull();
    expect(shown).toContain('&#60;b&#62;page');
    expect(await call(/kw_\w+/.exec(shown)?.[0] as string)).toBe(200);
    expect((await post(`code=${code}`)).status).toBe(410);
    expect((await fetch(`${reset}/?code=${code}`)).status).toBe(404);
  });

  it('is refused the same way for a wrong code, an unknown one and nonsense', async () => {
    const { code } = await codeFor('guessed');
    const answers = [];
    for (const tried of [
      `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`,
      'A'.repeat(36),
      '',
      'x'.repeat(300),
    ])
      answers.push(await pickUp(tried));
    const texts = await Promise.all(answers.map((each) => each.text()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    expect(new Set(texts).size).toBe(1);
    for (const [body, type, status] of [
      ['{', 'application/json', 422],
      ['{"code":1}', 'application/json', 422],
      ['code=x', 'text/plain', 415],
      [JSON.stringify({ code: 'x'.repeat(9_000) }), 'application/json', 413],
    ] as const) {
      const response = await fetch(`${reset}/v1/pick-up`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      expect(response.status, body.slice(0, 20)).toBe(status);
    }
    expect((await fetch(`${reset}/v1/keys`)).status).toBe(404);
    expect((await fetch(`${reset}/v1/pick-up`)).status).toBe(405);
  });

  it('is not tried for without end: 429 with RateLimit and Retry-After', async () => {
    const place = { 'x-forwarded-for': '2001:db8:1:2::1' };
    const neighbour = { 'x-forwarded-for': '2001:db8:1:2:3::9' };
    for (let left = 9; left >= 0; left -= 1) {
      const tried = await pickUp('x', left % 2 === 0 ? place : neighbour);
      expect([tried.status, tried.headers.get('ratelimit')]).toEqual([
        ...[403, expect.stringContaining(`"pick-up";r=${left};`)],
      ]);
    }
    const response = await pickUp('x', place);
    expect(response.status).toBe(429);
    expect((await pickUp('x')).status).toBe(403);
    expect(response.headers.get('ratelimit-policy')).toBe('"pick-up";q=10;w=60');
    expect(response.headers.get('ratelimit')).toMatch(/^"pick-up";r=0;t=\d+$/);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('security event tokens', () => {
  const poll = async (body: object, own = POLL_TOKEN) =>
    fetch(`${guard.adminUrl}/ssf/streams/siem/poll`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
    });

  /** With a JOSE library that is not the one that signs. */
  async function verified(jwt: string): Promise<{ readonly events: Record<string, object> }> {
    const configuration = await (await fetch(`${guard.adminUrl}/.well-known/ssf-configuration`)).json();
    expect(configuration).toMatchObject({ spec_version: '1_0', issuer: 'https://guard.example' });
    const path = new URL((configuration as { jwks_uri: string }).jwks_uri).pathname;
    const { keys } = (await (await fetch(guard.adminUrl + path)).json()) as {
      keys: Record<string, string>[];
    };
    expect(Object.keys(keys[0] as object).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    const pem = createPublicKey({ key: keys[0] as never, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    });
    const header = JSON.parse(Buffer.from(jwt.split('.')[0] as string, 'base64url').toString());
    expect(header).toEqual({ alg: 'RS256', typ: 'secevent+jwt', kid: keys[0]?.kid });
    const verify = createVerifier({
      key: String(pem),
      algorithms: ['RS256'],
      allowedIss: 'https://guard.example',
    });
    const other = jwt.slice(0, -8) + (jwt.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA');
    expect(() => verify(other)).toThrow();
    return verify(jwt) as { events: Record<string, object> };
  }

  it('are pushed (RFC 8935) when a key is revoked, with a machine subject, and verify elsewhere', async () => {
    const { id } = await issue('evented');
    const before = push.received.length;
    await ok('POST', `/v1/keys/${id}/revoke`, { why: 'a reason that stays here' });
    await until(() => push.received.length >= before + 2);
    const tokens = push.received.slice(before);
    const claims = await Promise.all(tokens.map(({ body }) => verified(body)));
    const types = claims.flatMap(({ events }) => Object.keys(events)).map((each) => each.split('/').at(-1));
    expect(types.sort()).toEqual(['credential-change', 'session-revoked']);
    for (const { headers, body } of tokens) {
      expect(headers['content-type']).toBe('application/secevent+jwt');
      expect(headers.authorization).toBe(`Bearer ${PUSH_TOKEN}`);
      expect(Buffer.from(body.split('.')[1] as string, 'base64url').toString()).not.toContain('stays here');
    }
    expect(claims[0]).toMatchObject({
      aud: 'https://idp.example',
      sub_id: {
        ...{ format: 'complex', tenant: { format: 'opaque', id: 'acme' } },
        application: { format: 'opaque', id },
      },
    });
    const change = claims
      .map(({ events }) => Object.values(events)[0])
      .find((each) => 'change_type' in (each ?? {}));
    expect(change).toMatchObject({
      change_type: 'revoke',
      credential_type: 'api-key',
      event_timestamp: expect.any(Number),
    });
  });

  it('are polled (RFC 8936), given again until acknowledged, and gone then', async () => {
    const all = async (body: object) =>
      (await (await poll({ returnImmediately: true, ...body })).json()) as {
        sets: Record<string, string>;
        moreAvailable: boolean;
      };
    const { id } = await issue('polled');
    const first = await all({ maxEvents: 1 });
    expect([Object.keys(first.sets).length, first.moreAvailable]).toEqual([1, true]);
    const everything = await all({});
    expect(Object.keys(everything.sets)).toContain(Object.keys(first.sets)[0]);
    expect(await all({ maxEvents: 0, ack: Object.keys(everything.sets) })).toEqual({
      sets: {},
      moreAvailable: false,
    });
    await ok('POST', `/v1/keys/${id}/suspend`, { why: 'odd' });
    const { sets } = await all({});
    const [[jti, jwt] = []] = Object.entries(sets);
    expect(await verified(jwt as string)).toMatchObject({ jti, aud: 'https://siem.example' });
    const setErrs = { [jti as string]: { err: 'invalid_key', description: 'no' } };
    expect(await all({ setErrs })).toEqual({ sets: {}, moreAvailable: false });
    const { deliveries } = await ok<{ deliveries: { id: string; problem?: string }[] }>(
      ...(['GET', '/v1/deliveries?channel=poll&state=failed'] as const),
    );
    expect(deliveries).toMatchObject([{ id: jti, problem: 'the receiver refused it (invalid_key)' }]);
  });

  it('wait for an event where the receiver does not want an answer at once', async () => {
    const { id } = await issue('awaited');
    const waiting = poll({ ack: [] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await ok('POST', `/v1/keys/${id}/rotate`, { overlapSeconds: 60 });
    const { sets } = (await (await waiting).json()) as { sets: Record<string, string> };
    const claims = await verified(Object.values(sets)[0] as string);
    expect(Object.values(claims.events)[0]).toMatchObject({ change_type: 'update' });
  });

  it('that are waited for do not keep the guard from stopping, nor make it stumble', async () => {
    const own = guardFolder({
      upstreams: [{ name: 'api', url: new URL(upstream.url).origin }],
      notices: {
        ssf: {
          issuer: 'https://guard.example',
          streams: [{ name: 'siem', delivery: 'poll', audience: 'x', token: { env: 'KEYWARD_TEST_POLL' } }],
        },
      },
    });
    const other = await startGuard(own);
    const headers = { authorization: `Bearer ${POLL_TOKEN}` };
    const waiting = fetch(`${other.adminUrl}/ssf/streams/siem/poll`, { method: 'POST', body: '{}', headers });
    const ended = waiting.then(
      () => 'answered',
      () => 'cut off',
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await other.stop()).toBe(0);
    expect(await ended).toBe('cut off');
    expect(other.stderr()).not.toMatch(/"level":"(?:error|fatal)"/);
    removeFolder(own);
  });

  it('are for the holder of the token of the stream alone', async () => {
    for (const wrong of ['', 'x', token, PUSH_TOKEN]) expect((await poll({}, wrong)).status).toBe(401);
    expect((await poll({ maxEvents: -1 })).status).toBe(400);
    for (const name of ['idp', 'nothing']) {
      const path = `${guard.adminUrl}/ssf/streams/${name}/poll`;
      const headers = { authorization: `Bearer ${POLL_TOKEN}` };
      expect((await fetch(path, { method: 'POST', body: '{}', headers })).status).toBe(401);
    }
  });
});

it('a template with a mistake keeps the guard from starting, and is named with file and line', async () => {
  const own = guardFolder({
    upstreams: [{ name: 'api', url: new URL(upstream.url).origin }],
    notices: { templates: './texts' },
  });
  mkdirSync(`${own}/texts`);
  writeFileSync(`${own}/texts/touched.txt`, BUILT_IN.touched.replace('{{when}}', '{{whenever}}'));
  for (const command of [
    ['up', '--config', `${own}/keyward.yaml`],
    ['config', 'validate', `${own}/keyward.yaml`],
  ]) {
    const { code, stderr } = await cli(command);
    expect(code).toBe(1);
    expect(stderr).toContain(`${own}/texts/touched.txt:13: there is no {{whenever}}`);
    expect(stderr).toContain('{{when}} is missing');
    expect(stderr).not.toMatch(/^ +at /m);
  }
  removeFolder(own);
});

it('no code, secret or credential is in the journal, the log or the store', async () => {
  const { code } = await codeFor('searched');
  const secrets = [
    code,
    code.replaceAll('-', ''),
    code.replaceAll('-', '').slice(8),
    SECRET,
    POLL_TOKEN,
    PUSH_TOKEN,
  ];
  await guard.stop();
  const files = readdirSync(`${dir}/data`, { recursive: true, withFileTypes: true }).filter(
    (each) => each.isFile() && !each.parentPath.endsWith('/secrets'),
  );
  expect(files.length).toBeGreaterThan(2);
  const texts = files.map((each) => readFileSync(`${each.parentPath}/${each.name}`).toString('latin1'));
  for (const secret of secrets)
    for (const text of [...texts, guard.stdout(), guard.stderr()]) expect(text.includes(secret)).toBe(false);
  const acts = new Set<string>();
  for await (const entry of readEntries(`${dir}/data/journal`))
    if (entry.kind === 'act') acts.add(entry.action);
  for (const act of [
    'notice.draft',
    'notice.approve',
    'notice.withdraw',
    'delivery.retry',
    'reset.pick-up',
    'reset.handed-over',
  ])
    expect(acts).toContain(act);
});
