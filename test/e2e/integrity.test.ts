import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Authority, authority } from './certificates.js';
import { type Guarded, guarded } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';

const PIECE_BYTES = 40_000;
const PIECES = 150;
const AT_ONCE = 6;

/** Pieces that tell themselves apart, so that one written over by another would show. */
function piece(name: string, at: number): Buffer {
  return Buffer.alloc(PIECE_BYTES, `${name}:${at}|`);
}

function expected(name: string): string {
  const hash = createHash('sha256');
  for (let at = 0; at < PIECES; at += 1) hash.update(piece(name, at));
  return hash.digest('hex');
}

let ca: Authority;
let upstream: HttpUpstream;
let api: Guarded;

beforeAll(async () => {
  ca = authority();
  upstream = await httpUpstream(async (request, response) => {
    if (request.method === 'POST') {
      response.end(await digest(request, false));
      return;
    }
    const [, name = '', framing] = (request.url ?? '').split('/');
    if (framing === 'length') response.setHeader('Content-Length', PIECE_BYTES * PIECES);
    for (let at = 0; at < PIECES; at += 1)
      if (!response.write(piece(name, at))) await once(response, 'drain');
    response.end();
  });
  api = await guarded(
    () => undefined,
    { url: `http://127.0.0.1:${upstream.port}` },
    { listeners: [{ port: 0 }, { port: 0, tls: { ...ca.issue('localhost') } }] },
  );
});
afterAll(async () => {
  await api.close();
  upstream.close();
  ca.remove();
});

/** Hashes a stream; a slow reader stops now and then, so that everything behind it fills up. */
async function digest(stream: Readable, slow: boolean): Promise<string> {
  const hash: Hash = createHash('sha256');
  let chunks = 0;
  for await (const chunk of stream) {
    hash.update(chunk as Buffer);
    chunks += 1;
    if (slow && chunks % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return hash.digest('hex');
}

const portOf = (listener: number) => api.running.listeners[listener]!.address.port;

async function http1(secure: boolean, name: string, framing: string, slow: boolean): Promise<string> {
  const options = { path: `/${name}/${framing}`, headers: { 'x-api-key': api.key }, agent: false };
  const request = secure
    ? https.get({ ...options, host: 'localhost', port: portOf(1), ca: readFileSync(ca.cert) })
    : http.get({ ...options, host: '127.0.0.1', port: portOf(0) });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return digest(response, slow);
}

it.each([
  ['over TCP', false],
  ['over TLS', true],
])(
  'many bodies at once arrive whole %s, at fast and slow readers, chunked and with a length',
  async (_, secure) => {
    const names = Array.from({ length: AT_ONCE }, (_each, i) => `n${i}`);
    const found = await Promise.all(
      names.map((name, i) => http1(secure, name, i % 3 === 0 ? 'chunked' : 'length', i % 2 === 0)),
    );
    expect(found).toEqual(names.map(expected));
  },
  30_000,
);

it('many bodies at once arrive whole over HTTP/2', async () => {
  const session = http2.connect(`https://localhost:${portOf(1)}`, { ca: readFileSync(ca.cert) });
  const names = Array.from({ length: AT_ONCE }, (_each, i) => `h${i}`);
  const found = await Promise.all(
    names.map((name, i) =>
      digest(session.request({ ':path': `/${name}/length`, 'x-api-key': api.key }), i % 2 === 0),
    ),
  );
  session.close();
  expect(found).toEqual(names.map(expected));
}, 30_000);

it('many uploads at once arrive whole', async () => {
  const upload = async (name: string) => {
    const request = http.request({
      ...{ host: '127.0.0.1', port: portOf(0), method: 'POST', path: '/upload', agent: false },
      headers: { 'x-api-key': api.key },
    });
    for (let at = 0; at < PIECES; at += 1) if (!request.write(piece(name, at))) await once(request, 'drain');
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return body;
  };
  const names = Array.from({ length: AT_ONCE }, (_each, i) => `u${i}`);
  expect(await Promise.all(names.map(upload))).toEqual(names.map(expected));
}, 30_000);
