import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEntries } from '../../src/journal/read.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard } from './running-guard.js';

const ROUNDS = 20;
const CLIENTS = 16;

const OPENAPI = `
openapi: 3.0.3
info: { title: t, version: '1' }
paths:
  /takeover/{id}:
    post: { operationId: takeover, responses: {}, x-keyward-privilege: 4 }
`;

let upstream: http.Server;
/** Privileged requests that reached the upstream, ever. */
const forwarded = new Set<string>();
let dir: string;
let token: string;

beforeAll(async () => {
  upstream = http.createServer((request, response) => {
    if (request.method === 'POST') forwarded.add(request.url as string);
    response.end('ok');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  dir = guardFolder({
    upstreams: [
      {
        name: 'api',
        url: `http://127.0.0.1:${port}`,
        openapi: './openapi.yaml',
        privileges: { takeover: 4 },
      },
    ],
  });
  writeFileSync(path.join(dir, 'openapi.yaml'), OPENAPI);
});
afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
  removeFolder(dir);
});

interface Acknowledged {
  /** Privileged requests that were answered. */
  readonly requests: Set<string>;
  /** Keys whose issue was answered. */
  readonly keys: Set<string>;
}

/** Requests of both kinds and administrative acts, as fast as they go, until the guard is gone. */
async function load(guard: GuardProcess, key: string, round: number, done: Acknowledged): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  const send = (method: string, url: string) =>
    new Promise<number>((resolve, reject) => {
      const request = http.request(
        { agent, method, port: guard.port, host: '127.0.0.1', path: url, headers: { 'x-api-key': key } },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', reject);
          response.on('aborted', () => reject(new Error('aborted')));
        },
      );
      request.on('error', reject);
      request.end();
    });
  const client = async (n: number) => {
    for (let i = 0; ; i += 1) {
      const url = `/takeover/${round}-${n}-${i}`;
      if ((await send('POST', url)) === 200) done.requests.add(url);
      await send('GET', '/list');
    }
  };
  const operator = async () => {
    for (;;) {
      const response = await guard.admin('POST', '/v1/keys', { name: `round ${round}` }, token);
      const issued = (await response.json()) as { key: { id: string } };
      if (response.status === 201) done.keys.add(issued.key.id);
    }
  };
  const clients = [...Array.from({ length: CLIENTS }, (_, n) => client(n)), operator()];
  await Promise.allSettled(clients);
  agent.destroy();
}

it(`kill -9 under load, ${ROUNDS} times: nothing acknowledged is missing, nothing privileged went unrecorded`, async () => {
  const done: Acknowledged = { requests: new Set(), keys: new Set() };
  let guard = await startGuard(dir);
  token = guard.token as string;
  const issued = await guard.admin('POST', '/v1/keys', { name: 'load' }, token);
  const { credential } = (await issued.json()) as { credential: string };
  for (let round = 0; round < ROUNDS; round += 1) {
    const running = load(guard, credential, round, done);
    await new Promise((resolve) => setTimeout(resolve, 100 + ((round * 37) % 250)));
    await guard.stop('SIGKILL');
    await running;
    guard = await startGuard(dir);
  }
  const response = await guard.admin('GET', '/v1/keys?limit=1000', undefined, token);
  const kept = new Set(((await response.json()) as { keys: { id: string }[] }).keys.map(({ id }) => id));
  expect(await guard.stop()).toBe(0);

  const journal = path.join(dir, 'data', 'journal');
  const verified = await verifyJournal(journal);
  expect(verified.problem).toBeUndefined();
  const recorded = new Set<string>();
  const acts = new Set<string>();
  for await (const entry of readEntries(journal)) {
    if (entry.kind === 'decision' && entry.decision === 'allow') recorded.add(entry.path);
    if (entry.kind === 'act') acts.add(entry.target);
  }
  expect(done.requests.size).toBeGreaterThan(ROUNDS * 10);
  expect(done.keys.size).toBeGreaterThan(ROUNDS);
  expect([...done.requests].filter((url) => !recorded.has(url))).toEqual([]);
  expect([...forwarded].filter((url) => !recorded.has(url))).toEqual([]);
  expect([...done.keys].filter((id) => !acts.has(id) || !kept.has(id))).toEqual([]);
}, 120_000);
