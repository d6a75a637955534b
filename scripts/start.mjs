import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensureBuilt, ensureDemoBuilt } from './build.mjs';
import { root } from './install.mjs';

ensureBuilt();
const args = process.argv.slice(2);
if (args.length === 0) args.push('demo');
if (args[0] === 'demo') ensureDemoBuilt();
const child = spawn(process.execPath, [path.join(root, 'bin', 'keyward.mjs'), ...args], {
  cwd: root,
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to both; this process waits for the guard to finish.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 0));
