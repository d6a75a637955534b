import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { type ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import { promisify } from 'node:util';
import { Agent, fetch } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keyLimits } from '../../src/keys/inputs.js';
import { type Authority, authority, type Certificate } from './certificates.js';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { answerOf, call, connect } from './http2-client.js';

let ca: Authority;
let certificate: Certificate;
let api: Guarded;
let upstream: HttpUpstream | undefined;
let session: ClientHttp2Session | undefined;

beforeAll(() => {
  ca = authority();
  certificate = ca.issue('localhost');
});
afterAll(() => ca.remove());
afterEach(async () => {
  session?.destroy();
  session = undefined;
  await api.close();
  upstream?.close();
  upstream = undefined;
});

const ok: Script = (socket, received) => {
  if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};
const key = () => ({ 'x-api-key': api.key });
const open = async (options: http2.ClientSessionOptions = {}) => {
  session = await connect(`http://127.0.0.1:${api.port}`, options);
  return session;
};
const secureOptions = () => ({ ca: readFileSync(ca.cert), ALPNProtocols: ['h2'] });
const overTls = (extra: object = {}) => ({
  listeners: [{ port: 0, tls: { cert: certificate.cert, key: certificate.key, ...extra } }],
});
/** A guard in front of a real HTTP server. */
const behind = async (handler: Parameters<typeof httpUpstream>[0], config = {}) => {
  upstream = await httpUpstream(handler);
  api = await guarded(() => undefined, { url: upstream.url }, config);
};

describe('HTTP/2', () => {
  it('is spoken over TLS by ALPN; HTTP/1.1 goes on beside it', async () => {
    api = await guarded(ok, {}, overTls());
    session = await connect(`https://localhost:${api.port}`, secureOptions());
    expect(session.alpnProtocol).toBe('h2');
    expect(await call(session, { ':path': '/a?b=1', ...key() })).toMatchObject({ status: 200, body: 'ok' });
    const dispatcher = new Agent({ connect: { ca: readFileSync(ca.cert) }, allowH2: false });
    const response = await fetch(`https://localhost:${api.port}/old`, { dispatcher, headers: key() });
    expect(await response.text()).toBe('ok');
    await dispatcher.close();
    expect(api.received()).toMatch(
      /GET \/a\?b=1 HTTP\/1\.1\r\n[\s\S]*Via: 2 keyward\r\n[\s\S]*Via: 1\.1 keyward/,
    );
  });

  it('is spoken in cleartext by prior knowledge, with a preface in pieces too', async () => {
    api = await guarded(ok);
    expect(await call(await open(), { ':path': '/', ...key() })).toMatchObject({ status: 200, body: 'ok' });
    const socket = net.connect(api.port, '127.0.0.1');
    const frames = once(socket, 'data');
    for (const piece of ['PRI * HT', 'TP/2.0\r\n\r', '\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0']) {
      socket.write(piece, 'latin1');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [settings] = (await frames) as [Buffer];
    expect(settings[3]).toBe(4);
    socket.destroy();
  });

  it('is not served on a request that merely looks like its preface', async () => {
    api = await guarded(ok);
    expect(await raw(api.port, 'PRI * HTTP/2.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 505 /);
  });

  it('carries the fields of a request in order, cookie crumbs joined', async () => {
    api = await guarded(ok);
    const headers = { ':path': '/', 'x-b': ['1', '2'], cookie: ['a=1', 'b=2'], te: 'trailers', ...key() };
    await call(await open(), headers);
    expect(api.received()).toMatch(
      /^GET \/ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nx-b: 1\r\nx-b: 2\r\ncookie: a=1; b=2\r\nX-Forwarded-For: 127\.0\.0\.1\r\nVia: 2 keyward\r\n\r\n$/,
    );
  });

  it('carries bodies of known and unknown length, and trailers both ways', async () => {
    const body = '5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n';
    api = await guarded((socket, received) => {
      if (received.endsWith('known')) socket.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
      if (received.endsWith(body))
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Check: 7\r\n\r\n',
        );
    });
    const client = await open();
    const known = await call(
      client,
      { ':method': 'POST', ':path': '/', 'content-length': 5, ...key() },
      'known',
    );
    expect(known).toMatchObject({ status: 201, body: '', rstCode: 0 });
    expect(api.received()).toContain('content-length: 5\r\n');
    const stream = client.request(
      { ':method': 'POST', ':path': '/', ...key() },
      { waitForTrailers: true, endStream: false },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9' }));
    stream.end('hello');
    expect(await answerOf(stream)).toMatchObject({
      status: 200,
      body: 'hi',
      trailers: { 'x-check': '7' },
      rstCode: 0,
    });
    expect(api.received()).toContain(`Transfer-Encoding: chunked\r\n`);
  });

  it('HEAD, 204 and 304 have no body, and the connection fields end here', async () => {
    api = await guarded((socket, received) => {
      const last = received.split('\r\n\r\n').at(-2) ?? '';
      if (last.startsWith('HEAD'))
        socket.write(
          'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n\r\n',
        );
      else
        socket.write(
          `HTTP/1.1 ${last.includes('/204') ? '204 No Content' : '304 Not Modified'}\r\nETag: 1\r\n\r\n`,
        );
    });
    const client = await open();
    const head = await call(client, { ':method': 'HEAD', ':path': '/', ...key() });
    expect(head).toMatchObject({ status: 200, body: '', rstCode: 0, headers: { 'content-length': '99' } });
    expect(Object.keys(head.headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/hop|keep|connection/)]),
    );
    expect(await call(client, { ':path': '/204', ...key() })).toMatchObject({ status: 204, rstCode: 0 });
    expect(await call(client, { ':path': '/304', ...key() })).toMatchObject({
      status: 304,
      headers: { etag: '1' },
    });
  });

  it('passes interim answers on, and an answer that ends with the connection', async () => {
    api = await guarded((socket, received) => {
      if (received.endsWith('\r\n\r\n'))
        socket.end(
          'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nto the end',
        );
    });
    expect(await call(await open(), { ':path': '/', ...key() })).toMatchObject({
      status: 200,
      interim: [103],
      body: 'to the end',
      rstCode: 0,
      headers: { 'set-cookie': ['a', 'b'] },
    });
  });

  it('serves a hundred streams of one session at once', async () => {
    const waiting: (() => void)[] = [];
    await behind((request, response) => {
      waiting.push(() => response.end(request.url));
      if (waiting.length === 100) for (const answer of waiting) answer();
    });
    const client = await open();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => call(client, { ':path': `/${i}`, ...key() })),
    );
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 100 }, (_, i) => `/${i}`));
  });

  it('streams 10 MB up and down with back-pressure', async () => {
    const bytes = 10 * 1024 * 1024;
    await behind((request, response) => {
      let got = 0;
      request.on('data', (chunk: Buffer) => {
        got += chunk.length;
      });
      request.on('end', () => {
        response.setHeader('x-got', got);
        response.end(Buffer.alloc(bytes, 'x'));
      });
    });
    const answer = await call(
      await open(),
      { ':method': 'PUT', ':path': '/', ...key() },
      Buffer.alloc(bytes, 'y'),
    );
    expect(answer.headers['x-got']).toBe(String(bytes));
    expect(answer.body.length).toBe(bytes);
  });

  it('holds the client back when the upstream does not read, and the upstream when the client does not', async () => {
    let sent = 0;
    await behind((request, response) => {
      if (request.url === '/up') return;
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        while (sent < 64 * 1024 * 1024 && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    const client = await open();
    const down = client.request({ ':path': '/down', ...key() });
    down.on('error', () => undefined);
    await once(down, 'response');
    const up = client.request({ ':method': 'POST', ':path': '/up', ...key() }, { endStream: false });
    up.on('error', () => undefined);
    let taken = 0;
    const push = () =>
      up.write(Buffer.alloc(64 * 1024), () => {
        taken += 64 * 1024;
        if (taken < 64 * 1024 * 1024) push();
      });
    push();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    expect(taken).toBeLessThan(16 * 1024 * 1024);
    expect(taken).toBeGreaterThan(0);
  });
});

describe('what goes wrong over HTTP/2', () => {
  it('is told as a problem, with every field of the guard', async () => {
    api = await guarded(ok);
    const client = await open();
    const missing = await call(client, { ':path': '/' });
    expect(missing).toMatchObject({
      status: 401,
      headers: { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer realm="keyward"' },
    });
    expect(JSON.parse(missing.body)).toMatchObject({ reason: 'credential_missing' });
    await api.running.keys.change('test', api.keyId, {
      limits: keyLimits.parse({ rate: { requests: 1, seconds: 60 } }),
    });
    expect((await call(client, { ':path': '/', ...key() })).headers).toMatchObject({
      'ratelimit-policy': '"key";q=1;w=60',
      ratelimit: expect.stringMatching(/^"key";r=0;t=/),
    });
    const limited = await call(client, { ':path': '/', ...key() });
    expect(limited).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) } });
  });

  it('a refused upload is answered, then no longer wanted', async () => {
    api = await guarded(ok);
    const stream = (await open()).request({ ':method': 'POST', ':path': '/' }, { endStream: false });
    stream.write('x'.repeat(1000));
    const answer = await answerOf(stream);
    expect(answer).toMatchObject({ status: 401, rstCode: 0 });
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'credential_missing' });
  });

  it('a stream that the client resets cancels the upstream', async () => {
    let closed = false;
    api = await guarded((socket) =>
      socket.once('close', () => {
        closed = true;
      }),
    );
    const stream = (await open()).request({ ':path': '/', ...key() });
    stream.on('error', () => undefined);
    await expect.poll(() => api.received()).not.toBe('');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await expect.poll(() => closed).toBe(true);
  });

  it('so does a client that ends its side of the connection', async () => {
    let closed = false;
    api = await guarded((socket) =>
      socket.once('close', () => {
        closed = true;
      }),
    );
    const socket = net.connect(api.port, '127.0.0.1');
    session = await connect('http://a', { createConnection: () => socket });
    session.request({ ':path': '/', ...key() }).on('error', () => undefined);
    await expect.poll(() => api.received()).not.toBe('');
    socket.end();
    await expect.poll(() => closed).toBe(true);
  });

  it.each([
    ['a known length', 'Content-Length: 10\r\n\r\nabc', ''],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', ''],
    ['chunks that are malformed', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'zz\r\n'],
  ])('an upstream that breaks off within %s resets the stream', async (_name, rest, last) => {
    api = await guarded((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
      setTimeout(() => socket.end(last), 20);
    });
    const stream = (await open()).request({ ':path': '/', ...key() });
    expect(await answerOf(stream)).toMatchObject({
      status: 200,
      body: 'abc',
      rstCode: http2.constants.NGHTTP2_INTERNAL_ERROR,
    });
  });

  it('an upstream that is down is a 502 problem', async () => {
    api = await guarded(ok, { url: 'http://127.0.0.1:1' });
    const answer = await call(await open(), { ':path': '/', ...key() });
    expect(answer).toMatchObject({ status: 502 });
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'upstream_unreachable' });
  });

  it.each([
    ['a Host that is not :authority', { ':path': '/', ':authority': 'a', host: 'b' }, 400],
    ['a URL as path', { ':path': 'http://other/', ':scheme': 'x' }, 400],
    ['a space in the path', { ':path': '/ HTTP/1.1' }, 0],

    ['a dot segment', { ':path': '/a/../b' }, 400],
    ['CONNECT', { ':method': 'CONNECT', ':authority': 'a:1' }, 501],
  ])('%s is refused and nothing of it forwarded', async (_name, headers, status) => {
    api = await guarded(ok);
    const answer = await call(await open(), { ...headers, ...key() });
    expect(answer.status).toBe(status);
    // Without a status: nghttp2 refused it with a reset.
    if (status === 0) expect(answer.rstCode).toBe(http2.constants.NGHTTP2_PROTOCOL_ERROR);
    else expect(answer.body).toContain('"reason":');
    expect(api.received()).toBe('');
  });

  it('line breaks in a value start no other header or request', async () => {
    api = await guarded(ok);
    const socket = net.connect(api.port, '127.0.0.1');
    const literal = (name: string, value: string) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value, 'latin1'),
      ]);
    const block = Buffer.concat([
      literal(':method', 'GET'),
      literal(':scheme', 'http'),
      literal(':path', '/'),
      literal(':authority', 'a'),
      literal('x-api-key', api.key),
      literal(
        'x-a',
        `1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n\r\n`.slice(0, 120),
      ),
    ]);
    const frame = (type: number, flags: number, stream: number, payload: Buffer) =>
      Buffer.concat([
        Buffer.from([0, payload.length >> 8, payload.length & 255, type, flags, 0, 0, 0, stream]),
        payload,
      ]);
    let answer = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes]);
    });
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(4, 0, 0, Buffer.alloc(0)));
    socket.write(frame(1, 5, 1, block));
    // nghttp2 drops the field; nothing of it may come out at the other side.
    await expect.poll(() => answer.includes('ok')).toBe(true);
    expect(api.received()).not.toMatch(/smuggled|x-a/);
    expect(api.received().split('\r\n\r\n')).toHaveLength(2);
    socket.destroy();
  });

  it('a session that resets stream after stream is closed with ENHANCE_YOUR_CALM', async () => {
    api = await guarded(() => undefined);
    const client = await open();
    let code: number | undefined;
    client.on('goaway', (each) => {
      code = each;
    });
    for (let i = 0; i < 400 && !client.destroyed && !client.closed; i += 1) {
      const stream = client.request({ ':path': '/', ...key() });
      stream.on('error', () => undefined);
      stream.close(http2.constants.NGHTTP2_CANCEL);
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await expect.poll(() => code).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await expect.poll(() => client.destroyed).toBe(true);
  });

  it('tells how many streams it takes at once', async () => {
    api = await guarded(ok);
    const client = await open();
    await expect.poll(() => client.remoteSettings.maxConcurrentStreams).toBe(128);
  });

  it('an idle session is closed after the idle time', async () => {
    api = await guarded(ok, {}, { clients: { idleMs: 300 } });
    const client = await open();
    await call(client, { ':path': '/', ...key() });
    expect(client.destroyed).toBe(false);
    await expect.poll(() => client.destroyed, { timeout: 3_000 }).toBe(true);
  });

  it('closing finishes the streams in progress and takes no more', async () => {
    let answer = () => undefined as unknown;
    await behind((_request, response) => {
      answer = () => response.end('late');
    });
    const client = await open();
    let goaway = false;
    client.on('goaway', () => {
      goaway = true;
    });
    const pending = call(client, { ':path': '/', ...key() });
    await new Promise((resolve) => upstream?.server.once('request', resolve));
    const closed = api.running.listeners[0]?.close(5_000);
    await expect.poll(() => goaway).toBe(true);
    answer();
    expect(await pending).toMatchObject({ status: 200, body: 'late', rstCode: 0 });
    await closed;
  });
});

describe('other HTTP/2 clients', () => {
  it('undici', async () => {
    await behind((request, response) => {
      request.pipe(response.setHeader('x-method', request.method ?? ''));
    }, overTls());
    const dispatcher = new Agent({ allowH2: true, connect: { ca: readFileSync(ca.cert) } });
    const url = `https://localhost:${api.port}/`;
    const response = await fetch(url, { dispatcher, method: 'POST', body: 'echo', headers: key() });
    expect([response.status, response.headers.get('x-method'), await response.text()]).toEqual([
      200,
      'POST',
      'echo',
    ]);
    expect((await fetch(url, { dispatcher })).status).toBe(401);
    await dispatcher.destroy();
  });

  it.skipIf(!curlHasHttp2())('curl', async () => {
    api = await guarded(ok, {}, overTls());
    const { stdout } = await promisify(execFile)('curl', [
      // biome-ignore format: one option and its value after the other
      '-sS',
      '--http2',
      '--cacert',
      ca.cert,
      '-H',
      `x-api-key: ${api.key}`,
      '-w',
      ' %{http_version} %{http_code}',
      `https://localhost:${api.port}/`,
    ]);
    expect(stdout).toBe('ok 2 200');
  });
});

function curlHasHttp2(): boolean {
  try {
    return execFileSync('curl', ['--version'], { encoding: 'utf8' }).includes('HTTP2');
  } catch {
    return false;
  }
}
