import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeFolder, until } from './running-guard.js';

/** How programs end that a person started: by signals, with their terminal, with whoever started them. */
const root = path.resolve(import.meta.dirname, '../..');
let dir: string;
let child: ChildProcess;
let stdout: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-ends-'));
});
afterEach(async () => {
  for (const pid of pids()) process.kill(pid, 'SIGKILL');
  await until(() => pids().length === 0);
  removeFolder(dir);
});

function run(command: string, args: readonly string[]): void {
  stdout = '';
  child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: dir },
  });
  child.stdout?.on('data', (bytes) => {
    stdout += String(bytes);
  });
}

/** Processes that name the test's folder. */
function pids(): number[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dir))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}

const quickstart = () => ['quickstart', '--data', path.join(dir, 'data'), '--port', '0', '--admin-port', '0'];

it('npm start ends with all its processes when npm is told to', async () => {
  run('npm', ['start', '--', ...quickstart()]);
  await until(() => stdout.includes('Ctrl-C'), 20_000);
  child.kill('SIGTERM');
  await until(() => pids().length === 0);
});

it('the quickstart ends with its terminal', async () => {
  run(process.execPath, ['scripts/start.mjs', ...quickstart()]);
  await until(() => stdout.includes('Ctrl-C'), 20_000);
  const exited = once(child, 'exit');
  for (const pid of pids()) process.kill(pid, 'SIGHUP');
  expect((await exited)[0]).toBe(0);
  await until(() => pids().length === 0);
});

it('the demo ends with its terminal and leaves nothing behind', async () => {
  const report = path.join(dir, 'report', 'r.html');
  run(process.execPath, ['scripts/start.mjs', 'demo', '--report', report]);
  await until(() => pids().length > 5, 30_000);
  const exited = once(child, 'exit');
  child.kill('SIGHUP');
  expect((await exited)[0]).toBeGreaterThan(128);
  await until(() => pids().length === 0);
  expect(readdirSync(dir).filter((name) => name.startsWith('keyward-demo-'))).toEqual([]);
}, 40_000);

it('the programs of the demo end when the replay is killed', async () => {
  const replay = path.join(root, 'build/demo/replay/main.js');
  run(process.execPath, [replay, '--report', path.join(dir, 'r.html')]);
  await until(() => pids().length > 4, 30_000);
  child.kill('SIGKILL');
  await until(() => pids().length === 0);
}, 40_000);

it('a program of the demo ends though the replay was killed before it had loaded anything', async () => {
  const clock = path.join(root, 'build/demo/replay/clock.js');
  child = spawn(process.execPath, ['--import', clock, '-e', 'setInterval(() => {}, 1000)', dir], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, KEYWARD_REPLAY_NOW: '0' },
  });
  const exited = once(child, 'exit');
  child.disconnect();
  expect((await exited)[1]).toBe('SIGKILL');
});

it('a program without a standard input goes on; one that is killed is no success', async () => {
  run(process.execPath, ['scripts/demo.mjs', 'directory', '--data', dir, '--organisations', '1']);
  await until(() => stdout.includes('"port"'), 20_000);
  const { port } = JSON.parse(stdout) as { port: number };
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await fetch(`http://localhost:${port}/`)).status).toBeLessThan(500);
  const exited = once(child, 'exit');
  for (const pid of pids()) if (pid !== child.pid) process.kill(pid, 'SIGKILL');
  expect((await exited)[0]).toBe(137);
});
