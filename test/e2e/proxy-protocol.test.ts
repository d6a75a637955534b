import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keyLimits } from '../../src/keys/inputs.js';
import { type Authority, authority, type Certificate } from './certificates.js';
import { type Guarded, guarded, type Script } from './guarded-api.js';
import { call, connect } from './http2-client.js';

let ca: Authority;
let certificate: Certificate;
let api: Guarded;

beforeAll(() => {
  ca = authority();
  certificate = ca.issue('localhost');
});
afterAll(() => ca.remove());
afterEach(() => api.close());

const ok: Script = (socket, received) => {
  if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};

/** A guard that wants PROXY headers from here, with a key for 203.0.113.0/24 and 2001:db8::/32 only. */
const proxied = async (secure = false, trustedProxies = ['127.0.0.0/8']) => {
  const listener = { port: 0, proxyProtocol: 'require', ...(secure ? { tls: { ...certificate } } : {}) };
  api = await guarded(ok, {}, { listeners: [listener], trustedProxies });
  const allow = [{ cidr: '203.0.113.0/24' }, { cidr: '2001:db8::/32' }];
  await api.running.keys.change('test', api.keyId, { limits: keyLimits.parse({ locations: { allow } }) });
};

const v1 = (address: string) =>
  Buffer.from(
    address.includes(':')
      ? `PROXY TCP6 ${address} 2001:db8::ff 4000 443\r\n`
      : `PROXY TCP4 ${address} 198.51.100.1 4000 443\r\n`,
  );
const v2 = (address: string, command = 1) => {
  const source = Buffer.from(address.split('.').map(Number));
  const rest = Buffer.from([198, 51, 100, 1, 15, 160, 1, 187]);
  return Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Buffer.from([0x20 | command, 0x11, 0, 12]),
    source,
    rest,
  ]);
};

/** Sends the pieces one packet after the other; gives the answer, or "cut off" when there is none. */
async function send(pieces: readonly Buffer[]): Promise<string> {
  const socket = net.connect(api.port, '127.0.0.1');
  socket.setNoDelay(true);
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    if (!socket.destroyed) socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  await Promise.race([closed, expect.poll(() => answer, { timeout: 3_000 }).toMatch(/\r\n\r\n/)]);
  socket.destroy();
  return reason(answer);
}
const reason = (answer: string) =>
  answer === '' ? 'cut off' : (/"reason":"(\w+)"/.exec(answer)?.[1] ?? answer.slice(9, 12));
const request = () => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n\r\n`);
const join = (...parts: Buffer[]) => [Buffer.concat(parts)];

describe('the PROXY protocol', () => {
  it('v1 and v2 name the address that place rules judge', async () => {
    await proxied();
    expect(await send(join(v1('203.0.113.5'), request()))).toBe('200');
    expect(await send(join(v1('198.51.100.7'), request()))).toBe('location_denied');
    expect(await send(join(v1('2001:db8::5'), request()))).toBe('200');
    expect(await send(join(v2('203.0.113.5'), request()))).toBe('200');
    expect(await send(join(v2('198.51.100.7'), request()))).toBe('location_denied');
    expect(api.received()).toContain('X-Forwarded-For: 203.0.113.5\r\n');
  });

  it('where it names none, the proxy itself is judged', async () => {
    await proxied();
    expect(await send(join(Buffer.from('PROXY UNKNOWN\r\n'), request()))).toBe('location_denied');
    expect(await send(join(v2('203.0.113.5', 0), request()))).toBe('location_denied');
  });

  it('a header may come in any packets', async () => {
    await proxied();
    for (const header of [v1('203.0.113.5'), v2('203.0.113.5')]) {
      const bytes = [...header].map((byte) => Buffer.from([byte]));
      expect(await send([...bytes, request()])).toBe('200');
      expect(await send([header.subarray(0, 14), Buffer.concat([header.subarray(14), request()])])).toBe(
        '200',
      );
    }
  });

  it('a missing or broken header cuts the connection, and nothing is forwarded', async () => {
    await proxied();
    expect(await send([request()])).toBe('cut off');
    expect(await send(join(Buffer.from('PROXY TCP4 203.0.113.5\r\n'), request()))).toBe('cut off');
    expect(await send(join(Buffer.from('PROXY TCP4 999.0.113.5 198.51.100.1 1 2\r\n'), request()))).toBe(
      'cut off',
    );
    expect(await send([Buffer.alloc(64, 0xff)])).toBe('cut off');
    expect(await send(join(v2('203.0.113.5', 2), request()))).toBe('cut off');
    expect(api.received()).toBe('');
  });

  it('who is no trusted proxy is cut off, header or not', async () => {
    await proxied(false, ['192.0.2.0/24']);
    expect(await send(join(v1('203.0.113.5'), request()))).toBe('cut off');
    expect(await send([request()])).toBe('cut off');
    expect(api.received()).toBe('');
  });

  it('a second header within the connection is no request', async () => {
    await proxied();
    expect(await send(join(v1('198.51.100.7'), v1('203.0.113.5'), request()))).toBe('request_malformed');
  });

  it.each([
    ['v1', v1],
    ['v2', v2],
  ])('%s in front of TLS, over HTTP/1.1 and HTTP/2', async (_name, header) => {
    await proxied(true);
    const begin = async (address: string) => {
      const socket = net.connect(api.port, '127.0.0.1');
      const bytes = header(address);
      socket.write(bytes.subarray(0, 5));
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.write(bytes.subarray(5));
      return socket;
    };
    const options = { ca: readFileSync(ca.cert), servername: 'localhost' };
    for (const [address, expected] of [
      ['203.0.113.5', '200'],
      ['198.51.100.7', 'location_denied'],
    ] as const) {
      const socket = tls.connect({ socket: await begin(address), ...options });
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes.toString('latin1');
      });
      socket.write(request());
      await expect.poll(() => answer, { timeout: 3_000 }).toMatch(/\r\n\r\n/);
      expect(reason(answer)).toBe(expected);
      socket.destroy();

      const below = await begin(address);
      const session = await connect('https://localhost', {
        createConnection: () => tls.connect({ socket: below, ALPNProtocols: ['h2'], ...options }),
      });
      const { status } = await call(session, { ':path': '/', 'x-api-key': api.key });
      expect(status).toBe(expected === '200' ? 200 : 403);
      session.destroy();
    }
  });

  it('in front of HTTP/2 with prior knowledge', async () => {
    await proxied();
    const socket = net.connect(api.port, '127.0.0.1');
    socket.write(v2('203.0.113.5'));
    const session = await connect('http://a', { createConnection: () => socket });
    expect(await call(session, { ':path': '/', 'x-api-key': api.key })).toMatchObject({ status: 200 });
    session.destroy();
  });
});
