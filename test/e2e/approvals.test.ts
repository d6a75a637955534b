import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { causesIn } from '../../src/incidents/causes.js';
import { type Guarded, raw, type Script } from './guarded-api.js';
import { httpUpstream } from './http-upstream.js';
import { call, connect } from './http2-client.js';
import { dial, headOf, holdIn, JSON_LINES, steal, stolenKey, THIEF } from './stranger.js';

const COMMAND = 'POST /api/runCommand';
const BODY = '{"_id":"6f1b2c3d4e5f6a7b8c9d0e1f"}';

let guard: Guarded | undefined;
let upstream: net.Server | undefined;
afterEach(async () => {
  await guard?.close();
  upstream?.close();
  guard = undefined;
  upstream = undefined;
});

async function listen(port: number, answer: string): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    // One request each: a stopped upstream leaves no connection behind.
    socket.on('data', () => socket.end(answer));
  });
  upstream = server;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

/** A call that was approved and is yet to be made. */
async function approved(to: Guarded): Promise<string> {
  const hold = holdIn(await steal(to, COMMAND, JSON_LINES, BODY)) as string;
  await to.running.approvals.approve('anna', hold, false);
  return hold;
}

describe('an approval', () => {
  it('is given back when the upstream got no byte of the call, and then counts once', async () => {
    const port = await listen(0, OK);
    guard = await stolenKey({}, undefined, { url: `http://127.0.0.1:${port}` });
    const hold = await approved(guard);
    await new Promise((resolve) => upstream?.close(resolve));
    for (let n = 0; n < 2; n++)
      expect(await steal(guard, COMMAND, JSON_LINES, BODY)).toMatch(/^HTTP\/1\.1 502 [\s\S]*unreachable/);
    expect(await guard.running.approvals.show(hold)).toMatchObject({ state: 'approved' });
    await listen(port, OK);
    expect(await steal(guard, COMMAND, JSON_LINES, BODY)).toMatch(/^HTTP\/1\.1 200/);
    expect(await guard.running.approvals.show(hold)).toMatchObject({ state: 'used' });
    expect(holdIn(await steal(guard, COMMAND, JSON_LINES, BODY))).not.toBe(hold);
  });

  it('is used up by a call that the upstream got and did not answer', async () => {
    const port = await listen(0, OK);
    guard = await stolenKey({}, undefined, { url: `http://127.0.0.1:${port}` });
    const hold = await approved(guard);
    await new Promise((resolve) => upstream?.close(resolve));
    await listen(port, '');
    expect(await steal(guard, COMMAND, JSON_LINES, BODY)).toMatch(/^HTTP\/1\.1 502 [\s\S]*upstream_closed/);
    const again = holdIn(await steal(guard, COMMAND, JSON_LINES, BODY));
    expect(again).toBeDefined();
    expect(again).not.toBe(hold);
  });

  it('is given back when its client goes while it waits for a connection, and explains no run at a device', async () => {
    const answer: Script = (socket, received) => {
      if (!received.includes('/api/slow')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
    guard = await stolenKey({}, answer, { connectionsMax: 1 });
    const { running, keyId, port, dataDir } = guard;
    const hold = await approved(guard);
    const journals = [path.join(dataDir, 'journal')];
    const causes = async () => (await causesIn(journals, ['runcommand'], 0)).causes.length;
    const slow = dial(port);
    slow.socket.write(headOf(guard, 'GET /api/slow', []));
    await expect.poll(guard.received).toContain('/api/slow');
    const before = { causes: await causes(), accepted: running.keys.usage(keyId)?.accepted as number };
    const { socket } = dial(port);
    socket.write(headOf(guard, COMMAND, [...JSON_LINES, `Content-Length: ${BODY.length}`]) + BODY);
    await expect.poll(causes).toBe(before.causes + 1);
    socket.destroy();
    await expect.poll(async () => (await running.approvals.show(hold)).state).toBe('approved');
    await expect.poll(causes).toBe(before.causes);
    expect(guard.received()).not.toContain(BODY);
    expect(running.keys.usage(keyId)?.accepted).toBe(before.accepted + 1);
    slow.socket.destroy();
  });

  it('that was given over HTTP/1.1 counts over HTTP/2, once for streams at the same moment', async () => {
    guard = await stolenKey();
    await approved(guard);
    const session = await connect(`http://127.0.0.1:${guard.port}`);
    const head = {
      ...{ ':method': 'POST', ':path': '/api/runCommand', ':authority': 'api', 'x-api-key': guard.key },
      ...{ 'x-forwarded-for': THIEF.address, 'user-agent': THIEF.agent, 'content-type': 'application/json' },
    };
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(session, head, BODY)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403]);
    session.destroy();
  });

  it('counts once among requests that come one behind the other', async () => {
    guard = await stolenKey();
    await approved(guard);
    const command = headOf(guard, COMMAND, [...JSON_LINES, `Content-Length: ${BODY.length}`]) + BODY;
    const read = headOf(guard, 'GET /api/systemusers', []);
    const all = [command, read, command, read].join('').replaceAll('Connection: close\r\n', '');
    expect((await raw(guard.port, all)).match(/HTTP\/1\.1 \d+/g)).toEqual(
      [200, 200, 403, 200].map((status) => `HTTP/1.1 ${status}`),
    );
  });

  it('opens a WebSocket', async () => {
    const echo = await httpUpstream((_, response) => response.end());
    new WebSocketServer({ server: echo.server }).on('connection', (socket) =>
      socket.on('message', (data) => socket.send(data)),
    );
    const detector = { mode: 'enforce', actions: ['hold', 'hold', 'hold', 'hold', 'hold'] };
    guard = await stolenKey({ detector }, undefined, { url: echo.url });
    const { port, key } = guard;
    const open = () =>
      new WebSocket(`ws://127.0.0.1:${port}/api/systems/5f1b2c3d4e5f6a7b8c9d0e1f/console`, {
        headers: { 'x-api-key': key, 'x-forwarded-for': THIEF.address, 'user-agent': THIEF.agent },
      });
    const refused = open();
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    const hold = holdIn(String((await response.toArray()).join('')));
    await guard.running.approvals.approve('anna', hold as string, false);
    const before = guard.running.keys.usage(guard.keyId)?.accepted as number;
    const socket = open();
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    expect(guard.running.keys.usage(guard.keyId)?.accepted).toBe(before + 1);
    socket.terminate();
    echo.close();
  });
});
