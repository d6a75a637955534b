import path from 'node:path';
import { ensureDemoBuilt } from './build.mjs';
import { become } from './child.mjs';
import { root } from './install.mjs';

/** Compiles and starts a program of the demo: `npm run directory -- --port 9000`, `npm run agent -- --help`. */
ensureDemoBuilt();
const [name, ...args] = process.argv.slice(2);
become([path.join(root, 'build', 'demo', name, 'main.js'), ...args]);
