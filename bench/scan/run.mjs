import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { root } from '../../scripts/install.mjs';

/**
 * `npm run bench:scan`: `keyward scan` on generated NDJSON against reading its lines and JSON.parse alone, interleaved,
 * medians of the ratios. Two references: lines split from large chunks (fast), and node:readline (usual).
 */
const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '5' },
    reference: { type: 'string' },
    file: { type: 'string' },
  },
});

if (values.reference !== undefined) {
  await reference(values.reference, values.file);
  process.exit(0);
}
ensureBuilt();
const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-bench-scan-'));
const file = path.join(dir, 'log.ndjson');
try {
  generate(file, Number(values.megabytes) * 1e6);
  const bin = path.join(root, 'bin', 'keyward.mjs');
  const self = new URL(import.meta.url).pathname;
  const ratios = { chunks: [], readline: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    const scan = seconds([bin, 'scan', file, '--json']);
    for (const name of ['chunks', 'readline'])
      ratios[name].push(seconds([self, '--reference', name, '--file', file]) / scan);
    console.log(`round ${round + 1}: scan ${(statSync(file).size / 1e6 / scan).toFixed(1)} MB/s`);
  }
  for (const [name, all] of Object.entries(ratios))
    console.log(`scan ÷ ${name} + JSON.parse: ${median(all).toFixed(2)}`);
} finally {
  rmSync(dir, { recursive: true });
}

function seconds(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(String(stderr));
  return (performance.now() - began) / 1000;
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

function generate(to, bytes) {
  const out = openSync(to, 'w');
  let written = 0;
  let n = 0;
  let timeMs = Date.UTC(2026, 0, 1);
  while (written < bytes) {
    let text = '';
    for (let i = 0; i < 2000; i++, n++) {
      timeMs += 700;
      const key = (Math.imul(n, 2654435761) >>> 8) % 400;
      text += `${JSON.stringify({
        time: new Date(timeMs).toISOString(),
        key: `AKIA${key}EXAMPLE`,
        tenant: `org-${key % 40}`,
        ip: `10.0.${key % 250}.${1 + (n % 3)}`,
        userAgent: `client-${key % 20}/1.2.3 (linux; x64)`,
        method: 'GET',
        path: `/api/v2/resource${(key * 3 + (n % 5)) % 60}/${(n * 7919) % 100000}/items`,
        status: 200,
        bytesOut: n % 9000,
        latencyMs: n % 300,
      })}\n`;
    }
    writeSync(out, text);
    written += text.length;
  }
}

async function reference(name, from) {
  let lines = 0;
  if (name === 'readline') {
    for await (const line of createInterface({
      input: createReadStream(from),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      JSON.parse(line);
      lines += 1;
    }
    return lines;
  }
  let rest = '';
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20, encoding: 'utf8' })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    for (const line of parts) JSON.parse(line);
    lines += parts.length;
  }
  return lines;
}
