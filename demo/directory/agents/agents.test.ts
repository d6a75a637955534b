import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import http from 'node:http';
import httpSignature from 'http-signature';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../model.js';
import { type Answer, type TestDirectory, testDirectory } from '../testing/fixture.js';
import { SKEW_MS } from './signature.js';
import { SILENT_MS } from './silence.js';

interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
interface Signed {
  readonly keyId: string;
  readonly key: KeyObject;
  readonly body?: unknown;
  readonly date?: string;
  /** What is signed, where it is not what is sent. */
  readonly target?: string;
  readonly covers?: string;
  readonly headers?: Record<string, string>;
}

const rsa = (): Keys => generateKeyPairSync('rsa', { modulusLength: 2048 });
const INVENTORY = {
  ...{ hostname: 'host-1', os: 'Debian', osFamily: 'linux', version: '13', arch: 'x64', agentVersion: '2' },
  ...{ serialNumber: '', tables: { apps: [{ name: 'editor' }] } },
};
const EMPTY = { waitMs: 0, locked: false, holding: [], policies: [], bootedAt: '2023-07-05T12:00:00Z' };

let t: TestDirectory;
let connectKeys: string[];
let keys: Keys;
let other: Keys;
let self: string;
let foreign: string;

function send(method: string, target: string, signed: Signed): Promise<Answer> {
  const body = signed.body === undefined ? '' : JSON.stringify(signed.body);
  const date = signed.date ?? new Date(t.clock.now).toUTCString();
  const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
  const covers = signed.covers ?? 'request-line date digest';
  const lines: Record<string, string> = {
    'request-line': `${method} ${signed.target ?? target} HTTP/1.1`,
    date: `date: ${date}`,
    digest: `digest: ${digest}`,
  };
  const text = covers
    .split(' ')
    .map((name) => lines[name])
    .join('\n');
  const signature = sign('RSA-SHA256', Buffer.from(text), signed.key).toString('base64');
  const given = `keyId="${signed.keyId}",headers="${covers}",algorithm="rsa-sha256",signature="${signature}"`;
  const headers = { date, digest, authorization: `Signature ${given}`, ...signed.headers };
  return t.call(method, target, { key: undefined, headers, ...(body === '' ? {} : { body }) });
}

let count = 0;
const enrol = ({ privateKey, publicKey }: Keys, connectKey: string | undefined, more: Partial<Signed> = {}) =>
  send('POST', `/demo/agents?n=${count++}`, {
    ...{ keyId: 'enrolment', key: privateKey, headers: { 'x-connect-key': connectKey ?? '' } },
    body: { publicKey: publicKey.export({ type: 'spki', format: 'pem' }), inventory: INVENTORY },
    ...more,
  });
const own = (method: string, target: string, more: Partial<Signed> = {}) =>
  send(method, target, { keyId: `system/${self}`, key: keys.privateKey, ...more });
const checkIn = (more: JsonObject = {}, signed: Partial<Signed> = {}) =>
  own('POST', `/demo/agents/${self}/check-in?n=${count++}`, { body: { ...EMPTY, ...more }, ...signed });

beforeAll(async () => {
  t = await testDirectory();
  connectKeys = Object.values(t.seeded.connectKeys);
  [keys, other] = [rsa(), rsa()];
  self = String((await enrol(keys, connectKeys[0])).json.systemId);
  foreign = String((await enrol(other, connectKeys[1])).json.systemId);
});
afterAll(() => t.close());

describe('enrolment', () => {
  it('makes a device of the organisation whose connect key it was', async () => {
    expect((await t.call('GET', `/api/systems/${self}`)).json).toMatchObject({
      hostname: 'host-1',
      os: 'Debian',
    });
    expect((await t.call('GET', `/api/systems/${foreign}`)).status).toBe(404);
    expect((await t.call('GET', `/api/systems/${foreign}`, { key: t.keyOf(1) })).status).toBe(200);
  });

  it('repeated with the same key is the same device', async () => {
    const { total } = await t.call('GET', '/api/systems');
    expect((await enrol(keys, connectKeys[0])).json.systemId).toBe(self);
    expect((await t.call('GET', '/api/systems')).total).toBe(total);
  });

  it('needs a connect key, and proof of the key that is brought', async () => {
    for (const wrong of [undefined, '', 'wrong', `${connectKeys[0]}0`])
      expect((await enrol(rsa(), wrong)).status).toBe(401);
    expect((await enrol(rsa(), connectKeys[0], { key: keys.privateKey })).status).toBe(401);
    expect((await enrol(rsa(), connectKeys[0], { covers: 'request-line date' })).status).toBe(401);
    // The key of another organisation's device is not taken over with the connect key of one's own.
    expect((await enrol(other, connectKeys[0])).status).toBe(401);
  });

  it('takes RSA keys of a good size, and no nonsense', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect((await enrol(weak, connectKeys[0])).status).toBe(400);
    for (const body of [{}, [], { publicKey: 'x', inventory: INVENTORY }, { publicKey: 1 }])
      expect((await enrol(keys, connectKeys[0], { body })).status).toBe(400);
  });

  it('the connect key is not shown to those who may only read', async () => {
    expect((await t.call('GET', '/api/settings')).json.CONNECT_KEY).toBe(connectKeys[0]);
    const reader = await t.call('GET', '/api/settings', { key: t.keyOf(0, 'Read Only') });
    expect([reader.status, reader.json.CONNECT_KEY]).toEqual([200, undefined]);
  });
});

describe('a device that falls silent', () => {
  it('is not active to whoever reads it, until it is heard of again; a simulated one does not fall silent', async () => {
    await checkIn();
    const shown = async () => {
      const { list } = await t.call('GET', '/api/systems?filter=active:$eq:false');
      const found = await t.call('POST', '/api/search/systems', {
        body: { searchFilter: { searchTerm: 'host-1' } },
      });
      const { json } = await t.call('GET', `/api/systems/${self}`);
      return [json.active, found.list[0]?.active, list.map(({ id }) => id)];
    };
    expect(await shown()).toEqual([true, true, []]);
    t.clock.now += SILENT_MS;
    expect(await shown()).toEqual([true, true, []]);
    t.clock.now += 1;
    expect(await shown()).toEqual([false, false, [self]]);
    expect((await checkIn()).status).toBe(200);
    expect(await shown()).toEqual([true, true, []]);
  });
});

describe('a signature', () => {
  it('of the reference library, in the form of the real agents, is good', async () => {
    const request = http.request('http://127.0.0.1:1', { method: 'GET', path: `/api/systems/${self}` });
    request.on('error', () => undefined);
    const date = new Date(t.clock.now).toUTCString();
    request.setHeader('date', date);
    const key = String(keys.privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const headers = ['request-line', 'date'];
    httpSignature.sign(request, { key, keyId: `system/${self}`, algorithm: 'rsa-sha256', headers });
    const authorization = String(request.getHeader('authorization'));
    request.destroy();
    const answer = await t.call('GET', `/api/systems/${self}`, {
      key: undefined,
      headers: { date, authorization },
    });
    expect(answer.json).toMatchObject({ _id: self, hostname: 'host-1' });
  });

  it.each<[string, () => Partial<Signed>]>([
    ['by another key', () => ({ key: other.privateKey })],
    ['for another path', () => ({ target: '/api/systems' })],
    ['in another name', () => ({ keyId: `system/${foreign}` })],
    ['in no name', () => ({ keyId: `system/${'0'.repeat(24)}` })],
    ['of a key id that is none', () => ({ keyId: 'system/../admin' })],
    ['too old', () => ({ date: new Date(t.clock.now - SKEW_MS - 1_000).toUTCString() })],
    ['of the future', () => ({ date: new Date(t.clock.now + SKEW_MS + 1_000).toUTCString() })],
    ['without a date that is one', () => ({ date: 'yesterday' })],
    ['over the date alone', () => ({ covers: 'date' })],
    ['over the line alone', () => ({ covers: 'request-line' })],
    ['with a digest of something else', () => ({ headers: { digest: 'SHA-256=AAAA' } })],
    ['with an algorithm of its choice', () => ({ headers: { authorization: 'Signature algorithm="none"' } })],
  ])('%s is refused', async (_name, wrong) => {
    expect((await own('GET', `/api/systems/${self}`)).status).toBe(200);
    expect(await own('GET', `/api/systems/${self}`, wrong())).toMatchObject({
      ...{ status: 401, json: { message: 'Unauthorized' } },
    });
  });

  it('of a write is good once; of a read, as long as its date', async () => {
    const write = { body: { displayName: 'mine' } };
    expect((await own('PUT', `/api/systems/${self}`, write)).status).toBe(200);
    expect((await own('PUT', `/api/systems/${self}`, write)).status).toBe(401);
    for (let n = 0; n < 2; n++) expect((await own('GET', `/api/systems/${self}`)).status).toBe(200);
    t.clock.now += 1_000;
    expect((await own('PUT', `/api/systems/${self}`, write)).status).toBe(200);
  });

  it('of a write dated before this process began is refused: the one before may have taken it', async () => {
    const date = new Date(Date.UTC(2023, 6, 5, 12) - 2_000).toUTCString();
    expect((await own('PUT', `/api/systems/${self}`, { body: { displayName: 'old' }, date })).status).toBe(
      401,
    );
    expect((await own('GET', `/api/systems/${self}`, { date })).status).toBe(200);
  });
});

describe('in its own name a device', () => {
  it('reads and changes itself and its ties', async () => {
    for (const path of ['memberof', 'users', 'associations?targets=user'])
      expect((await own('GET', `/api/v2/systems/${self}/${path}`)).status, path).toBe(200);
    const group = String((await t.call('GET', '/api/v2/systemgroups?limit=1')).list[0]?.id);
    const add = { body: { op: 'add', type: 'system', id: self } };
    expect((await own('POST', `/api/v2/systemgroups/${group}/members`, add)).status).toBe(204);
    expect((await own('GET', `/api/v2/systems/${self}/memberof`)).list).toMatchObject([{ id: group }]);
  });

  it.each<[string, string, JsonObject?]>([
    ['GET', '/api/systems'],
    ['GET', '/api/systems/OTHER'],
    ['DELETE', '/api/systems/OTHER'],
    ['GET', '/api/systemusers'],
    ['GET', '/api/users'],
    ['GET', '/api/organizations'],
    ['GET', '/api/settings'],
    ['GET', '/api/v2/systems/SELF/fdekey'],
    ['POST', '/api/systems/SELF/command/builtin/erase', {}],
    ['POST', '/api/commands', { name: 'x', command: 'id' }],
    ['POST', '/api/runCommand', { _id: 'x' }],
    ['POST', '/api/v2/systemgroups/GROUP/members', { op: 'add', type: 'system', id: 'OTHER' }],
    ['POST', '/insights/directory/v1/events', { service: ['all'], start_time: '2023-01-01' }],
    ['POST', '/demo/agents/OTHER/check-in', EMPTY],
  ])('may not %s %s', async (method, path, body) => {
    const systems = (await t.call('GET', '/api/systems?limit=1')).list;
    const group = String((await t.call('GET', '/api/v2/systemgroups?limit=1')).list[0]?.id);
    const filled = (text: string) =>
      text.replace('SELF', self).replace('OTHER', String(systems[0]?.id)).replace('GROUP', group);
    const given = body === undefined ? {} : { body: JSON.parse(filled(JSON.stringify(body))) as unknown };
    expect((await own(method, filled(path), given)).status).toBe(401);
  });
});

describe('what an agent says', () => {
  const queued = async (command: string) => {
    const made = await t.call('POST', '/api/commands', { body: { name: 'x', command } });
    const run = await t.call('POST', '/api/runCommand', { body: { _id: made.json._id, systems: [self] } });
    return { command: String(made.json._id), run: String((run.json.queueIds as string[])[0]) };
  };
  const result = (id: string, more: Partial<Signed> = {}, sender = self) => {
    const times = { startedAt: '2023-07-05T12:00:00Z', endedAt: '2023-07-05T12:00:01Z' };
    const body = { id, exitCode: 3, output: 'out', error: 'err', ...times };
    const target = `/demo/agents/${sender}/results?n=${count++}`;
    return send('POST', target, { keyId: `system/${sender}`, key: keys.privateKey, body, ...more });
  };

  it('is signed with its body', async () => {
    expect((await checkIn({}, { covers: 'request-line date' })).status).toBe(401);
    expect((await checkIn()).status).toBe(200);
  });

  it('an inventory that is too large, or none, changes nothing', async () => {
    const row = { name: 'x'.repeat(4_000) };
    for (const [apps, status] of [
      [Array.from({ length: 400 }, () => row), 413],
      [Array.from({ length: 501 }, () => ({ name: 'x' })), 400],
      [[{ name: 'x'.repeat(5_000) }], 400],
      [[{ name: { deep: {} } }], 400],
    ] as const) {
      const inventory = { ...INVENTORY, tables: { apps } } as unknown as JsonObject;
      expect((await checkIn({ inventory })).status).toBe(status);
    }
    const apps = await t.call('GET', `/api/v2/systeminsights/${self}/apps`);
    expect(apps.list).toMatchObject([{ name: 'editor', system_id: self }]);
  });

  it('is handed out until it has its result, once with an event, whoever removed the command meanwhile', async () => {
    const { command, run } = await queued('uname');
    await t.devices.answer();
    await t.call('DELETE', `/api/commands/${command}`);
    for (let n = 0; n < 2; n++)
      expect((await checkIn()).json.orders).toMatchObject([
        { id: run, command: 'uname', timeoutMs: 120_000 },
      ]);
    expect((await checkIn({ holding: [run] })).json.orders).toEqual([]);
    expect((await checkIn({ locked: true })).json.orders).toEqual([]);
    for (let n = 0; n < 2; n++) expect((await result(run)).status).toBe(200);
    expect((await checkIn()).json.orders).toEqual([]);
    expect((await t.call('GET', `/api/commandresults/${run}`)).json).toMatchObject({
      response: { error: 'err', data: { exitCode: 3, output: 'out' } },
    });
    const events = await t.call('POST', '/insights/directory/v1/events', {
      body: { service: ['systems'], start_time: '2023-07-01T00:00:00Z' },
    });
    expect(events.list.filter((event) => event.run === run)).toHaveLength(1);
  });

  it('no device answers for another', async () => {
    const { run } = await queued('uname');
    await result(run, { key: other.privateKey }, foreign);
    expect((await result(run, { key: other.privateKey })).status).toBe(401);
    expect((await t.call('GET', `/api/commandresults/${run}`)).status).toBe(404);
    expect((await checkIn()).json.orders).toMatchObject([{ id: run }]);
  });

  it('a removed device says nothing more, enrols no more with its key, and what waited for it is gone', async () => {
    await t.call('DELETE', `/api/systems/${self}`);
    expect((await checkIn()).status).toBe(401);
    expect((await own('GET', `/api/systems/${self}`)).status).toBe(401);
    expect((await enrol(keys, connectKeys[0])).status).toBe(401);
    expect((await t.call('GET', '/api/v2/queuedcommand/workflows')).list).toEqual([]);
  });
});
