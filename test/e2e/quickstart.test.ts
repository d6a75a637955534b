import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { removeFolder, until } from './running-guard.js';

const root = path.resolve(import.meta.dirname, '../..');
/** The promise is 2 s; a machine under load gets some more here. */
const START_MS_MAX = 4_000;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('npm start shows two lines to paste: the first is allowed, the second refused with the reason; Ctrl-C stops it', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-quickstart-'));
  const [port, adminPort] = [await freePort(), await freePort()];
  const options = ['--data', path.join(dir, 'data'), '--port', `${port}`, '--admin-port', `${adminPort}`];
  for (const round of ['first', 'second']) {
    const startedMs = Date.now();
    const child = spawn(process.execPath, [path.join(root, 'scripts/start.mjs'), 'quickstart', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    child.stdout.on('data', (bytes) => {
      stdout += String(bytes);
    });
    await until(() => (stdout.match(/^curl .*$/gm)?.length ?? 0) === 2 && stdout.includes('Ctrl-C'));
    const [allowed, refused] = (stdout.match(/^curl .*$/gm) ?? []).map((line) =>
      execFileSync('sh', ['-c', line], { encoding: 'utf8' }),
    );
    expect(Date.now() - startedMs, 'start to first decision').toBeLessThan(START_MS_MAX);
    expect(allowed).toMatch(/^HTTP\/1\.1 200 /);
    expect(refused).toMatch(/^HTTP\/1\.1 403 /);
    expect(refused).toContain('"reason":"location_denied"');
    expect(/First run/.test(stdout), `${round} run`).toBe(round === 'first');
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect((await exited)[0]).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  }
  removeFolder(dir);
}, 30_000);
