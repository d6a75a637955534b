import { spawn } from 'node:child_process';
import os from 'node:os';

/**
 * Runs a program of ours in place of this one: it gets the signals that this process gets, and this process ends as it does.
 * The terminal sends Ctrl-C to both; a closed terminal stops the program, whatever SIGHUP means to it otherwise.
 */
export function become(args, options = {}) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', ...options });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  process.on('SIGHUP', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
}
