import { mkdtempSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import os from 'node:os';
import path from 'node:path';
import { parseConfig } from '../../../dist/config/load.js';
import { issueInput } from '../../../dist/keys/inputs.js';
import { start } from '../../../dist/runtime.js';
import { upstreamPort } from './contender.mjs';

// The guard with everything on: a thousand keys, places on key, tenant and upstream, operations from an OpenAPI
// file, a time window, rate and quota, journal in its thread, metrics. Journal and store in a fresh folder.
const KEYS = 1_000;
const dir = mkdtempSync(path.join(process.env.KEYWARD_BENCH_DIR ?? os.tmpdir(), 'guard-'));
const openapi = path.join(dir, 'openapi.json');
const paths = { '/small': { get: {} }, '/upload': { post: {} }, '/large': { get: {} } };
for (let i = 0; i < 200; i += 1)
  paths[`/things${i}/{id}`] = {
    get: { operationId: `things${i}.get` },
    put: { operationId: `things${i}.put` },
  };
writeFileSync(openapi, JSON.stringify({ openapi: '3.1.0', info: { title: 'bench', version: '1' }, paths }));

const running = await start(
  parseConfig(
    JSON.stringify({
      dataDir: path.join(dir, 'data'),
      listeners: [{ port: 0 }],
      admin: { port: 0 },
      upstreams: [
        {
          name: 'api',
          url: `http://127.0.0.1:${upstreamPort}`,
          openapi,
          locations: { deny: [{ kind: 'tor' }, { country: 'KP' }] },
        },
      ],
    }),
    path.join(dir, 'keyward.yaml'),
  ),
);
await running.tenants.set('bench', 'default', {
  name: 'Bench',
  locations: { allow: [{ cidr: '127.0.0.0/8' }, { cidr: '10.0.0.0/8' }, { country: 'DE' }] },
});
const limits = {
  operations: { allow: ['GET /small', 'POST /upload', 'GET /large', 'things*'], privilegeMax: 3 },
  locations: { allow: [{ cidr: '127.0.0.0/8' }, { cidr: '2001:db8::/32' }, { asn: 3320 }] },
  windows: [{ from: '00:00', to: '00:00', timeZone: 'Europe/Berlin' }],
  rate: { requests: 1e9, seconds: 1 },
  quota: { requests: 1e12, per: 'day' },
};
const credentials = [];
for (let i = 0; i < KEYS; i += 1)
  credentials.push(
    (await running.keys.issue('bench', issueInput.parse({ name: `key ${i}`, upstreams: ['api'], limits })))
      .credential,
  );
console.log(
  JSON.stringify({ port: running.listeners[0].address.port, credentials: credentials.slice(0, 50) }),
);

// Only what happens under load is profiled, not the start.
const profileFile = process.env.KEYWARD_BENCH_PROFILE;
const session = new Session();
if (profileFile !== undefined) {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
}
process.once('SIGTERM', async () => {
  if (profileFile !== undefined)
    writeFileSync(profileFile, JSON.stringify((await session.post('Profiler.stop')).profile));
  await running.close();
  process.exit(0);
});
