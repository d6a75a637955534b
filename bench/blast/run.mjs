import '../../scripts/plain-usage.mjs';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { root } from '../../scripts/install.mjs';

/**
 * `npm run bench:blast`: blast radius and exact set of a campaign over a generated journal (valid batches, as the guard
 * writes them), against reading the same files once. --entries 10000000 --keys 20000 --suspects 12 --rounds 3
 */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '10000000' },
    keys: { type: 'string', default: '20000' },
    suspects: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
  },
});
ensureBuilt();
const load = (file) => import(pathToFileURL(path.join(root, 'dist', file)).href);
const { encodeBatch, encodeHeader, publicKeyText, rootOf, segmentName, lineHash, NO_BATCH } =
  await load('journal/format.js');
const { investigateAside } = await load('incidents/investigator.js');
const { exactSet, networksOf } = await load('incidents/exact-set.js');

const ENTRIES = Number(values.entries);
const KEYS = Number(values.keys);
const SUSPECTS = Number(values.suspects);
const BATCH = 500;
const SEGMENT_BYTES = 256 * 1024 * 1024;
const START_MS = Date.UTC(2026, 5, 1);
const STEP_MS = 100;
const AGENTS = ['python-requests/2.31.0', 'Go-http-client/2.0', 'curl/8.1.2', 'jumpcloud-terraform/0.0.12'];
const OPERATIONS = [
  'systemusers.list',
  'systemusers.get',
  'systems.list',
  'systemusers.update',
  'commands.run',
];

const idOf = (key) => `k${String(key).padStart(11, '0')}`;

/** The entry of one call; in the last fifth, the attacker works with the suspects' keys now and then. */
function entryOf(n) {
  const draw = (Math.imul(n + 1, 0x9e3779b1) ^ (n >>> 7)) >>> 0;
  const attack = n > ENTRIES * 0.8 && draw % 5000 === 0;
  const key = attack ? Math.floor(draw / 5000) % SUSPECTS : draw % KEYS;
  const operation = attack ? 'commands.run' : OPERATIONS[draw % 3];
  return {
    seq: n + 1,
    kind: 'decision',
    time: START_MS + n * STEP_MS,
    request: `r-${n.toString(36)}`,
    upstream: 'directory',
    method: attack ? 'POST' : 'GET',
    path: `/api/systemusers/${(draw % 100000).toString(16).padStart(24, '0')}`,
    operation,
    privilege: attack ? 4 : 1,
    address: attack ? '203.0.113.9' : `10.${key % 200}.${(key >> 8) % 250}.7`,
    country: attack ? 'RO' : 'DE',
    asn: attack ? 9009 : 3320,
    network: 'hosting',
    userAgent: attack ? 'python-httpx/0.24.1' : AGENTS[key % 4],
    objects: [(draw % 100000).toString(16).padStart(24, '0')],
    bodyBytes: 0,
    key: idOf(key),
    tenant: `tenant-${key % 500}`,
    principal: `service-${key}`,
    decision: attack ? 'flag' : 'allow',
    ...(attack ? { reason: 'behaviour_flagged' } : {}),
    score: attack ? 6.2 : -4.1,
    ...(attack
      ? {
          finding: {
            evidence: 12,
            threshold: 7,
            reasons: [{ term: 'network', nats: 4, text: 'AS9009 never used by this key' }],
            rarity: { network: 9, asn: 8, client: 6, operation: 5 },
          },
        }
      : {}),
    outcome: { status: 200, bytesIn: 0, bytesOut: 900, latencyMs: 12 },
  };
}

function writeJournal(dir) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const publicKey = publicKeyText(signer);
  let [segment, batch, prev, fd, bytes] = [0, 0, NO_BATCH, -1, Number.POSITIVE_INFINITY];
  for (let n = 0; n < ENTRIES; n += BATCH) {
    if (bytes > SEGMENT_BYTES) {
      if (fd >= 0) closeSync(fd);
      segment += 1;
      fd = openSync(path.join(dir, segmentName(segment)), 'w');
      bytes = writeSync(fd, `${encodeHeader({ segment, prev, publicKey })}\n`);
    }
    const lines = Array.from({ length: Math.min(BATCH, ENTRIES - n) }, (_, i) =>
      Buffer.from(JSON.stringify(entryOf(n + i))),
    );
    const fields = { batch: ++batch, first: n + 1, count: lines.length, time: START_MS + n * STEP_MS };
    const line = encodeBatch({ ...fields, root: rootOf(lines), prev }, signer);
    prev = lineHash(Buffer.from(line));
    bytes += writeSync(fd, `${lines.join('\n')}\n${line}\n`);
  }
  closeSync(fd);
  return Array.from({ length: segment }, (_, i) => path.join(dir, segmentName(i + 1)));
}

function readAll(files) {
  const chunk = Buffer.alloc(8 * 1024 * 1024);
  const began = performance.now();
  for (const file of files) {
    const fd = openSync(file, 'r');
    while (readSync(fd, chunk, 0, chunk.length, null) > 0);
    closeSync(fd);
  }
  return (performance.now() - began) / 1000;
}

function trailsOf() {
  const trait = (name, nats) => new Map([[name, { count: 10, nats }]]);
  return Array.from({ length: SUSPECTS - 2 }, (_, key) => ({
    ...{ key: idOf(key), tenant: `tenant-${key}`, principal: `service-${key}` },
    ...{ firstMs: START_MS + ENTRIES * 0.8 * STEP_MS, lastMs: START_MS + ENTRIES * STEP_MS },
    ...{
      leads: 10,
      privileged: 10,
      forwarded: 10,
      peak: 12,
      reasons: [],
      countries: new Set(['RO']),
      steps: new Set(),
      targets: new Set(),
      lastOperation: '',
    },
    ...{
      networks: trait('203.0.113.0/24', 9),
      asns: trait('AS9009', 8),
      clients: trait('python-httpx/0.24.1', 6),
    },
    operations: trait('commands.run', 5),
  }));
}

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-bench-blast-'));
try {
  const began = performance.now();
  const files = writeJournal(dir);
  const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
  console.log(
    `${ENTRIES.toLocaleString('en')} entries, ${megabytes.toFixed(0)} MB, written in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  const trails = trailsOf();
  const records = Array.from({ length: KEYS }, (_, key) => ({
    id: idOf(key),
    tenant: `tenant-${key % 500}`,
    createdMs: 0,
  }));
  const seconds = [];
  const reading = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    reading.push(readAll(files));
    const start = performance.now();
    const firstMs = START_MS + ENTRIES * 0.8 * STEP_MS;
    const question = { journals: [dir], trails, keys: [], networks: [...networksOf(trails).keys()] };
    const answer = await investigateAside({ ...question, firstMs });
    const set = exactSet({ ...answer, firstMs, trails, keys: records });
    seconds.push((performance.now() - start) / 1000);
    const foreign = answer.radii.reduce((sum, each) => sum + each.foreign, 0);
    console.log(
      `  ${seconds.at(-1).toFixed(2)} s: ${answer.entries.toLocaleString('en')} entries looked at, ${foreign} of the attacker's calls; contain ${set.contain.length} keys, leave ${set.leftAlone.length + set.notListed} alone, ${set.silent} silent`,
    );
  }
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  console.log(
    `  median ${median(seconds).toFixed(2)} s; ${(median(reading) / median(seconds)).toFixed(2)} of the pace of reading the files alone (${median(reading).toFixed(2)} s)`,
  );
} finally {
  rmSync(dir, { recursive: true });
}
