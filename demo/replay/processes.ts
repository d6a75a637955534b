import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLOCK = new URL('./clock.js', import.meta.url).href;
const START_MS = 30_000;

const running = new Set<ChildProcess>();
// Whatever ends the replay ends its programs.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program of the replay, a process of its own whose time the replay sets. */
export class Program {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #errors: string[] = [];

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stderr?.on('data', (bytes) => this.#errors.push(String(bytes)));
  }

  /**
   * @param ready picks from a line of its output what the caller waits for
   * @throws {Error} when it ends or nothing comes within half a minute
   */
  static async start<T>(
    name: string,
    args: readonly string[],
    nowMs: number,
    ready: (line: string) => T | undefined,
  ): Promise<{ readonly program: Program; readonly answer: T }> {
    const child = spawn(process.execPath, ['--import', CLOCK, ...args], {
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, KEYWARD_REPLAY_NOW: String(nowMs) },
    });
    const program = new Program(name, child);
    running.add(child);
    child.once('exit', () => running.delete(child));
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      for await (const line of createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })) {
        const answer = ready(line);
        if (answer === undefined) continue;
        child.stdout?.resume();
        return { program, answer };
      }
    } finally {
      clearTimeout(late);
    }
    throw new Error(`${name} did not start: ${program.#errors.join('').trim() || 'it said nothing'}`);
  }

  /** What it complained of. */
  get errors(): string {
    return this.#errors.join('');
  }

  /** Sets its time; it has it when this returns. */
  async tick(nowMs: number): Promise<void> {
    if (!this.#child.connected) return;
    const known = once(this.#child, 'message');
    this.#child.send({ nowMs });
    await known;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }
}

const here = path.dirname(fileURLToPath(import.meta.url));

/** The demo directory with fresh data. */
export function startDirectory(dir: string, seed: number, organisations: number, nowMs: number) {
  const main = path.join(here, '..', 'directory', 'main.js');
  const args = [
    ...[main, '--data', dir, '--seed', String(seed), '--organisations', String(organisations)],
    ...['--behind-proxy', '--device-ms', '10', '--internal-port', '0'],
  ];
  return Program.start('directory', args, nowMs, (line) => {
    const said = JSON.parse(line) as { port?: number; internalPort?: number };
    return said.port === undefined ? undefined : { port: said.port, internalPort: said.internalPort ?? 0 };
  });
}

/** A device agent; ready when it is enrolled, with the id of its device. */
export function startAgent(
  url: string,
  connectKey: string,
  sandbox: string,
  hostname: string,
  nowMs: number,
) {
  const main = path.join(here, '..', 'agent', 'main.js');
  const args = [
    ...[main, '--directory', url, '--connect-key', connectKey, '--sandbox', sandbox],
    ...['--hostname', hostname, '--check-in-ms', '1000', '--inventory-ms', '3600000'],
  ];
  return Program.start(hostname, args, nowMs, (line) => (JSON.parse(line) as { systemId?: string }).systemId);
}

export interface GuardAt {
  readonly port: number;
  readonly adminUrl: string;
  readonly token: string;
}

/** The guard itself: `keyward up`, on its first run. */
export function startGuard(bin: string, configFile: string, nowMs: number) {
  const seen: { token?: string; port?: number } = {};
  return Program.start('guard', [bin, 'up', '--config', configFile], nowMs, (line): GuardAt | undefined => {
    seen.token ??= /kw_admin_\w+/.exec(line)?.[0];
    const [, name, at] = /^(guard|admin) +(\S+)$/.exec(line) ?? [];
    if (name === 'guard') seen.port = Number(at?.split(':').at(-1));
    if (name !== 'admin' || seen.token === undefined || seen.port === undefined) return undefined;
    return { port: seen.port, token: seen.token, adminUrl: `http://${at}` };
  });
}
