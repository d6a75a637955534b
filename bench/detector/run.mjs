import '../../scripts/plain-usage.mjs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { root } from '../../scripts/install.mjs';

/**
 * `npm run bench:detector`: the full decision in process (assess, threshold, explain what is flagged, learn) as history
 * and keys grow. Each key calls at the same pace, however many there are: seldom is more work, since what follows from the
 * hour, the place and the tool is made anew every hour. In turns with it, the same calls are parsed from JSON, and nothing else:
 * machines and days differ, the ratio of both does less. Each row has a process of its own. --keys 1000,10000 and --pauses 40
 * (seconds between two calls of a key) narrow the curves; one line of JSON at the end with --json.
 */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000,10000,100000,1000000' },
    pauses: { type: 'string', default: '40,7200' },
    calls: { type: 'string', default: '300000' },
    json: { type: 'boolean', default: false },
    row: { type: 'boolean', default: false },
  },
});
ensureBuilt();
const load = (file) => import(pathToFileURL(path.join(root, 'dist', file)).href);
const { Detector } = await load('detectors/detector.js');
const { LearningGuard } = await load('detectors/learning-guard.js');
const { AlarmBudget } = await load('detectors/budget.js');
const { explanations } = await load('detectors/explain.js');
const { respond } = await load('core/response.js');

const OPERATIONS = Array.from({ length: 400 }, (_, i) => ({
  name: `resource${i % 40}.verb${i % 10}`,
  template: `GET /resource${i % 40}/{id}`,
  privilege: i % 5,
}));
const CLIENTS = Array.from({ length: 30 }, (_, i) => `client-${i}/1.${i % 7}.${i % 3} (runtime ${i % 4})`);
const PLACES = Array.from({ length: 60 }, (_, i) => ({ kind: 'hosting', asn: 1000 + i, country: 'DE' }));

/** One call of one of the keys: each has a few operations, a client, a network and objects of its own. */
function callOf(key, n, timeMs) {
  const draw = (Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(key + 7, 0x85ebca6b)) >>> 0;
  const strange = draw % 997 === 0;
  return {
    actor: { key: `key-${key}`, tenant: `tenant-${key % 5000}`, principal: `principal-${key}` },
    observation: {
      timeMs,
      upstream: 'api',
      method: 'GET',
      path: '/',
      operation: OPERATIONS[(key * 7 + (draw % 6)) % OPERATIONS.length],
      address: strange ? '203.0.113.9' : `10.${key % 200}.${(key >> 8) % 250}.${1 + (draw % 3)}`,
      place: PLACES[strange ? 1 : key % PLACES.length],
      userAgent: CLIENTS[strange ? 3 : key % CLIENTS.length],
      objects: [`object-${(key * 31 + (draw % 20)) % 100000}`],
      bodyBytes: draw % 900,
    },
    outcome: { status: 200, bytesOut: 1000 + (draw % 50000) },
  };
}

/** Calls that are made at a time. */
const BATCH = 500;

function percentile(sorted, p) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

function millisecondsOf(work, items) {
  const began = performance.now();
  for (const item of items) work(item);
  return performance.now() - began;
}

function run(keys, pauseSeconds, calls) {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  const budget = new AlarmBudget();
  let timeMs = Date.UTC(2026, 0, 1);
  const tick = () => {
    timeMs += (pauseSeconds * 1000) / keys;
    return Math.floor(timeMs);
  };
  const decide = (sighting) => {
    const judgement = learning.assess(sighting);
    const alarm =
      respond(judgement.evidence, budget.threshold, sighting.observation.operation.privilege) !== 'allow';
    if (alarm) explanations(detector, sighting, judgement, true);
    learning.settle(judgement, alarm ? 'alarm' : 'allowed');
    budget.note(judgement.baseline, sighting.observation.timeMs, judgement.evidence);
  };
  const keyOf = (n) => (Math.imul(n, 2654435761) >>> 0) % keys;
  // Every key is known before the clock runs, by calls in the same disorder: else their pace changes for all of them at once.
  let n = 0;
  for (const past = keys * 25; n < past; n++) decide(callOf(keyOf(n), n, tick()));
  // Calls are made in small batches, untimed, so that each is as fresh in memory as a request that just came in.
  const times = new Float64Array(calls);
  const batch = () => Array.from({ length: BATCH }, () => callOf(keyOf(++n), n, tick()));
  let spent = 0;
  let parsing = 0;
  for (let done = 0; done < calls; done += BATCH) {
    const fresh = batch();
    const lines = fresh.map((sighting) => JSON.stringify(sighting));
    spent += millisecondsOf(decide, fresh);
    parsing += millisecondsOf(JSON.parse, lines);
  }
  const perSecond = (Math.ceil(calls / BATCH) * BATCH) / (spent / 1000);
  for (let done = 0; done < calls; done += BATCH) {
    const fresh = batch();
    for (let i = 0; i < BATCH && done + i < calls; i++) {
      const start = process.hrtime.bigint();
      decide(fresh[i]);
      times[done + i] = Number(process.hrtime.bigint() - start) / 1000;
    }
  }
  times.sort();
  globalThis.gc?.();
  const after = process.memoryUsage();
  let packed = 0;
  let sampled = 0;
  for (const baseline of detector.baselines.values()) {
    packed = Math.max(packed, baseline.pack().length);
    if (++sampled === 1000) break;
  }
  return {
    keys,
    pauseSeconds,
    perSecond: Math.round(perSecond),
    parses: spent / parsing,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    gibibytes: (after.rss - before.rss) / 2 ** 30,
    bytesPerKey: Math.round((after.heapUsed + after.external - before.heapUsed - before.external) / keys),
    packed,
  };
}

if (values.row)
  console.log(JSON.stringify(run(Number(values.keys), Number(values.pauses), Number(values.calls))));
else curves();

function curves() {
  const rows = [];
  for (const pauses of values.pauses.split(',')) {
    console.log(`a call of each key every ${pauses} s`);
    for (const keys of values.keys.split(',')) {
      const of = ['--row', '--keys', keys, '--pauses', pauses, '--calls', values.calls];
      const own = [...process.execArgv, fileURLToPath(import.meta.url), ...of];
      const row = JSON.parse(
        execFileSync(process.execPath, own, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      show(row);
      rows.push(row);
    }
  }
  if (values.json) console.log(JSON.stringify(rows));
}

function show(row) {
  console.log(
    `${String(row.keys).padStart(8)} keys  ${row.perSecond.toLocaleString('en').padStart(9)}/s, the time of ${row.parses.toFixed(2)} JSON.parse  p50 ${row.p50.toFixed(1)} µs  p99 ${row.p99.toFixed(1)} µs  ${row.gibibytes.toFixed(2)} GiB  ${row.bytesPerKey} bytes a key in memory, ${row.packed} packed at most`,
  );
}
