import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { root } from './install.mjs';

ensureBuilt();
const args = process.argv.slice(2);
const child = spawn(
  process.execPath,
  [path.join(root, 'bin', 'keyward.mjs'), ...(args.length > 0 ? args : ['quickstart'])],
  { cwd: root, stdio: 'inherit' },
);
// The terminal sends Ctrl-C to both; this process waits for the guard to finish.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 0));
