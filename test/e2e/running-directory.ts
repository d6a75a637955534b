import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Seeded } from '../../demo/directory/seed.js';
import { until } from './running-guard.js';

const main = path.resolve(import.meta.dirname, '../../build/demo/directory/main.js');

/** The demo directory as a process of its own. */
export interface DirectoryProcess {
  readonly port: number;
  readonly internalPort: number | undefined;
  readonly url: string;
  readonly seeded: Seeded;
  readonly child: ChildProcess;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export async function startDirectoryProcess(
  dir: string,
  args: readonly string[] = [],
): Promise<DirectoryProcess> {
  if (!existsSync(main)) throw new Error('Run npm run directory -- --help first: it compiles the demo.');
  const child = spawn(process.execPath, [main, '--data', dir, '--until-stdin-ends', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => {
    stdout += String(bytes);
  });
  child.stderr.on('data', (bytes) => {
    stderr += String(bytes);
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The directory did not start: ${stderr}`);
    return stdout.includes('\n');
  });
  const { port, internalPort } = JSON.parse(stdout) as { port: number; internalPort?: number };
  return {
    ...{ port, internalPort, child, url: `http://127.0.0.1:${port}` },
    seeded: JSON.parse(readFileSync(path.join(dir, 'keys.json'), 'utf8')) as Seeded,
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
