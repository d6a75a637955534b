import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensureDemoBuilt } from './build.mjs';
import { root } from './install.mjs';

/** Compiles and starts a program of the demo: `npm run directory -- --port 9000`, `npm run agent -- --help`. */
ensureDemoBuilt();
const [name, ...args] = process.argv.slice(2);
const main = path.join(root, 'build', 'demo', name, 'main.js');
const child = spawn(process.execPath, [main, ...args], { stdio: 'inherit' });
// The terminal sends Ctrl-C to both; this process waits for the program to finish.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 0));
