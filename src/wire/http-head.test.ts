import { describe, expect, it } from 'vitest';
import { isHopByHop, keepsAlive, parseRequestHead, parseResponseHead } from './http-head.js';

const request = (text: string) => parseRequestHead(Buffer.from(text, 'latin1'));

describe('request heads', () => {
  it('keeps header order, letter case and duplicates', () => {
    const parsed = request('GET /A/?q=1 HTTP/1.1\r\nHoSt: a\r\nX-b: 1\r\nx-B:2 \r\n\r\nrest');
    expect(parsed).toMatchObject({ kind: 'done', bytes: 49 });
    if (parsed.kind !== 'done') return;
    expect(parsed.head.headers).toEqual(['HoSt', 'a', 'X-b', '1', 'x-B', '2']);
    expect(parsed.head.target).toBe('/A/?q=1');
  });

  it('waits for the rest of an incomplete head', () => {
    expect(request('GET / HTTP/1.1\r\nHost: a\r\n')).toEqual({ kind: 'more' });
  });

  it.each([
    ['bare LF in the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['bare LF after a header', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
    ['bare LF at the end, incomplete', 'GET / HTTP/1.1\r\nHost: a\n\n'],
    ['bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n'],
    ['obs-fold', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n'],
    ['both lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [
      'two equal Content-Length',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
    ],
    ['a signed Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n'],
    ['a list as Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n'],
    ['chunked that is not alone', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    [
      'two Transfer-Encoding',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['two spaces in the request line', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
    ['HTTP/2.0 in text', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n'],
  ])('refuses %s', (_name, text) => {
    expect(request(text).kind).toBe('refused');
  });

  it('refuses a head that is too long with 431', () => {
    expect(request(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(40_000)}`)).toMatchObject({ status: 431 });
  });

  it('knows when a connection persists', () => {
    const alive = (text: string) => {
      const parsed = request(text);
      return parsed.kind === 'done' && keepsAlive(parsed.head);
    };
    expect(alive('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe(true);
    expect(alive('GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n')).toBe(false);
    expect(alive('GET / HTTP/1.0\r\n\r\n')).toBe(false);
    expect(alive('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n')).toBe(true);
  });

  it('names hop-by-hop fields, and never drops framing that Connection names', () => {
    expect(isHopByHop('Keep-Alive', [])).toBe(true);
    expect(isHopByHop('X-Private', ['x-private'])).toBe(true);
    expect(isHopByHop('X-Public', ['x-private'])).toBe(false);
    expect(isHopByHop('Content-Length', ['content-length'])).toBe(false);
  });
});

describe('response heads', () => {
  const response = (text: string, method = 'GET') => {
    const parsed = parseResponseHead(Buffer.from(text), method);
    if (parsed.kind !== 'done') throw new Error(JSON.stringify(parsed));
    return parsed.head.framing;
  };

  it('finds the framing of RFC 9112 section 6.3', () => {
    expect(response('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')).toEqual({ kind: 'length', bytes: 5 });
    expect(response('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD')).toEqual({ kind: 'none' });
    expect(response('HTTP/1.1 204 No Content\r\n\r\n')).toEqual({ kind: 'none' });
    expect(response('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')).toEqual({ kind: 'none' });
    expect(response('HTTP/1.1 200\r\n\r\n')).toEqual({ kind: 'close' });
    expect(response('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toEqual({ kind: 'chunked' });
  });
});
