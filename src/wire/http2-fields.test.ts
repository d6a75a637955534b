import { describe, expect, it } from 'vitest';
import { parseResponseHead } from './http-head.js';
import { http1RequestHead, http1Trailers, http2Headers, http2ResponseHeaders } from './http2-fields.js';

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'api.example', ':path', '/a?b=1'];

function response(text: string) {
  const parsed = parseResponseHead(Buffer.from(text, 'latin1'), 'GET');
  if (parsed.kind !== 'done') throw new Error('not a head');
  return http2ResponseHeaders(parsed.head);
}

describe('a request head from HTTP/2', () => {
  it('is HTTP/1.1 text with the fields in order and the cookie crumbs joined', () => {
    const fields = [...GET, 'x-b', '1', 'cookie', 'a=1', 'x-a', '2', 'cookie', 'b=2', 'x-b', '3'];
    expect(http1RequestHead(fields, true)).toEqual({
      kind: 'done',
      method: 'GET',
      body: { kind: 'none' },
      head: 'GET /a?b=1 HTTP/1.1\r\nHost: api.example\r\nx-b: 1\r\ncookie: a=1; b=2\r\nx-a: 2\r\nx-b: 3\r\n\r\n',
    });
  });

  it('keeps a Content-Length, and codes in chunks what has none or announces trailers', () => {
    const body = (...extra: string[]) => {
      const result = http1RequestHead([...GET, ...extra], false);
      return result.kind === 'done'
        ? [result.body.kind, /content-length|chunked/.exec(result.head)?.[0]]
        : result;
    };
    expect(body('content-length', '5')).toEqual(['length', 'content-length']);
    expect(body()).toEqual(['chunked', 'chunked']);
    expect(body('content-length', '5', 'trailer', 'x-sum')).toEqual(['chunked', 'chunked']);
  });

  it('takes Host from :authority, or from host where there is none', () => {
    const same = http1RequestHead([...GET, 'host', 'API.example'], true);
    expect(same.kind === 'done' && same.head.match(/host: .*/gi)).toEqual(['Host: api.example']);
    const only = http1RequestHead([':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'b'], true);
    expect(only.kind === 'done' && only.head).toBe('GET / HTTP/1.1\r\nhost: b\r\n\r\n');
  });

  it.each([
    ['another host', [...GET, 'host', 'other']],
    ['a line feed in a value', [...GET, 'x', 'a\nhost: b']],
    ['a carriage return in a value', [...GET, 'x', 'a\rb']],
    ['a NUL in a value', [...GET, 'x', 'a\0b']],
    ['a character that latin1 makes a line feed', [...GET, 'x', 'a\u010ab']],
    ['a line break in a name', [...GET, 'x\r\ny', '1']],
    ['a colon in a name', [...GET, 'x:y', '1']],
    ['an upper-case name', [...GET, 'X-A', '1']],
    ['a connection-specific field', [...GET, 'connection', 'close']],
    ['a transfer coding', [...GET, 'transfer-encoding', 'chunked']],
    ['a TE other than trailers', [...GET, 'te', 'gzip']],
    ['two lengths', [...GET, 'content-length', '1', 'content-length', '1']],
    ['a length that is no number', [...GET, 'content-length', '+1']],
    ['a length without content', [...GET, 'content-length', '1']],
    ['a path with a space', [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/ HTTP/1.1']],
    ['a URL as path', [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', 'http://b/']],
    ['a method with a space', [':method', 'GET /x', ':scheme', 'https', ':authority', 'a', ':path', '/']],
    ['another scheme', [':method', 'GET', ':scheme', 'ftp', ':authority', 'a', ':path', '/']],
    ['a pseudo-header twice', [...GET, ':path', '/b']],
    ['a pseudo-header at the end', [...GET, 'x', '1', ':path', '/b']],
    ['an unknown pseudo-header', [...GET, ':protocol', 'websocket']],
  ])('with %s is refused', (_name, fields) => {
    expect(http1RequestHead(fields, true)).toMatchObject({ kind: 'refused', status: 400 });
  });

  it('of CONNECT is not served', () => {
    expect(http1RequestHead([':method', 'CONNECT', ':authority', 'a:1'], false)).toMatchObject({
      status: 501,
    });
  });
});

describe('a response head towards HTTP/2', () => {
  it('is without the fields of the connection', () => {
    expect({
      ...response(
        'HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n',
      ),
    }).toEqual({ ':status': '200', 'x-a': '1' });
  });

  it('keeps repeated lines apart, but for fields that may be sent once', () => {
    expect({
      ...response(
        'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nSet-Cookie: c\r\nETag: 1\r\nETag: 1\r\nContent-Language: de\r\nContent-Language: en\r\n\r\n',
      ),
    }).toEqual({ ':status': '200', 'set-cookie': ['a', 'b', 'c'], etag: '1', 'content-language': 'de, en' });
  });

  it('may name a field __proto__', () => {
    expect(Object.keys(http2Headers(['__proto__', '1']))).toEqual(['__proto__']);
  });
});

describe('trailers', () => {
  it('are lines, and refused where they would be more than lines', () => {
    expect(http1Trailers(['x-sum', '9', 'x-b', ''])).toBe('x-sum: 9\r\nx-b: \r\n');
    expect(http1Trailers(['x-sum', '9\r\n\r\nGET /'])).toBeUndefined();
    expect(http1Trailers([':path', '/'])).toBeUndefined();
  });
});
