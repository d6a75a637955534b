import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { issueInput } from '../../src/keys/inputs.js';
import { type Running, start } from '../../src/runtime.js';
import { type Authority, authority } from './certificates.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';

let dir: string;
let ca: Authority;
let upstream: HttpUpstream;
let running: Running;
let key: string;
const held: http.ServerResponse[] = [];

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function write(listeners: object[], more: object = {}, detector: object = {}): void {
  const upstreams = [{ name: 'api', url: upstream.url, ...more }];
  const config = { dataDir: './data', admin: { port: 0 }, listeners, upstreams, detector };
  writeFileSync(path.join(dir, 'keyward.yaml'), JSON.stringify(config));
}

const agent = new http.Agent({ keepAlive: true });

function get(port: number, pathname = '/', own: http.Agent | false = false): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: pathname, headers: { 'x-api-key': key }, agent: own };
    const request = http.get(options, async (response) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      resolve(`${response.statusCode} ${body}`);
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Serial number of the certificate that a new connection is shown. */
async function serialAt(port: number): Promise<string> {
  const socket = tls.connect({ host: 'localhost', port, ca: readFileSync(ca.cert) });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

let first: number;
let second: number;

beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-reload-'));
  ca = authority();
  upstream = await httpUpstream((request, response) => {
    if (request.url === '/slow') {
      response.write('begun ');
      held.push(response);
    } else response.end('ok');
  });
  [first, second] = [await freePort(), await freePort()];
  write([{ port: first }]);
  const configFile = path.join(dir, 'keyward.yaml');
  running = await start(loadConfig(configFile), { configFile, journalThread: false });
  key = (await running.keys.issue('test', issueInput.parse({ name: 'test' }))).credential;
});
afterAll(async () => {
  agent.destroy();
  await running.close();
  upstream.close();
  ca.remove();
  rmSync(dir, { recursive: true });
});

it('opens what is new and closes what is gone; a request in progress ends as it began', async () => {
  write([{ port: first }, { port: second }]);
  expect(await running.reload('test')).toEqual({ changed: ['listeners'] });
  expect([await get(first), await get(second)]).toEqual(['200 ok', '200 ok']);
  const slow = get(first, '/slow');
  await expect.poll(() => held.length).toBe(1);
  write([{ port: second }]);
  await running.reload('test');
  expect(await get(first)).toBe('ECONNREFUSED');
  held.pop()?.end('and ended');
  expect(await slow).toBe('200 begun and ended');
});

it('leaves kept-alive connections alone where their listener did not change', async () => {
  expect(await get(second, '/', agent)).toBe('200 ok');
  const [socket] = Object.values(agent.freeSockets)[0] ?? [];
  write([{ port: second }], { bodyBytesMax: 1_000 });
  await running.reload('test');
  expect(await get(second, '/', agent)).toBe('200 ok');
  expect(Object.values(agent.freeSockets)[0]?.[0]).toBe(socket);
});

it('serves TLS at an address that was plain, and a renewed certificate from the same file', async () => {
  const files = { cert: path.join(dir, 'server.crt'), key: path.join(dir, 'server.key') };
  const place = (certificate: { cert: string; key: string }) => {
    copyFileSync(certificate.cert, files.cert);
    copyFileSync(certificate.key, files.key);
  };
  place(ca.issue('one'));
  write([{ port: second, tls: files }]);
  await running.reload('test');
  const before = await serialAt(second);
  place(ca.issue('two'));
  expect(await serialAt(second)).toBe(before);
  expect(await running.reload('test')).toEqual({ changed: [] });
  expect(await serialAt(second)).not.toBe(before);
});

it('changes nothing when a port is taken or a certificate cannot be used', async () => {
  const files = { cert: path.join(dir, 'server.crt'), key: path.join(dir, 'server.key') };
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const serial = await serialAt(second);
  write([{ port: second, tls: files }, { port: first }, { port }]);
  await expect(running.reload('test')).rejects.toThrow('EADDRINUSE');
  taken.close();
  expect(await get(first)).toBe('ECONNREFUSED');
  writeFileSync(path.join(dir, 'broken.key'), 'no key');
  write([{ port: second, tls: { ...files, key: path.join(dir, 'broken.key') } }]);
  await expect(running.reload('test')).rejects.toThrow();
  expect(await serialAt(second)).toBe(serial);
});

it('takes another budget of false alarms, and the threshold follows', async () => {
  write([{ port: first }], {}, { alarmsPerThousandKeyDays: 500 });
  const before = await running.approvals.budget();
  expect((await running.reload('test')).changed).toContain('detector');
  expect((await running.approvals.budget()).threshold).toBeLessThan(before.threshold);
  write([{ port: first }]);
  await running.reload('test');
  expect(await running.approvals.budget()).toEqual(before);
});
