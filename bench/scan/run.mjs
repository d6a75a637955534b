import '../../scripts/plain-usage.mjs';
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { root } from '../../scripts/install.mjs';
import { LOGS, writeLog } from './logs.mjs';

/**
 * `npm run bench:scan`: `keyward scan` on generated logs against reading their lines and JSON.parse alone, interleaved,
 * medians of the ratios: of time on the clock, and of CPU time (user and system, all threads). Two references: lines
 * split from large chunks, and node:readline. Start-up is part of everything.
 */
const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '480' },
    rounds: { type: 'string', default: '5' },
    logs: { type: 'string', default: Object.keys(LOGS).join(',') },
    reference: { type: 'string' },
    file: { type: 'string' },
  },
});
const REFERENCES = ['chunks', 'readline'];

if (values.reference !== undefined) await reference(values.reference, values.file);
else {
  ensureBuilt();
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-bench-scan-'));
  try {
    for (const kind of values.logs.split(',')) compare(kind, dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function compare(kind, dir) {
  const file = path.join(dir, `${kind}.ndjson`);
  const lines = writeLog(file, kind, Number(values.megabytes) * 1e6);
  const megabytes = statSync(file).size / 1e6;
  const bin = path.join(root, 'bin', 'keyward.mjs');
  const self = new URL(import.meta.url).pathname;
  const ratios = REFERENCES.map((name) => ({ name, wall: [], cpu: [] }));
  console.log(`${kind}: ${megabytes.toFixed(0)} MB, ${lines} lines`);
  for (let round = 0; round < Number(values.rounds); round++) {
    const scan = cost([bin, 'scan', file, '--json'], dir);
    console.log(
      `  scan ${scan.wall.toFixed(2)} s, CPU ${scan.cpu.toFixed(2)} s: ${(megabytes / scan.wall).toFixed(0)} MB/s, ${Math.round(lines / scan.wall)} lines/s`,
    );
    for (const { name, wall, cpu } of ratios) {
      const bare = cost([self, '--reference', name, '--file', file], dir);
      wall.push(bare.wall / scan.wall);
      cpu.push(bare.cpu / scan.cpu);
    }
  }
  for (const { name, wall, cpu } of ratios)
    console.log(
      `  scan against ${name} + JSON.parse: ${median(wall).toFixed(2)} of its pace on the clock, ${median(cpu).toFixed(2)} per CPU second`,
    );
  rmSync(file);
}

/** Seconds on the clock and of CPU that a command takes. */
function cost(args, dir) {
  const to = path.join(dir, 'cpu.json');
  const began = performance.now();
  const preload = pathToFileURL(path.join(import.meta.dirname, 'cpu-time.mjs')).href;
  const { status, stderr } = spawnSync(process.execPath, ['--import', preload, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CPU_TIME_TO: to },
  });
  const wall = (performance.now() - began) / 1000;
  if (status !== 0) throw new Error(String(stderr));
  const { user, system } = JSON.parse(readFileSync(to, 'utf8'));
  return { wall, cpu: (user + system) / 1e6 };
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

async function reference(name, from) {
  if (name === 'readline') {
    const lines = createInterface({ input: createReadStream(from), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) JSON.parse(line);
    return;
  }
  let rest = '';
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20, encoding: 'utf8' })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    for (const line of parts) JSON.parse(line);
  }
}
