import '../../scripts/plain-usage.mjs';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { must, root } from '../../scripts/install.mjs';
import { freePort } from '../free-port.mjs';
import { runWrk, verify, WORKLOADS } from './load.mjs';
import {
  needPrograms,
  startHaproxy,
  startNginxProxy,
  startNode,
  startUpstream,
  stopAll,
} from './processes.mjs';
import { markdown, median, summarise, writeBetween } from './report.mjs';

const here = path.join(root, 'bench', 'proxy');
// --only NAME and --workload get|post|download, both repeatable, narrow the run.
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    workload: { type: 'string', multiple: true },
    json: { type: 'string' },
    /** Writes docs/performance.md and bench/results/proxy.json. */
    write: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);

ensureBuilt();
// One contender's dependency asks for a newer Node than it needs.
must('npm', ['install', '--engine-strict=false', '--no-audit', '--no-fund', '--loglevel=error'], {
  cwd: path.join(root, 'bench'),
});
const wanted = (name) => options.only?.includes(name) ?? true;
needPrograms(['wrk', 'nginx', ...(wanted('haproxy') ? ['haproxy'] : [])]);

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-bench-'));
const files = path.join(dir, 'files');
mkdirSync(files);
writeFileSync(path.join(files, 'large'), Buffer.alloc(WORKLOADS.download.bytes, 'x'));
const upstream = await startUpstream(path.join(dir, 'upstream'), await freePort(), files);
const script = (name) => () =>
  startNode(path.join(here, 'contenders', `${name}.mjs`), [upstream.port], { KEYWARD_BENCH_DIR: dir });

const CONTENDERS = {
  keyward: script('keyward'),
  'node:http + undici dispatch': script('undici-dispatch'),
  'node:http both ends': script('bare'),
  '@fastify/http-proxy': script('fastify-http-proxy'),
  'fast-proxy': script('fast-proxy'),
  'http-proxy-3': script('http-proxy-3'),
  'http-proxy': script('http-proxy'),
  nginx: async () => startNginxProxy(path.join(dir, 'nginx'), await freePort(), upstream.port),
  haproxy: async () => startHaproxy(path.join(dir, 'haproxy'), await freePort(), upstream.port),
};
const names = Object.keys(CONTENDERS).filter(wanted);

try {
  const running = {};
  for (const name of names) running[name] = await CONTENDERS[name]();
  const credentials = running.keyward?.credentials ?? ['none'];
  const workloads = Object.entries(WORKLOADS).filter(([name]) => options.workload?.includes(name) ?? true);
  for (const [, workload] of workloads)
    for (const name of names) await verify(name, running[name].port, workload, credentials[0]);
  if (running.keyward !== undefined) await mustRefuse(running.keyward.port);

  const results = {};
  for (const [key, workload] of workloads) {
    results[key] = Object.fromEntries(names.map((name) => [name, []]));
    for (const name of names) await runWrk(dir, running[name].port, workload, { seconds: 1, credentials });
    for (let round = 0; round < rounds; round += 1) {
      // Each round begins with another, so that no contender always follows the same one.
      for (let i = 0; i < names.length; i += 1) {
        const name = names[(i + round) % names.length];
        const result = await runWrk(dir, running[name].port, workload, { seconds, credentials });
        results[key][name].push(result);
        console.error(
          `${key} ${round + 1}/${rounds} ${name}: ${result.perSecond.toFixed(0)} req/s, p99 ${result.p99} ms`,
        );
      }
    }
  }
  const added = await addedLatency(running, credentials);
  const outcome = { machine: machine(), rounds, seconds, summary: summarise(results), added, results };
  const text = markdown(outcome);
  console.log(text);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(outcome));
  if (options.write) {
    mkdirSync(path.join(root, 'bench', 'results'), { recursive: true });
    writeFileSync(path.join(root, 'bench', 'results', 'proxy.json'), `${JSON.stringify(outcome, null, 1)}\n`);
    writeBetween(path.join(root, 'docs', 'performance.md'), 'bench:proxy', text);
  }
} finally {
  stopAll();
  rmSync(dir, { recursive: true, force: true });
}

/** A guard that lets a wrong key through would be measured for nothing. */
async function mustRefuse(port) {
  const response = await fetch(`http://127.0.0.1:${port}/small`, { headers: { 'x-api-key': 'wrong' } });
  if (response.status !== 401) throw new Error(`The guard answers a wrong key with ${response.status}.`);
}

/** One connection, so that nothing waits for anything else. */
async function addedLatency(running, credentials) {
  const measured = names.filter((name) => ['keyward', 'node:http + undici dispatch', 'nginx'].includes(name));
  const samples = Object.fromEntries([...measured, 'direct'].map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const name of [...measured, 'direct']) {
      const { port } = name === 'direct' ? upstream : running[name];
      const one = { seconds: Math.min(seconds, 2), connections: 1, credentials };
      samples[name].push(await runWrk(dir, port, WORKLOADS.get, one));
    }
  const above = (name, field) =>
    median(samples[name].map((sample, at) => sample[field] - samples.direct[at][field]));
  return Object.fromEntries(
    measured.map((name) => [name, { p50: above(name, 'p50'), p99: above(name, 'p99') }]),
  );
}

function machine() {
  const version = (command, ...args) => {
    const text = execFileSync('sh', ['-c', `${[command, ...args].join(' ')} 2>&1 || true`], {
      encoding: 'utf8',
    });
    return /(\d+\.\d+[\w.]*)/.exec(text)?.[1] ?? '?';
  };
  const libraries = JSON.parse(readFileSync(path.join(root, 'bench', 'package.json'), 'utf8')).dependencies;
  const list = Object.entries(libraries).map(([name, number]) => `${name} ${number}`);
  return `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, Node ${process.versions.node}, nginx ${version('nginx', '-v')} (1 worker), HAProxy ${version('haproxy', '-v')} (1 thread), ${list.join(', ')}`;
}
