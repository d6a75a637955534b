import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';

let api: Guarded;
afterEach(() => api.close());

const ok: Script = (socket, received) => {
  if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};
const get = (key: string, path = '/', more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n${more}\r\n`;
const reason = (answer: string) => /"reason":"(\w+)"/.exec(answer)?.[1] ?? answer.slice(9, 12);

describe('time', () => {
  it('to connect, TLS included: 504', async () => {
    // Accepts the connection and then says nothing to the ClientHello.
    const silent = net.createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as net.AddressInfo;
    api = await guarded(ok, { url: `https://127.0.0.1:${port}`, timeouts: { connectMs: 150 } });
    const answer = await raw(api.port, get(api.key), 1_000);
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(reason(answer)).toBe('upstream_connect_timeout');
    silent.close();
  });

  it('without a byte, or in all: an answer that has begun is cut, never ended as if whole', async () => {
    const dribble: Script = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
    };
    api = await guarded(dribble, { timeouts: { totalMs: 400 } });
    const begun = Date.now();
    const answer = await raw(api.port, get(api.key), 3_000);
    expect(Date.now() - begun).toBeLessThan(1_500);
    expect(answer).toMatch(/\r\n1\r\nx\r\n/);
    expect(answer).not.toContain('\r\n0\r\n');
    await api.close();
    api = await guarded((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), {
      timeouts: { idleMs: 200 },
    });
    expect(await raw(api.port, get(api.key), 3_000)).toMatch(/half$/);
  });

  it('for a client to send its head: 408; and between requests: closed', async () => {
    api = await guarded(ok, {}, { clients: { headMs: 200, idleMs: 200 } });
    expect(await raw(api.port, 'GET / HTTP/1.1\r\nHo', 2_000)).toMatch(/^HTTP\/1\.1 408 /);
    const begun = Date.now();
    expect(reason(await raw(api.port, get(api.key), 2_000))).toBe('200');
    expect(Date.now() - begun).toBeLessThan(1_500);
  });
});

describe('number', () => {
  it('of connections to the upstream and of requests that wait for one', async () => {
    const held: net.Socket[] = [];
    api = await guarded((socket) => void held.push(socket), { connectionsMax: 1, queueMax: 1 });
    const first = raw(api.port, get(api.key), 1_500);
    await expect.poll(() => held.length).toBe(1);
    const second = raw(api.port, get(api.key), 1_500);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const third = await raw(api.port, get(api.key));
    expect([third.slice(9, 12), reason(third)]).toEqual(['503', 'upstream_busy']);
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    held[0]?.write(answer);
    await expect.poll(() => held.length).toBe(2);
    held[1]?.write(answer);
    expect([reason(await first), reason(await second)]).toEqual(['200', '200']);
  });

  it('of client connections', async () => {
    api = await guarded(ok, {}, { clients: { connectionsMax: 2 } });
    const open = [net.connect(api.port, '127.0.0.1'), net.connect(api.port, '127.0.0.1')];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await raw(api.port, get(api.key))).toBe('');
    open[0]?.destroy();
    await expect.poll(() => raw(api.port, get(api.key))).toContain('200 OK');
    open[1]?.destroy();
  });
});

describe('size', () => {
  it('of a head: 431', async () => {
    api = await guarded(ok, {}, { clients: { headBytesMax: 1_024 } });
    const answer = await raw(api.port, get(api.key, '/', `X: ${'a'.repeat(2_000)}\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('of a body, declared or not: 413, and the upstream never gets it whole', async () => {
    api = await guarded(() => undefined, { bodyBytesMax: 10 });
    const post = (framing: string, body: string) =>
      raw(api.port, `POST / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n${framing}\r\n\r\n${body}`);
    expect(reason(await post('Content-Length: 11', '01234567890'))).toBe('body_too_large');
    expect(api.received()).toBe('');
    const chunked = await post('Transfer-Encoding: chunked', '8\r\n01234567\r\n8\r\n89abcdef\r\n0\r\n\r\n');
    expect(reason(chunked)).toBe('body_too_large');
    expect(api.received()).not.toContain('0\r\n\r\n');
  });
});

describe('routing', () => {
  it('goes by host, then by the longest prefix; what fits nothing is 404', async () => {
    api = await guarded(ok, {
      hosts: ['api.example'],
      prefixes: ['/v1', '/v1/deep'],
    });
    const ask = (host: string, path: string) =>
      raw(api.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nx-api-key: ${api.key}\r\n\r\n`);
    expect(reason(await ask('api.example', '/v1/x'))).toBe('200');
    expect(reason(await ask('API.example:8080', '/V1'))).toBe('200');
    expect(reason(await ask('api.example', '/v1x'))).toBe('no_route');
    expect(reason(await ask('other.example', '/v1/x'))).toBe('no_route');
  });
});

describe('what does not concern the guard', () => {
  it('goes on as it came: case, empty segments, trailing slash, query, a body with GET', async () => {
    api = await guarded((socket, received) => {
      if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const target = '/Some//Path/~a%7Eb/?B=2&a=%zz&&a';
    expect(reason(await raw(api.port, `${get(api.key, target, 'content-LENGTH: 4\r\n')}body`))).toBe('200');
    expect(api.received()).toContain(`GET ${target} HTTP/1.1\r\n`);
    expect(api.received()).toContain('\r\ncontent-LENGTH: 4\r\n');
  });
});
