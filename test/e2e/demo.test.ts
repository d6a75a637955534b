import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { removeFolder, until } from './running-guard.js';

const bin = path.resolve('bin/keyward.mjs');
const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-demo-test-'));
const temporary = path.join(dir, 'tmp');
mkdirSync(temporary);
afterAll(() => removeFolder(dir));

interface Both {
  readonly without: number;
  readonly with: number;
}

interface Told {
  readonly gains: readonly (Both & { readonly what: string })[];
  readonly privileged: Both & { readonly tried: number };
  readonly on: {
    readonly calls: number;
    readonly refused: number;
    readonly contained: readonly {
      readonly keys: readonly { readonly key: string }[];
      readonly receipts: readonly { readonly exact: boolean }[];
      readonly notices: readonly { readonly kind: string }[];
    }[];
    readonly effects: { readonly unexplained: readonly { readonly devices: readonly string[] }[] };
    readonly journal: Record<string, number>;
    readonly webhooks: { readonly good: number; readonly bad: number };
    readonly injected: readonly unknown[];
  };
}

function demo(...options: string[]) {
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [bin, 'demo', ...options], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => {
    stdout += String(bytes);
  });
  child.stderr.on('data', (bytes) => {
    stderr += String(bytes);
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Nothing of it is left: no process, no file. */
function leftOver(): string[] {
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  return [...readdirSync(temporary), ...processes.split('\n').filter((line) => line.includes(temporary))];
}

describe('keyward demo', () => {
  it('plays the campaign without and with the guard, and tells what came of it', async () => {
    const report = path.join(dir, 'reports', 'report.html');
    const run = demo('--tenants', '3', '--days', '3', '--seed', '5', '--json', '--report', report);
    expect(await run.ended, run.stderr()).toBe(0);
    const { gains, privileged, on } = JSON.parse(run.stdout()) as Told;
    const of = (what: string) => gains.find((gain) => gain.what === what) as Both;
    expect(of('users read').without).toBeGreaterThan(0);
    expect(of('command run on a device').without).toBeGreaterThan(0);
    expect(of('command run on a device').with).toBe(0);
    expect(of('sign-on taken over').without).toBeGreaterThan(0);
    expect(privileged.without).toBeGreaterThan(5);
    expect(privileged.with).toBeLessThan(privileged.without / 2);
    const stolen = on.contained.flatMap(({ keys }) => keys);
    expect(stolen.length).toBeGreaterThanOrEqual(2);
    const receipts = on.contained.flatMap((each) => each.receipts);
    expect(receipts.length).toBe(stolen.length);
    expect(receipts.every(({ exact }) => exact)).toBe(true);
    expect(on.journal.acceptedAfterRevocation).toBe(0);
    expect(on.journal.afterRevocation).toBeGreaterThan(0);
    expect(on.journal.decisions).toBeGreaterThanOrEqual(on.calls);
    // Owners are hardly in the way of it: keys that were revoked are missing for an hour.
    expect(on.refused).toBeLessThan(on.calls / 50);
    const notices = on.contained.flatMap((each) => each.notices);
    expect(on.webhooks).toEqual({ good: notices.length, bad: 0 });
    expect(on.injected).toHaveLength(1);
    expect(on.effects.unexplained.map(({ devices }) => devices)).toEqual([['laptop-1']]);
    const page = readFileSync(report, 'utf8');
    for (const part of ['What the thief got', 'Keys contained', 'Receipts', 'Notices', 'Step by step'])
      expect(page).toContain(part);
    expect(page).not.toMatch(/<script|<link|<img|url\(/i);
    expect(leftOver()).toEqual([]);
  }, 120_000);

  it('ends when it is told to, and leaves no process and no file', async () => {
    const run = demo('--tenants', '2', '--days', '30');
    await until(
      () => run.stdout().includes('with the guard') && run.stdout().includes('calls of owners'),
      60_000,
    );
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(143);
    await until(() => leftOver().length === 0);
  }, 90_000);

  it('ends quietly when nobody reads any more, and at once where the report cannot be written', async () => {
    const line = `"${process.execPath}" "${bin}" demo --tenants 2 --days 1 | head -3`;
    const options = { encoding: 'utf8', env: { ...process.env, TMPDIR: temporary } } as const;
    const { stdout, stderr } = spawnSync('sh', ['-c', line], options);
    expect(stdout.split('\n')[0]).toContain('June and July 2023');
    expect(stderr).toBe('');
    await until(() => leftOver().length === 0);
    const file = path.join(dir, 'file');
    writeFileSync(file, '');
    for (const nowhere of [path.join(file, 'r.html'), '/proc/r.html', '/proc/none/r.html', dir]) {
      const run = demo('--report', nowhere);
      expect(await run.ended, nowhere).toBe(1);
      expect(run.stdout()).toBe('');
      expect(run.stderr()).toMatch(/^keyward demo: The report cannot be written: E\w+/);
    }
  }, 60_000);

  it.each([
    [['--days', '0'], '--days must be a whole number from 1 to 60'],
    [['--seed', 'x'], '--seed must be a whole number'],
    [['--tenants', '1'], '--tenants must be'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--campaign', '../../etc/passwd'], 'There is no campaign ../../etc/passwd; there are directory-pivot,'],
  ])(
    '%j: says what is wrong',
    async (options, message) => {
      const run = demo(...options);
      expect(await run.ended).toBe(2);
      expect(run.stderr()).toContain(message);
      expect(run.stderr()).not.toMatch(/^ {4}at /m);
    },
    30_000,
  );
});
