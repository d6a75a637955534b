import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { issueInput } from '../../src/keys/inputs.js';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';
import { guardFolder, removeFolder, startGuard } from './running-guard.js';
import { overHours } from './stranger.js';

const answer: Script = (socket) =>
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok');
const setting = (detector: Record<string, unknown>) => ({
  trustedProxies: ['127.0.0.1'],
  detector: { mode: 'enforce', ...detector },
});
const OWNER = { address: '198.51.100.7', agent: 'python-requests/2.31.0' };
const THIEF = { address: '203.0.113.66', agent: 'curl/8.4.0' };

let guard: Guarded | undefined;
afterEach(async () => {
  await guard?.close();
  guard = undefined;
});

function request(
  to: Guarded,
  who: typeof OWNER,
  line: string,
  body = '',
  header = 'X-Request-Id: 1',
): Promise<string> {
  return raw(
    to.port,
    `${line} HTTP/1.1\r\nHost: api\r\nx-api-key: ${to.key}\r\nX-Forwarded-For: ${who.address}\r\nUser-Agent: ${who.agent}\r\nContent-Type: application/json\r\n${header}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    20,
  );
}

async function habits(to: Guarded, calls = 60): Promise<void> {
  await overHours(calls, (n) =>
    request(to, OWNER, n % 2 === 0 ? 'GET /api/systemusers' : 'GET /api/v2/usergroups'),
  );
}

const STEAL = 'POST /api/runCommand';
const BODY = '{"_id":"5f1b2c3d4e5f6a7b8c9d0e1f"}';

/** Calls until one is held. */
async function untilHeld(
  to: Guarded,
  who = THIEF,
  line = STEAL,
  body = BODY,
): Promise<{ answer: string; hold: string }> {
  for (let n = 0; n < 15; n++) {
    const text = await request(to, who, line, body);
    const hold = /"hold":"(h_[\w-]+)"/.exec(text)?.[1];
    if (hold !== undefined) return { answer: text, hold };
  }
  throw new Error('nothing was held');
}

describe('behaviour', () => {
  it('holds what a stranger does with a key, lets the very request through once approved, and no other', async () => {
    guard = await guarded(
      answer,
      { catalog: 'jumpcloud' },
      setting({ approvalUrl: 'https://ops.test/h/{hold}' }),
    );
    await habits(guard);
    const { answer: held, hold } = await untilHeld(guard);
    expect(held).toMatch(/^HTTP\/1\.1 403 [\s\S]*application\/problem\+json[\s\S]*behaviour_held/);
    expect(held).toContain(`"approval":"https://ops.test/h/${hold}"`);
    const { approvals } = guard.running;
    expect(await approvals.show(hold)).toMatchObject({
      operation: 'runcommand',
      privilege: 4,
      state: 'pending',
      bodyBytes: BODY.length,
      fields: ['_id'],
    });
    expect((await approvals.show(hold)).finding?.reasons.map(({ text }) => text).join()).toMatch(
      /never used by this key/,
    );

    // While it would be refused all the same, nobody is told that it is approved.
    const { keys } = guard.running;
    const refused = (why: string) =>
      expect(approvals.approve('anna', hold, false)).rejects.toThrow(
        `Approved or not, the call of hold ${hold} would be refused. ${why}`,
      );
    await keys.suspend('anna', guard.keyId, 'a look at it');
    await refused(
      `This key is suspended. Its owner or an operator can resume it. First: keyward keys resume`,
    );
    await keys.resume('anna', guard.keyId);
    await keys.freeze('anna', guard.keyId, { operations: { privilegeMax: 2 } }, 'a look at it');
    await refused('This key is frozen: only what it has always done is accepted. First: keyward keys thaw');
    await keys.freeze('anna', guard.keyId, { locations: { allow: [{ cidr: '198.51.100.0/24' }] } }, 'too');
    await refused('This key is frozen: it is accepted only from where it has always come. First: keyward');
    await keys.freeze('anna', guard.keyId, { operations: { allow: ['runcommand'] } }, 'it may do this');
    expect((await approvals.show(hold)).state).toBe('pending');
    await approvals.approve('anna', hold, false);
    await keys.thaw('anna', guard.keyId);
    const elsewhere = await request(guard, THIEF, STEAL, BODY, 'X-Org-Id: other');
    expect(elsewhere).toMatch(/^HTTP\/1\.1 403/);
    const other = await request(guard, THIEF, STEAL, BODY.replace('5f', '6f'));
    expect(other).toMatch(/^HTTP\/1\.1 403/);
    expect(await request(guard, THIEF, STEAL, BODY)).toMatch(/^HTTP\/1\.1 200/);
    expect(guard.received()).toContain(BODY);
    expect(await request(guard, THIEF, STEAL, BODY)).toMatch(/^HTTP\/1\.1 403/);
    // The owner's reading goes on all the while.
    expect(await request(guard, OWNER, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
  });

  it('keeps refusing what was denied, and learns what "was us"', async () => {
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({ holdAnswer: 'accept' }));
    await habits(guard);
    const { answer: held, hold } = await untilHeld(guard);
    expect(held).toMatch(/^HTTP\/1\.1 202 /);
    await guard.running.approvals.deny('anna', hold);
    expect(await request(guard, THIEF, STEAL, BODY)).toMatch(/^HTTP\/1\.1 403 [\s\S]*hold_denied/);
    await expect(guard.running.approvals.approve('anna', hold, true)).rejects.toThrow('denied already');
    // Nor does what was denied wait for another word.
    expect((await guard.running.approvals.standing(guard.keyId)).quarantined).toBe(0);
    const again = await request(guard, THIEF, STEAL, BODY.replace('5f', '6f'));
    const second = /"hold":"(h_[\w-]+)"/.exec(again)?.[1] as string;
    await guard.running.approvals.approve('anna', second, true);
    expect((await guard.running.approvals.standing(guard.keyId)).quarantined).toBe(0);
    expect(await request(guard, THIEF, STEAL, BODY.replace('5f', '7f'))).toMatch(/^HTTP\/1\.1 200/);
  });

  it('holds what may take an account over, and lets the same operation pass when its body does not', async () => {
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({}));
    await habits(guard);
    await untilHeld(guard);
    const update = 'PUT /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f';
    expect(await request(guard, THIEF, update, '{"password":"x"}')).toMatch(/^HTTP\/1\.1 403/);
    expect(await request(guard, THIEF, update, '{"firstname":"Anna"}')).toMatch(/^HTTP\/1\.1 200/);
    expect(guard.received()).toContain('{"firstname":"Anna"}');
    expect(guard.received()).not.toContain('{"password":"x"}');
  });

  it('lets a rotated key inherit, and a stranger of the same nameless principal not', async () => {
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({}));
    await habits(guard);
    const { keys, approvals } = guard.running;
    const { key: other } = await keys.issue('test', issueInput.parse({ name: 'other' }));
    const { key: successor, credential } = await keys.rotate('test', guard.keyId, 0);
    // To look is not to begin: until its first call it stands as the key that it replaces.
    expect(await approvals.standing(successor.id)).toMatchObject({ calls: 60, warming: false });
    await approvals.settle('anna', successor.id, 'release');
    await request({ ...guard, key: credential }, OWNER, 'GET /api/systemusers');
    expect(await approvals.standing(successor.id)).toMatchObject({ warming: false });
    expect(await approvals.standing(other.id)).toMatchObject({ calls: 0, warming: true });
    const { key: last } = await keys.rotate('test', successor.id, 0);
    expect(await approvals.standing(last.id)).toMatchObject({ calls: 61 });
    await approvals.reset('anna', last.id);
    expect(await approvals.standing(last.id)).toMatchObject({ calls: 0, warming: true });
  });

  it('takes "this was us" for calls from that place with that tool, and for no others', async () => {
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({}));
    await habits(guard);
    await untilHeld(guard);
    for (let n = 0; n < 20; n++) await request(guard, THIEF, `GET /api/v2/systems/${n}/users`);
    const { approvals } = guard.running;
    const away = { address: '192.0.2.200', agent: 'Go-http-client/1.1' };
    const { hold } = await untilHeld(guard, away, 'DELETE /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f', '');
    const before = (await approvals.standing(guard.keyId)).quarantined;
    expect(before).toBeGreaterThan(15);
    await approvals.approve('anna', hold, true);
    expect((await approvals.standing(guard.keyId)).quarantined).toBeGreaterThan(15);
  });

  it('only flags while it observes or in a maintenance window', async () => {
    const always = [
      { from: '00:00', to: '23:59' },
      { from: '23:59', to: '00:00' },
    ];
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({ maintenance: always }));
    await habits(guard);
    await expect(untilHeld(guard)).rejects.toThrow('nothing was held');
    expect((await guard.running.approvals.standing(guard.keyId)).quarantined).toBeGreaterThan(5);
    await guard.running.approvals.settle('anna', guard.keyId, 'release');
    expect((await guard.running.approvals.standing(guard.keyId)).quarantined).toBe(0);
    await guard.running.approvals.reset('anna', guard.keyId);
    expect(await guard.running.approvals.standing(guard.keyId)).toMatchObject({ calls: 0, warming: true });
  });

  it('keeps what it learned over kill -9', async () => {
    const upstream = http.createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const dir = guardFolder({
      upstreams: [{ name: 'api', url: `http://127.0.0.1:${port}`, catalog: 'jumpcloud' }],
      trustedProxies: ['127.0.0.1'],
    });
    try {
      const first = await startGuard(dir);
      const issued = await first.admin('POST', '/v1/keys', { name: 'test', principal: 'script' });
      const { key, credential } = (await issued.json()) as { key: { id: string }; credential: string };
      for (let n = 0; n < 60; n++)
        await fetch(`http://127.0.0.1:${first.port}/api/systemusers`, {
          headers: { 'x-api-key': credential },
        });
      const standing = async (guard: typeof first, id = key.id) =>
        (await (await guard.admin('GET', `/v1/keys/${id}/baseline`, undefined, first.token)).json()) as {
          calls: number;
          warming: boolean;
          alarmDays: number;
        };
      const budget = async (guard: typeof first) =>
        (await (await guard.admin('GET', '/v1/alarm-budget', undefined, first.token)).json()) as {
          spent: number;
          threshold: number;
        };
      expect(await standing(first)).toMatchObject({ calls: 60, warming: false });
      let strange = 0;
      for (; (await budget(first)).spent === 0 && strange < 30; strange++)
        await fetch(`http://127.0.0.1:${first.port}/api/runCommand`, {
          ...{ method: 'POST', body: '{}' },
          headers: { 'x-api-key': credential, 'user-agent': 'curl/8', 'x-forwarded-for': '203.0.113.66' },
        });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await first.stop('SIGKILL');
      const second = await startGuard(dir);
      const known = { calls: 60 + strange, warming: false, alarmDays: 1 };
      expect(await standing(second)).toMatchObject(known);
      expect(await budget(second)).toMatchObject({ spent: 1, threshold: expect.any(Number) });
      // Another key of the same principal begins where this one is.
      const more = await second.admin('POST', '/v1/keys', { name: 'more', principal: 'script' }, first.token);
      const kin = (await more.json()) as { key: { id: string }; credential: string };
      await fetch(`http://127.0.0.1:${second.port}/api/systemusers`, {
        headers: { 'x-api-key': kin.credential },
      });
      expect(await standing(second, kin.key.id)).toMatchObject({ calls: known.calls + 1, alarmDays: 0 });
      await second.stop();
    } finally {
      upstream.close();
      removeFolder(dir);
    }
  });

  it('keeps no key that a client put into a path or a header', async () => {
    guard = await guarded(answer, { catalog: 'jumpcloud' }, setting({}));
    const { key, port } = guard;
    await raw(
      port,
      `GET /api/systems/${key}?k=${key} HTTP/1.1\r\nHost: api\r\nx-api-key: ${key}\r\nUser-Agent: agent ${key}\r\nConnection: close\r\n\r\n`,
      20,
    );
    expect(guard.received()).toContain(`GET /api/systems/${key}?k=${key}`);
    const encoded = `/things/${key.replace('kw_', '%6Bw_')}/more`;
    await raw(
      port,
      `GET ${encoded} HTTP/1.1\r\nHost: api\r\nx-api-key: ${key}\r\nConnection: close\r\n\r\n`,
      20,
    );
    expect(guard.received()).toContain(encoded);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const kept = readdirSync(guard.dataDir, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => readFileSync(path.join(each.parentPath, each.name), 'latin1'));
    expect(kept.some((text) => text.includes('_[redacted]'))).toBe(true);
    for (const secret of [key, key.toLowerCase(), key.slice(3), key.slice(3).toLowerCase()])
      expect(kept.filter((text) => text.includes(secret))).toEqual([]);
  });

  it('learns paths from calls with a key alone: strangers must not decide what is an id', async () => {
    guard = await guarded(answer, { foreignKeys: 'enrol' }, setting({ mode: 'observe' }));
    const { port, key } = guard;
    const get = (credential: string, path: string) =>
      raw(
        port,
        `GET ${path} HTTP/1.1\r\nHost: api\r\nx-api-key: ${credential}\r\nConnection: close\r\n\r\n`,
        20,
      );
    for (let n = 0; n < 60; n++) {
      const word = String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26), 120, 121);
      await get(`stranger-${n}-0123456789`, `/users/${word}`);
    }
    await get(key, '/users/anna');
    const { token } = await guard.running.operators.add('test', 'reader', 'viewer');
    const url = `http://127.0.0.1:${guard.running.admin.address.port}/v1/journal?kind=decision&key=${guard.keyId}`;
    const { entries } = (await (
      await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    ).json()) as { entries: { path: string; objects?: string[] }[] };
    expect(entries.map(({ path, objects }) => ({ path, objects }))).toEqual([{ path: '/users/anna' }]);
  });
});
