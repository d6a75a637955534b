import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { bin, ensureInstalled, must, root } from './install.mjs';

/** Compiles the sources with world and evaluation, and runs one of their programs: `node scripts/eval.mjs world/run.js …`. */
ensureInstalled();
ensureBuilt();
must(bin('tsc'), ['-p', 'tsconfig.eval.json']);
// The compiled sources look for their data where the sources have it.
cpSync(path.join(root, 'catalogs'), path.join(root, 'build', 'catalogs'), { recursive: true });
const [program = '', ...args] = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [path.join(root, 'build', program), ...args], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
