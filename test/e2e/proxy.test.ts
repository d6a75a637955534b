import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { issueInput, sealInput } from '../../src/keys/inputs.js';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';

let api: Guarded;
afterEach(() => api.close());

const ok: Script = (socket, received) => {
  if (received.endsWith('\r\n\r\n'))
    socket.write(
      'HTTP/1.1 200 OK\r\nX-Order: 1\r\nx-ORDER: 2\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok',
    );
};

const get = (key: string, path = '/', extra = '') =>
  `GET ${path} HTTP/1.1\r\nHost: client.example\r\nX-Api-Key: ${key}\r\n${extra}\r\n`;

describe('forwarding', () => {
  it('keeps order, case and duplicates, and ends hop-by-hop fields here', async () => {
    api = await guarded(ok);
    const answer = await raw(
      api.port,
      get(
        api.key,
        '/Some/Path/?b=2&a=1',
        'x-B: 1\r\nX-b: 2\r\nConnection: x-private\r\nX-Private: 1\r\nTE: trailers\r\nX-Keyward-Tenant: forged\r\n',
      ),
    );
    expect(answer).toContain('HTTP/1.1 200 OK\r\nX-Order: 1\r\nx-ORDER: 2\r\nContent-Length: 2\r\n\r\nok');
    expect(api.received()).toMatch(
      /^GET \/Some\/Path\/\?b=2&a=1 HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nx-B: 1\r\nX-b: 2\r\nX-Forwarded-For: 127\.0\.0\.1\r\nVia: 1\.1 keyward\r\n\r\n$/,
    );
  });

  it('never shows the upstream a key that Keyward issued', async () => {
    api = await guarded(ok, {
      credentials: [
        { in: 'header', name: 'x-api-key' },
        { in: 'query', name: 'key' },
        { in: 'cookie', name: 'k' },
      ],
    });
    await raw(api.port, get(api.key));
    await raw(api.port, `GET /?a=1&key=${api.key}&b=2 HTTP/1.1\r\nHost: a\r\n\r\n`);
    await raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; k=${api.key}; b=2\r\n\r\n`);
    await raw(
      api.port,
      `GET /all?key=${api.key} HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nCookie: k=${api.key}\r\n\r\n`,
    );
    expect(api.received()).toContain('GET /all HTTP/1.1');
    expect(api.received()).not.toContain(api.key);
    expect(api.received()).toContain('GET /?a=1&b=2 ');
    expect(api.received()).toContain('Cookie: a=1; b=2');
  });

  it('answers pipelined requests in order on one connection', async () => {
    api = await guarded((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      const path =
        received
          .match(/GET (\S+)/g)
          ?.at(-1)
          ?.slice(4) ?? '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    });
    const answer = await raw(api.port, get(api.key, '/one') + get(api.key, '/two') + get(api.key, '/three'));
    expect(answer.match(/\/(?:one|two|three)/g)).toEqual(['/one', '/two', '/three']);
  });

  it('forwards chunked bodies both ways, with trailers, byte for byte', async () => {
    const body = '3;ext=1\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n';
    api = await guarded((socket, received) => {
      if (received.endsWith(body))
        socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    });
    const answer = await raw(
      api.port,
      `POST / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    );
    expect(answer.endsWith(body)).toBe(true);
  });

  it('sends an HTTP/1.0 client no chunks', async () => {
    api = await guarded((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    );
    const answer = await raw(api.port, `GET / HTTP/1.0\r\nx-api-key: ${api.key}\r\n\r\n`);
    expect(answer).toMatch(/Connection: close\r\n\r\nhi$/);
  });

  it('HEAD, 204 and 304 have no body', async () => {
    api = await guarded((socket, received) => {
      const last = received.split('\r\n\r\n').at(-2) ?? '';
      if (last.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n');
      else socket.write(`HTTP/1.1 ${last.includes('/204') ? '204 No Content' : '304 Not Modified'}\r\n\r\n`);
    });
    const head = `HEAD / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n\r\n`;
    const answer = await raw(api.port, head + get(api.key, '/204') + get(api.key, '/304'));
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304']);
    expect(answer).toContain('Content-Length: 99');
  });

  it('passes Expect: 100-continue and interim answers on', async () => {
    api = await guarded((socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (received.endsWith('body'))
        socket.write(
          'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
        );
    });
    const socket = net.connect(api.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (answer.endsWith('100 Continue\r\n\r\n')) socket.write('body');
    });
    socket.write(
      `PUT / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
    );
    await expect.poll(() => answer).toMatch(/100 Continue[\s\S]*103 Early Hints[\s\S]*200 OK/);
    socket.destroy();
  });

  it('upgrades to a tunnel, both ways', async () => {
    api = await guarded((socket, received) => {
      if (received.endsWith('\r\n\r\n'))
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello',
        );
      else if (received.endsWith('ping')) socket.write('pong');
    });
    const socket = net.connect(api.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (answer.endsWith('hello')) socket.write('ping');
    });
    socket.write(get(api.key, '/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    await expect.poll(() => answer).toMatch(/101 Switching Protocols[\s\S]*hellopong$/);
    expect(api.received()).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    socket.destroy();
  });

  it('does not pass h2c upgrades on', async () => {
    api = await guarded(ok);
    await raw(
      api.port,
      get(api.key, '/', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'),
    );
    expect(api.received()).not.toMatch(/upgrade|http2-settings/i);
  });

  it('cancels the upstream when the client goes away', async () => {
    let closed = false;
    api = await guarded((socket) =>
      socket.once('close', () => {
        closed = true;
      }),
    );
    const socket = net.connect(api.port, '127.0.0.1');
    socket.write(get(api.key));
    await expect.poll(() => api.received()).not.toBe('');
    socket.destroy();
    await expect.poll(() => closed).toBe(true);
  });

  it('streams a large body through with back-pressure', async () => {
    const bytes = 32 * 1024 * 1024;
    api = await guarded((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
      socket.write(Buffer.alloc(bytes, 'x'));
    });
    const socket = net.connect(api.port, '127.0.0.1');
    let got = 0;
    socket.on('data', (chunk) => {
      got += chunk.length;
    });
    socket.write(get(api.key));
    await expect.poll(() => got, { timeout: 10_000 }).toBeGreaterThanOrEqual(bytes);
    socket.destroy();
  });
});

describe('upstream failures', () => {
  it('gives 502 problem JSON when the upstream is down, and lives on', async () => {
    api = await guarded(ok, { url: 'http://127.0.0.1:1' });
    for (let i = 0; i < 3; i += 1) {
      const answer = await raw(api.port, get(api.key));
      expect(answer).toMatch(
        /^HTTP\/1\.1 502 [\s\S]*application\/problem\+json[\s\S]*"reason":"upstream_unreachable"/,
      );
    }
  });

  it('gives 504 when the upstream does not answer in time', async () => {
    api = await guarded(() => undefined, { timeouts: { headMs: 300 } });
    expect(await raw(api.port, get(api.key))).toMatch(/^HTTP\/1\.1 504 [\s\S]*upstream_timeout/);
  });

  it.each([
    ['both lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['not HTTP', 'hello there, this is no HTTP\r\n\r\n'],
    ['a broken first chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('gives 502 for an answer with %s', async (_name, bytes) => {
    api = await guarded((socket) => socket.write(bytes));
    expect(await raw(api.port, get(api.key))).toMatch(/^HTTP\/1\.1 502 [\s\S]*upstream_malformed/);
  });

  it('cuts the connection when the upstream breaks off in the middle', async () => {
    api = await guarded((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    expect(await raw(api.port, get(api.key))).toMatch(/abc$/);
  });

  it('repeats a safe request once when a kept-alive connection was closed under it', async () => {
    let count = 0;
    api = await guarded((socket, received) => {
      count += 1;
      if (received.split('\r\n\r\n').length > 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const answer = await raw(api.port, get(api.key) + get(api.key));
    expect(answer.match(/200 OK/g)).toHaveLength(2);
    expect(count).toBe(3);
  });
});

describe('ambiguous requests are refused and nothing of them is forwarded', () => {
  it.each([
    [
      'both lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['bare LF', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['obs-fold', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
    ['a dot segment', 'GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an encoded dot segment', 'GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an encoded slash', 'GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      'a method override',
      'POST / HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n',
    ],
  ])('%s', async (_name, text) => {
    api = await guarded(ok);
    expect(await raw(api.port, text)).toMatch(/^HTTP\/1\.1 4\d\d [\s\S]*problem\+json/);
    expect(api.received()).toBe('');
  });

  it.each([
    ['a method override', 'X_HTTP_METHOD_OVERRIDE: DELETE'],
    ['a method override, partly', 'X-Http_Method-Override: DELETE'],
    ['a method override with other signs', 'X.HTTP.Method.Override: DELETE'],
    ['another key', 'X_API_KEY: other'],
    ['an identity', 'X_Keyward_Tenant: forged'],
    ['an address', 'X_Forwarded_For: 192.0.2.1'],
    ['a body type', 'Content_Type: application/json'],
    ['a body coding', 'Content_Encoding: gzip'],
    ['a length', 'Content_Length: 5'],
    ['a framing', 'Transfer_Encoding: chunked'],
    ['a client', 'User_Agent: other'],
  ])('a header that CGI takes for one that the guard looks at: %s', async (_name, line) => {
    api = await guarded(ok);
    const answer = await raw(
      api.port,
      `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n${line}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*request_ambiguous/);
    expect(api.received()).toBe('');
  });

  it('a header that CGI takes for the one of the key, when that has underscores', async () => {
    api = await guarded(ok, { credentials: [{ in: 'header', name: 'api_key' }] });
    const ask = (line: string) =>
      raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\napi_key: ${api.key}\r\n${line}\r\n\r\n`);
    expect(await ask('Api-Key: other')).toMatch(/^HTTP\/1\.1 400 [\s\S]*request_ambiguous/);
    expect(await ask('X_Trace_Id: 1')).toMatch(/^HTTP\/1\.1 200/);
    expect(api.received()).toContain('X_Trace_Id: 1');
  });

  it('a header that CGI takes for the one with the injected credential is not passed on', async () => {
    api = await guarded(ok);
    const { sealed, keys } = api.running;
    const input = { name: 'real', upstream: 'api', header: 'x-admin-key', secret: 'injected' };
    await sealed.set('test', sealInput.parse(input));
    const { credential } = await keys.issue(
      'test',
      issueInput.parse({ name: 'k', sealed: 'real', upstreams: ['api'] }),
    );
    const lines = `x-api-key: ${credential}\r\nX_Admin_Key: forged`;
    expect(await raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200/);
    expect(api.received()).toContain('x-admin-key: injected');
    expect(api.received()).not.toContain('forged');
  });

  it.each(['_method=DELETE', 'a=1&%5Fmethod=delete', 'X-HTTP-Method-Override=PUT'])(
    'a query that may be taken for another method: %s',
    async (query) => {
      api = await guarded(ok);
      const ask = (of: string) =>
        raw(
          api.port,
          `POST /?${of} HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nContent-Length: 0\r\n\r\n`,
        );
      expect(await ask(query)).toMatch(/^HTTP\/1\.1 400 [\s\S]*overrides the method/);
      expect(api.received()).toBe('');
      expect(await ask('method=DELETE&q=100%25')).toMatch(/^HTTP\/1\.1 200/);
    },
  );

  it('method overrides in every form or in none', async () => {
    api = await guarded(ok, { methodOverride: 'forward' });
    const lines = 'X-HTTP-Method-Override: DELETE\r\nX_HTTP_METHOD_OVERRIDE: DELETE';
    const answer = await raw(
      api.port,
      `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n${lines}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(api.received()).toContain(lines);
  });

  it.each(['X_Api_Key: other', 'X-HTTP-Method-Override: DELETE', 'X_Keyward_Tenant: forged'])(
    'a trailer that may not be one: %s',
    async (line) => {
      api = await guarded(() => undefined);
      const answer = await raw(
        api.port,
        `POST / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${line}\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(api.received()).not.toContain(line);
    },
  );

  it('a chunk size that ends in a bare LF', async () => {
    api = await guarded(() => undefined);
    const answer = await raw(
      api.port,
      `POST / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(api.received()).not.toContain('1\nx');
  });
});
