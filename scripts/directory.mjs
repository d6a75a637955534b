import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensureDemoBuilt } from './build.mjs';
import { root } from './install.mjs';

/** Compiles and starts the demo directory: `npm run directory -- --port 9000`. */
ensureDemoBuilt();
const main = path.join(root, 'build', 'demo', 'directory', 'main.js');
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
// The terminal sends Ctrl-C to both; this process waits for the directory to finish.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 0));
