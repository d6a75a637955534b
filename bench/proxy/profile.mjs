import '../../scripts/plain-usage.mjs';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { root } from '../../scripts/install.mjs';
import { freePort } from '../free-port.mjs';
import { runWrk, WORKLOADS } from './load.mjs';
import { needPrograms, startNode, startUpstream, stopAll } from './processes.mjs';
import { writeBetween } from './report.mjs';

// Where the guard's main thread spends its time under GET load, by self time.
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    functions: { type: 'boolean', default: false },
    workload: { type: 'string', default: 'get' },
    write: { type: 'boolean', default: false },
  },
});

const GROUPS = [
  ['idle', ({ functionName }) => functionName === '(idle)'],
  ['garbage collection', ({ functionName }) => functionName === '(garbage collector)'],
  [
    'system calls: write',
    ({ functionName }) =>
      /^(?:write|writeLatin1String|writeBuffer|writeUtf8String|writev)/.test(functionName),
  ],
  ['event loop and native code', ({ functionName, url }) => functionName === '(program)' || url === ''],
  ['node:net and node:stream', ({ url }) => url.startsWith('node:')],
  ['HTTP codec (src/wire)', ({ url }) => url.includes('/dist/wire/')],
  ['proxy: connections, exchange, heads (src/edges)', ({ url }) => url.includes('/dist/edges/')],
  [
    'decision (src/core, src/engine, src/keys, src/catalogs, src/locations)',
    ({ url }) => /\/dist\/(?:core|engine|keys|catalogs|locations|stores)\//.test(url),
  ],
  ['journal hand-over (src/journal)', ({ url }) => url.includes('/dist/journal/')],
  ['metrics', ({ url }) => /prom-client|\/dist\/observability\//.test(url)],
  ['other', () => true],
];

ensureBuilt();
needPrograms(['wrk', 'nginx']);
const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-profile-'));
try {
  const files = path.join(dir, 'files');
  mkdirSync(files);
  writeFileSync(path.join(files, 'large'), Buffer.alloc(WORKLOADS.download.bytes));
  const upstream = await startUpstream(path.join(dir, 'upstream'), await freePort(), files);
  const contender = path.join(root, 'bench', 'proxy', 'contenders', 'keyward.mjs');
  const profile = path.join(dir, 'main.cpuprofile');
  const guard = await startNode(contender, [upstream.port], {
    KEYWARD_BENCH_DIR: dir,
    KEYWARD_BENCH_PROFILE: profile,
  });
  const load = { seconds: Number(options.seconds), credentials: guard.credentials };
  await runWrk(dir, guard.port, WORKLOADS[options.workload], load);
  guard.child.kill('SIGTERM');
  await once(guard.child, 'exit');
  const text = table(selfTimes(JSON.parse(readFileSync(profile, 'utf8'))));
  console.log(text);
  if (options.write) writeBetween(path.join(root, 'docs', 'performance.md'), 'profile:proxy', text);
} finally {
  stopAll();
  rmSync(dir, { recursive: true, force: true });
}

/** Self time of each function, in microseconds. */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  samples.forEach((id, at) => {
    const frame = frames.get(id);
    const name = `${frame.functionName} ${frame.url.replace(/^.*\/(dist|node_modules)\//, '$1/')}:${frame.lineNumber + 1}`;
    const entry = times.get(name) ?? { frame, micros: 0 };
    entry.micros += timeDeltas[at];
    times.set(name, entry);
  });
  return times;
}

function table(times) {
  const groups = new Map(GROUPS.map(([name]) => [name, 0]));
  for (const { frame, micros } of times.values()) {
    const [name] = GROUPS.find(([, matches]) => matches(frame));
    groups.set(name, groups.get(name) + micros);
  }
  const idle = groups.get('idle');
  groups.delete('idle');
  const busy = [...groups.values()].reduce((sum, micros) => sum + micros, 0);
  const lines = ['| where | share of busy time |', '| --- | ---: |'];
  for (const [name, micros] of [...groups].sort(([, a], [, b]) => b - a))
    lines.push(`| ${name} | ${((100 * micros) / busy).toFixed(1)} % |`);
  if (options.functions) {
    lines.push('', `idle ${((100 * idle) / (idle + busy)).toFixed(0)} %`, '');
    const top = [...times]
      .filter(([name]) => !name.startsWith('(idle)'))
      .sort(([, a], [, b]) => b.micros - a.micros);
    for (const [name, { micros }] of top.slice(0, 60))
      lines.push(`${((100 * micros) / busy).toFixed(2)} %  ${name}`);
  }
  return lines.join('\n');
}
