import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { copyCatalogs, ensureBuilt } from './build.mjs';
import { bin, ensureInstalled, must, root } from './install.mjs';

/** Compiles the sources with world and evaluation, and runs one of their programs: `node scripts/eval.mjs world/run.js …`. */
ensureInstalled();
ensureBuilt();
must(bin('tsc'), ['-p', 'tsconfig.eval.json']);
copyCatalogs();
const [program = '', ...args] = process.argv.slice(2);
const usage = new URL('./plain-usage.mjs', import.meta.url).href;
const { status } = spawnSync(
  process.execPath,
  ['--import', usage, path.join(root, 'build', program), ...args],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
