import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority, type Certificate } from './certificates.js';
import { type Guarded, guarded, raw } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { call, connect } from './http2-client.js';

let ca: Authority;
let otherCa: Authority;
let server: Certificate;
let client: Certificate;
let stranger: Certificate;
let api: Guarded;
let upstream: HttpUpstream | undefined;

beforeAll(() => {
  ca = authority();
  otherCa = authority();
  server = ca.issue('localhost');
  client = ca.issue('client');
  stranger = otherCa.issue('client');
});
afterAll(() => {
  ca.remove();
  otherCa.remove();
});
afterEach(async () => {
  await api.close();
  upstream?.close();
  upstream = undefined;
});

const pem = (files: Certificate) => ({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
const trust = () => ({ ca: readFileSync(ca.cert) });

/** Status and body over HTTP/1.1, or the code of the error. */
function get(options: https.RequestOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const headers = { 'x-api-key': api.key };
    const request = https.get(
      { host: 'localhost', port: api.port, headers, agent: false, ...trust(), ...options },
      async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve(`${response.statusCode} ${body}`);
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('TLS in front', () => {
  const front = async (extra: object = {}) => {
    upstream = await httpUpstream((_request, response) => response.end('ok'));
    api = await guarded(
      () => undefined,
      { url: upstream.url },
      { listeners: [{ port: 0, tls: { ...server, ...extra } }] },
    );
  };

  it('serves clients that trust its authority, and them only', async () => {
    await front();
    expect(await get()).toBe('200 ok');
    expect(await get({ ca: readFileSync(otherCa.cert) })).toMatch(/SELF_SIGNED|UNABLE_TO/);
    expect(await raw(api.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).not.toContain('HTTP/1.1');
    expect(await get()).toBe('200 ok');
  });

  it('speaks no protocol that it does not offer', async () => {
    await front();
    const socket = tls.connect({
      port: api.port,
      host: 'localhost',
      servername: 'localhost',
      ALPNProtocols: ['spdy/3'],
      ...trust(),
    });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });

  it('does not wait for a client that leaves during the handshake', async () => {
    await front();
    const socket = net.connect(api.port, '127.0.0.1');
    socket.end(Buffer.from([0x16, 0x03, 0x01]));
    const startedMs = Date.now();
    socket.resume();
    await once(socket, 'close');
    expect(Date.now() - startedMs).toBeLessThan(2_000);
  });

  it('requires the client certificate of its authority, over HTTP/1.1', async () => {
    await front({ clientCa: ca.cert });
    expect(await get(pem(client))).toBe('200 ok');
    expect(await get()).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET|socket hang up/);
    expect(await get(pem(stranger))).toMatch(/UNKNOWN_CA|DECRYPT_ERROR|ECONNRESET|socket hang up/);
    expect(upstream?.server.listening).toBe(true);
  });

  it('and over HTTP/2', async () => {
    await front({ clientCa: ca.cert });
    const url = `https://localhost:${api.port}`;
    const session = await connect(url, { ...trust(), ...pem(client) });
    expect(await call(session, { ':path': '/', 'x-api-key': api.key })).toMatchObject({
      status: 200,
      body: 'ok',
    });
    session.destroy();
    for (const files of [{}, pem(stranger)]) {
      const refused = await connect(url, { ...trust(), ...files }).catch(() => undefined);
      const answer =
        refused === undefined || refused.destroyed
          ? undefined
          : await call(refused, { ':path': '/', 'x-api-key': api.key }).catch(() => undefined);
      expect(answer?.status ?? 0).toBe(0);
      refused?.destroy();
    }
  });
});

describe('TLS towards the upstream', () => {
  const behind = async (
    files: Certificate,
    options: https.ServerOptions,
    upstreamTls: object,
    host = '127.0.0.1',
  ) => {
    upstream = await httpUpstream(
      (request, response) => {
        const socket = request.socket as TLSSocket;
        const peer = socket.getPeerCertificate().subject?.CN ?? 'nobody';
        response.end(`${peer} ${socket.servername || 'no name'}`);
      },
      { ...pem(files), ...options },
    );
    api = await guarded(() => undefined, { url: `https://${host}:${upstream.port}`, tls: upstreamTls });
  };
  const answer = () => raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${api.key}\r\n\r\n`);
  const refused = /^HTTP\/1\.1 502 [\s\S]*"reason":"upstream_unreachable"/;

  it('trusts the authority it is told to', async () => {
    await behind(server, {}, { ca: ca.cert });
    expect(await answer()).toMatch(/^HTTP\/1\.1 200 [\s\S]*nobody/);
  });

  it('sends the name it expects, and none where that is an address', async () => {
    await behind(server, {}, { ca: ca.cert, serverName: 'localhost' });
    expect(await answer()).toContain('nobody localhost');
    await api.close();
    upstream?.close();
    const warnings: string[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    await behind(server, {}, { ca: ca.cert });
    expect(await answer()).toContain('nobody no name');
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('refuses an upstream of another authority, or of none that is known', async () => {
    await behind(server, {}, { ca: otherCa.cert });
    expect(await answer()).toMatch(refused);
    await api.close();
    upstream?.close();
    await behind(server, {}, {});
    expect(await answer()).toMatch(refused);
  });

  it('refuses a certificate for another name or address', async () => {
    await behind(server, {}, { ca: ca.cert, serverName: 'directory.example' });
    expect(await answer()).toMatch(refused);
    await api.close();
    upstream?.close();
    await behind(ca.issue('elsewhere', 'DNS:elsewhere.example,IP:192.0.2.1'), {}, { ca: ca.cert });
    expect(await answer()).toMatch(refused);
  });

  it('presents its client certificate', async () => {
    const required = { ca: readFileSync(ca.cert), requestCert: true, rejectUnauthorized: true };
    await behind(server, required, { ca: ca.cert, ...client });
    expect(await answer()).toMatch(/^HTTP\/1\.1 200 [\s\S]*client /);
    await api.close();
    upstream?.close();
    await behind(server, required, { ca: ca.cert });
    expect(await answer()).toMatch(/^HTTP\/1\.1 502 /);
  });
});
