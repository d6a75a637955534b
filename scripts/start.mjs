import path from 'node:path';
import { ensureBuilt, ensureDemoBuilt } from './build.mjs';
import { become } from './child.mjs';
import { root } from './install.mjs';

ensureBuilt();
const args = process.argv.slice(2);
if (args.length === 0) args.push('demo');
if (args[0] === 'demo') ensureDemoBuilt();
become([path.join(root, 'bin', 'keyward.mjs'), ...args], { cwd: root });
