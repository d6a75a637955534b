#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/main.js', import.meta.url);
if (!existsSync(entry)) {
  console.error('keyward: not built yet; run `npm run build` first.');
  process.exit(2);
}
await import(entry.href);
