import { readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureBuilt, ensureDemoBuilt } from './build.mjs';
import { ensureChromium } from './chromium.mjs';
import { bin, run } from './install.mjs';

// Everything that must hold, in one command: format and lint, types, tests. The last line counts them.
ensureBuilt();
ensureDemoBuilt();
ensureChromium();
let passed = 0;
let failed = 0;
for (const [command, args] of [
  [bin('biome'), ['ci', '--error-on-warnings', '.']],
  [bin('tsc'), ['-p', '.']],
]) {
  if (run(command, args) === 0) passed += 1;
  else failed += 1;
}

const report = path.join(os.tmpdir(), `keyward-tests-${process.pid}.json`);
run(bin('vitest'), [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
let skipped = 0;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed += result.numPassedTests;
  failed +=
    result.numFailedTests +
    result.testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0)
      .length;
  skipped = result.numPendingTests;
  if (!result.success && failed === 0) failed = 1;
  rmSync(report);
} catch {
  failed += 1;
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
