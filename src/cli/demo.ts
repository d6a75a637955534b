import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../build/demo/replay/main.js', import.meta.url));

/** Runs the replay, a program of its own beside the guard: it is in the repository, and not in the package. */
export async function demo(options: readonly string[]): Promise<void> {
  if (!existsSync(main)) throw new Error('The demo is not built here: run npm start in the repository.');
  const child = spawn(process.execPath, [main, ...options], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; this process waits for the replay to tidy up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code, signal] = (await once(child, 'exit')) as [number, null] | [null, NodeJS.Signals];
  process.exit(code ?? 128 + os.constants.signals[signal as NodeJS.Signals]);
}
