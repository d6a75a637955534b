import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { bin, ensureInstalled, must, root } from './install.mjs';

const dist = path.join(root, 'dist');
const stamp = path.join(dist, 'main.js');
const asn = path.join(dist, 'asn.bin');

/** Tests are not compiled. */
function newestUnder(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (/\.(?:test|fuzz)\.ts$/.test(entry.name)) continue;
    if (entry.isFile()) newest = Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

/** Compiles src to dist, and the ASN table beside it, where they are missing or older than the sources. */
export function ensureBuilt({ force = false } = {}) {
  ensureInstalled();
  const fresh = existsSync(stamp) && statSync(stamp).mtimeMs >= newestUnder(path.join(root, 'src'));
  if (force || !fresh) {
    // The ASN table takes seconds and depends on its package alone: it is kept.
    for (const name of existsSync(dist) ? readdirSync(dist) : []) {
      if (name !== 'asn.bin') rmSync(path.join(dist, name), { recursive: true });
    }
    must(bin('tsc'), ['-p', 'tsconfig.build.json']);
  }
  const compiler = path.join(dist, 'locations', 'compile-asn.js');
  if (!existsSync(asn) && existsSync(compiler)) must(process.execPath, [compiler, asn]);
}

const demoStamp = path.join(root, 'build', 'demo', 'directory', 'main.js');

/** Whether the compiled demo is as new as its sources. */
export function isDemoBuilt() {
  const sources = Math.max(...['demo', 'world', 'src'].map((name) => newestUnder(path.join(root, name))));
  return existsSync(demoStamp) && statSync(demoStamp).mtimeMs >= sources;
}

/** Compiles the demo to build/demo, where it is missing or older than its sources. */
export function ensureDemoBuilt() {
  ensureInstalled();
  if (isDemoBuilt()) return;
  // The compiler leaves unchanged files alone; the stamp has to be new all the same.
  rmSync(demoStamp, { force: true });
  must(bin('tsc'), ['-p', 'tsconfig.demo.json']);
  const assets = path.join('demo', 'directory', 'pages', 'assets');
  cpSync(path.join(root, assets), path.join(root, 'build', assets), { recursive: true });
  copyCatalogs();
}

/** The compiled sources look for their data where the sources have it. */
export function copyCatalogs() {
  cpSync(path.join(root, 'catalogs'), path.join(root, 'build', 'catalogs'), { recursive: true });
}

if (process.argv[1] && path.resolve(process.argv[1]) === path.join(root, 'scripts', 'build.mjs')) {
  ensureBuilt({ force: true });
}
