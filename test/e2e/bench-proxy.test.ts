import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
// @ts-expect-error: the benchmarks are plain JavaScript.
import { median, summarise } from '../../bench/proxy/report.mjs';

const run = path.resolve(import.meta.dirname, '../../bench/proxy/run.mjs');

it('a benchmark is summed up by medians, ratios within rounds, and tells what failed', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  const round = (perSecond: number, bad = 0) => ({ perSecond, p99: 1, requests: 10, bad, broken: 0 });
  const summary = summarise({
    get: {
      keyward: [round(90), round(45), round(180)],
      'node:http + undici dispatch': [round(100), round(50), round(100)],
      other: [round(1), round(1, 3), round(1)],
    },
  });
  expect(summary.get.keyward).toMatchObject({ failed: false, perSecond: 90, ratio: 0.9 });
  expect(summary.get.other.failed).toBe(true);
});

const missing = ['wrk', 'nginx'].filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
/** The benchmark installs what it needs where it may. */
const canRun = missing.length === 0 || process.getuid?.() === 0;

it.skipIf(!canRun)(
  'the benchmark runs, and measures a guard that refuses a wrong key',
  () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-bench-test-'));
    const file = path.join(dir, 'result.json');
    const reference = 'node:http + undici dispatch';
    const narrow = [
      '--only',
      'keyward',
      '--only',
      reference,
      '--workload',
      'get',
      '--rounds',
      '1',
      '--seconds',
      '1',
    ];
    const { status, stderr } = spawnSync(process.execPath, [run, ...narrow, '--json', file], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const { summary } = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(dir, { recursive: true });
    expect(summary.get.keyward.failed).toBe(false);
    expect(summary.get.keyward.perSecond).toBeGreaterThan(100);
    // Far below what it does; a run of one second beside other tests says no more.
    expect(summary.get.keyward.ratio).toBeGreaterThan(0.1);
  },
  120_000,
);
