import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Guarded } from './guarded-api.js';
import { holdIn, JSON_LINES, steal, stolenKey } from './stranger.js';

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
});
