import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEntries } from './read.js';
import { verifyJournal } from './verify.js';

const KILLS = 6;
const dir = mkdtempSync(join(tmpdir(), 'journal-kill-'));
const keyFile = join(dir, 'key.pem');
const journalDir = join(dir, 'journal');
const dist = join(process.cwd(), 'dist/journal');

/** The worker is a thread of compiled JavaScript: Node 20 runs no TypeScript. */
beforeAll(() => {
  const stale = readdirSync('src/journal')
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'entry.ts')
    .some((name) => {
      const built = statSync(join(dist, name.replace(/ts$/, 'js')), { throwIfNoEntry: false });
      return built === undefined || built.mtimeMs < statSync(join('src/journal', name)).mtimeMs;
    });
  if (stale) spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }));
}, 60_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const script = (body: string) => `
  import { createPrivateKey } from 'node:crypto';
  import { readFileSync } from 'node:fs';
  import { openJournal } from ${JSON.stringify(pathToFileURL(join(dist, 'writer.js')).href)};
  const privateKey = createPrivateKey(readFileSync(${JSON.stringify(keyFile)}));
  const journal = await openJournal({ dir: process.argv[1], privateKey, segmentBytesMax: 200_000 });
  const entry = (target) => ({ kind: 'act', time: Date.now(), actor: 'test', action: 'append', target });
  ${body}`;

function run(
  body: string,
  target: string,
  killAfterMs?: number,
): Promise<{ out: string; code: number | null }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script(body), target]);
    let out = '';
    child.stderr.on('data', (chunk) => process.stderr.write(chunk));
    child.stdout.on('data', (chunk) => {
      // Counted from the first acknowledged entry, so that each round writes some.
      if (killAfterMs !== undefined && out === '') setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      out += chunk;
    });
    child.on('close', (code) => resolve({ out, code }));
  });
}

test('kill -9 at any moment: nothing acknowledged is missing', async () => {
  const acked: string[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const body = `
      const lane = async (id) => {
        for (let n = 0; ; n += 1) {
          const target = '${round}-' + id + '-' + n;
          journal.append(entry('noise'));
          await journal.append(entry(target)).durable();
          process.stdout.write(target + '\\n');
        }
      };
      for (let id = 0; id < 20; id += 1) void lane(id);`;
    const { out } = await run(body, journalDir, 20 + Math.random() * 250);
    acked.push(...out.split('\n').slice(0, -1));
  }
  const { code } = await run('await journal.close();', journalDir);
  expect(code).toBe(0);
  const found = new Set<string>();
  for await (const entry of readEntries(journalDir)) if (entry.kind === 'act') found.add(entry.target);
  expect(acked.length).toBeGreaterThan(KILLS * 20);
  expect(acked.filter((target) => !found.has(target))).toEqual([]);
  expect(await verifyJournal(journalDir)).toMatchObject({ ok: true });
}, 30_000);

test('a run of the worker: many entries, one closing, cheap on the main thread', async () => {
  const body = `
    const count = 60_000;
    let spent = 0n;
    for (let n = 0; n < count; n += 200) {
      const start = process.hrtime.bigint();
      for (let each = 0; each < 200; each += 1) journal.append(entry('t' + (n + each)));
      spent += process.hrtime.bigint() - start;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await journal.close();
    console.log(JSON.stringify({ ...journal.health(), appendNs: Number(spent) / count }));`;
  const { out, code } = await run(body, join(dir, 'many'));
  expect(code).toBe(0);
  const report = JSON.parse(out) as { entries: number; lost: number; appendNs: number };
  console.log(`append: ${report.appendNs.toFixed(0)} ns an entry`);
  expect(report).toMatchObject({ entries: 60_000, lost: 0 });
  expect(await verifyJournal(join(dir, 'many'))).toMatchObject({ ok: true, entries: 60_000 });
}, 30_000);

test('a second process is refused while the first lives', async () => {
  const body = `
    const { spawnSync } = await import('node:child_process');
    const code = "import('${pathToFileURL(join(dist, 'writer.js')).href}').then((m) => m.openJournal({ dir: process.argv[1], privateKey: 0 })).catch((e) => console.log(e.code))";
    console.log(spawnSync(process.execPath, ['-e', code, process.argv[1]], { encoding: 'utf8' }).stdout.trim());
    await journal.close();`;
  const { out, code } = await run(body, join(dir, 'two'));
  expect({ out, code }).toEqual({ out: 'journal_locked\n', code: 0 });
});
