import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const bin = path.join(root, 'bin', 'keyward.mjs');

/** Only what hangs takes so long, also on a machine with other work. */
const START_MS = 30_000;

/** The guard as its users run it: a process of its own, from the command line. */
export interface GuardProcess {
  readonly dir: string;
  readonly configFile: string;
  readonly port: number;
  readonly adminUrl: string;
  /** Of the first run; later ones print none. */
  readonly token: string | undefined;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Calls the admin API. */
  admin(method: string, pathname: string, body?: unknown, token?: string): Promise<Response>;
  /** Stops it and waits. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that the test owns, with a configuration in it. */
export function guardFolder(config: Record<string, unknown>): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-process-'));
  writeConfig(dir, config);
  return dir;
}

export function writeConfig(dir: string, config: Record<string, unknown>): void {
  const defaults = { dataDir: './data', listeners: [{ port: 0 }], admin: { port: 0 } };
  writeFileSync(path.join(dir, 'keyward.yaml'), JSON.stringify({ ...defaults, ...config }, null, 2));
}

interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly portOf: (name: string) => number;
  /** Stops it and waits. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

async function startProcess(args: readonly string[], ready: RegExp): Promise<Started> {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (bytes) => {
    stdout += String(bytes);
  });
  child.stderr?.on('data', (bytes) => {
    stderr += String(bytes);
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The guard did not start: ${stderr}`);
    return ready.test(stdout);
  }, START_MS);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    portOf: (name) => Number(new RegExp(`^${name} .*:(\\d+)$`, 'm').exec(stdout)?.[1]),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill(signal);
        await exited;
      }
      return child.exitCode;
    },
  };
}

/** Starts `keyward up` in the folder; resolves when it listens. */
export async function startGuard(dir: string): Promise<GuardProcess> {
  const configFile = path.join(dir, 'keyward.yaml');
  const started = await startProcess(['up', '--config', configFile], /^admin .*\n/m);
  const token = /kw_admin_\w+/.exec(started.stdout())?.[0];
  const adminUrl = `http://127.0.0.1:${started.portOf('admin')}`;
  return {
    ...started,
    ...{ dir, configFile, port: started.portOf('guard'), adminUrl, token },
    admin: (method, pathname, body, own = token) =>
      fetch(`${adminUrl}${pathname}`, {
        method,
        headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** `keyward gateway`, beside a guard in the same folder. */
export interface GatewayProcess extends Started {
  readonly port: number;
  /** Text of /readyz. */
  health(): Promise<string>;
}

export async function startGateway(dir: string, name: string): Promise<GatewayProcess> {
  const args = ['gateway', '--config', path.join(dir, 'keyward.yaml'), '--name', name, '--health-port', '0'];
  const started = await startProcess(args, /^health .*\n/m);
  return {
    ...started,
    port: started.portOf('gateway'),
    health: async () => (await fetch(`http://127.0.0.1:${started.portOf('health')}/readyz`)).text(),
  };
}

/** Runs one command to its end. */
export function cli(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<CliResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [bin, ...args],
      { env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env }, maxBuffer: 256 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

export async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('It did not happen in time.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function removeFolder(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}
