import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { root } from './install.mjs';

// Writes the pages that are generated from the code; a test holds them to it.
ensureBuilt();
const { generatedPages } = await import(path.join(root, 'dist', 'config', 'reference.js'));
for (const [file, text] of Object.entries(generatedPages())) writeFileSync(path.join(root, file), text);
