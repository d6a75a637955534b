import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CliResult,
  cli,
  type GuardProcess,
  guardFolder,
  removeFolder,
  startGuard,
  until,
  writeConfig,
} from './running-guard.js';

const SECRET = 'the-real-key-of-the-upstream-4711';
let upstream: http.Server;
let upstreamPort: number;
let seen: http.IncomingHttpHeaders[] = [];
/** Responses that are held open until the test ends them. */
const held: http.ServerResponse[] = [];
let dir: string;
let guard: GuardProcess;
let token: string;

beforeAll(async () => {
  upstream = http.createServer((request, response) => {
    seen.push(request.headers);
    if (request.url === '/slow') {
      response.write('begun ');
      held.push(response);
    } else response.end('ok');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  upstreamPort = (upstream.address() as AddressInfo).port;
  dir = guardFolder(config());
  guard = await startGuard(dir);
  token = guard.token as string;
});
afterAll(async () => {
  await guard.stop();
  upstream.closeAllConnections();
  upstream.close();
  removeFolder(dir);
});

function config(more: Record<string, unknown> = {}, api: Record<string, unknown> = {}) {
  return { upstreams: [{ name: 'api', url: `http://127.0.0.1:${upstreamPort}`, ...api }], ...more };
}

function keyward(args: readonly string[], input = ''): Promise<CliResult> {
  return cli(args, { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token }, input);
}

function ask(key: string, pathname = '/'): Promise<Response> {
  return fetch(`http://127.0.0.1:${guard.port}${pathname}`, { headers: { 'x-api-key': key } });
}

async function issue(...more: string[]): Promise<{ id: string; credential: string }> {
  const { stdout } = await keyward(['keys', 'issue', '--name', 'test', '--json', ...more]);
  const issued = JSON.parse(stdout) as { key: { id: string }; credential: string };
  return { id: issued.key.id, credential: issued.credential };
}

describe('keyward keys', () => {
  it('issues, lists, limits, rotates and revokes; output for people has no colour in a pipe', async () => {
    const issued = await keyward(['keys', 'issue', '--name', 'nightly job', '--tenant', 'acme']);
    expect(issued.code).toBe(0);
    expect(issued.stdout).toMatch(/^kw_live_\w+\n$/);
    expect(issued.stderr).toContain('shown this once');
    const key = issued.stdout.trim();
    const id = key.split('_')[2] as string;
    expect((await ask(key)).status).toBe(200);
    const listed = await keyward(['keys', 'list', '--tenant', 'acme']);
    expect(listed.stdout).toMatch(
      new RegExp(`${id} +nightly job +acme +unknown +active +just now +127.0.0.1`),
    );
    expect(listed.stdout).not.toContain('\u001b');
    expect((await keyward(['keys', 'show', id])).stdout).toMatch(/accepted +1/);
    await keyward(['keys', 'change', id, '--privilege-max', '0']);
    expect((await ask(key)).status).toBe(403);
    await keyward(['keys', 'change', id, '--no-limits']);
    expect((await ask(key)).status).toBe(200);
    const next = (await keyward(['keys', 'rotate', id, '--overlap', '1h'])).stdout.trim();
    expect([(await ask(key)).status, (await ask(next)).status]).toEqual([200, 200]);
    expect((await keyward(['keys', 'show', id])).stdout).toMatch(/used 1 time since/);
    expect((await keyward(['keys', 'revoke', id, '--why', 'moved'])).stdout).toContain('is revoked');
    expect((await ask(key)).status).toBe(401);
  });

  it('refuses rules that can match nothing, and warns of one that no catalog knows', async () => {
    const refused = await keyward(['keys', 'issue', '--name', 'x', '--operations', 'DELETE /users/*']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('"DELETE /users/*": write {id} for one segment of any text');
    const { stdout, stderr } = await keyward(['keys', 'issue', '--name', 'x', '--operations', 'users.delte']);
    expect(stdout).toMatch(/^kw_live_/);
    expect(stderr).toContain('no catalog has an operation that users.delte names');
    const known = await keyward(['keys', 'issue', '--name', 'x', '--operations', 'GET /users/{id}']);
    expect(known.stderr).not.toContain('Warning');
  });

  it('takes over a key of another system by its hash, and one of the upstream by standard input', async () => {
    const old = 'legacy-key-0001';
    const hash = '0'.repeat(64);
    expect(
      (await keyward(['keys', 'import', '--name', 'x', '--algorithm', 'sha512', '--hash', hash])).stderr,
    ).toContain('a sha512 digest has 128 hex digits, this has 64');
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(old).digest('hex');
    await keyward(['keys', 'import', '--name', 'legacy', '--algorithm', 'sha256', '--hash', digest]);
    expect((await ask(old)).status).toBe(200);
    const registered = await keyward(
      ['keys', 'register', '--name', 'theirs', '--upstream', 'api'],
      'their-own-key-0002\n',
    );
    expect(registered.code).toBe(0);
    expect(registered.stdout).not.toContain('their-own-key-0002');
  });

  it('tries limits on the past before they are set', async () => {
    const { id, credential } = await issue();
    await ask(credential);
    let tried = { stdout: '' };
    await until(async () => {
      tried = await keyward(['dry-run', '--key', id, '--from', 'DE', '--since', 'monday']);
      return tried.stdout.includes('of 1 request ');
    });
    expect(tried.stdout).toMatch(/would have refused 1 of 1 request of key \w+ since \d{4}-/);
    expect(tried.stdout).toContain("is not in this key's allowed places");
  });
});

describe('exit codes', () => {
  it.each([
    [0, ['status']],
    [0, ['--help']],
    [1, ['keys', 'show', 'nope']],
    [2, ['keys', 'issue']],
    [2, ['nonsense']],
    [2, ['keys', 'issue', '--name', 'x', '--from', '???']],
    [2, ['keys', 'list', '--limit', 'many']],
  ])('%i for %s', async (code, args) => {
    const result = await keyward(args);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it('1 without a token, with a wrong one, and where no guard answers: each says what to do', async () => {
    expect(await cli(['status'], { KEYWARD_URL: guard.adminUrl })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('keyward login'),
    });
    expect(await cli(['status'], { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: 'x' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not valid'),
    });
    expect(await cli(['status'], { KEYWARD_URL: 'http://127.0.0.1:1', KEYWARD_TOKEN: 'x' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No guard answers at http://127.0.0.1:1'),
    });
  });
});

describe('keyward login', () => {
  it('keeps the token for later commands, readable by its owner alone', async () => {
    const home = path.join(dir, 'home');
    mkdirSync(home);
    const env = { XDG_CONFIG_HOME: home };
    expect((await cli(['login', '--url', guard.adminUrl], env, 'wrong\n')).code).toBe(1);
    const result = await cli(['login', '--url', guard.adminUrl], env, `${token}\n`);
    expect(result.stdout).toContain('as bootstrap (admin)');
    expect((await cli(['status'], env)).stdout).toMatch(/ready +yes/);
  });
});

describe('a sealed credential', () => {
  it('goes to the upstream in place of the key, and nowhere else', async () => {
    const set = await keyward(
      [
        'sealed',
        'set',
        'real',
        '--upstream',
        'api',
        '--header',
        'Authorization',
        '--template',
        'Bearer {secret}',
      ],
      SECRET,
    );
    expect(set).toMatchObject({ code: 0, stdout: 'real is sealed.\n' });
    expect((await keyward(['keys', 'issue', '--name', 'x', '--sealed', 'real'])).stderr).toContain(
      'set upstreams to api alone',
    );
    const { credential, id } = await issue('--sealed', 'real', '--upstream', 'api');
    seen = [];
    expect((await ask(credential)).status).toBe(200);
    expect(seen[0]).toMatchObject({ authorization: `Bearer ${SECRET}` });
    expect(seen[0]).not.toHaveProperty('x-api-key');
    expect((await keyward(['sealed', 'remove', 'real'])).stderr).toContain('revoke it first');
    expect((await keyward(['sealed', 'list'])).stdout).toMatch(/real +api +Authorization +Bearer •••/);
    await keyward(['keys', 'revoke', id, '--why', 'done']);
  });

  it('is wrapped under a new master key without being shown', async () => {
    const { credential } = await issue('--sealed', 'real', '--upstream', 'api');
    await guard.stop();
    const secrets = path.join(dir, 'data', 'secrets');
    writeFileSync(path.join(secrets, 'master-2'), Buffer.alloc(32, 7).toString('base64'), { mode: 0o600 });
    const next = { masterKey: { file: './data/secrets/master-2' } };
    writeConfig(dir, config({ secrets: next }));
    guard = await startGuard(dir);
    expect((await ask(credential)).status).toBe(503);
    expect((await keyward(['sealed', 'rewrap'])).stderr).toContain('secrets.previousMasterKey');
    await guard.stop();
    const previousMasterKey = { file: './data/secrets/master-key' };
    writeConfig(dir, config({ secrets: { ...next, previousMasterKey } }));
    guard = await startGuard(dir);
    expect((await ask(credential)).status).toBe(200);
    expect((await keyward(['sealed', 'rewrap'])).stdout).toContain('1 wrapped');
    await guard.stop();
    writeConfig(
      dir,
      config({ secrets: { masterKey: { command: ['cat', path.join(secrets, 'master-2')] } } }),
    );
    guard = await startGuard(dir);
    seen = [];
    expect((await ask(credential)).status).toBe(200);
    expect(seen[0]).toMatchObject({ authorization: `Bearer ${SECRET}` });
  });
});

describe('reload', () => {
  it('puts a changed file in force without cutting what is in progress', async () => {
    const { credential } = await issue();
    const slow = await ask(credential, '/slow');
    writeConfig(
      dir,
      config(
        { secrets: { masterKey: { command: ['cat', path.join(dir, 'data', 'secrets', 'master-2')] } } },
        { locations: { deny: [{ kind: 'private' }] } },
      ),
    );
    const reloaded = await keyward(['config', 'reload']);
    expect(reloaded.stdout).toBe('Changed: upstreams.\n');
    expect((await ask(credential)).status).toBe(403);
    held.pop()?.end('and ended');
    expect(await slow.text()).toBe('begun and ended');
  });

  it('by SIGHUP too; what is wrong is told with its line, and nothing changes', async () => {
    const { credential } = await issue();
    const secrets = { masterKey: { command: ['cat', path.join(dir, 'data', 'secrets', 'master-2')] } };
    writeConfig(dir, config({ secrets }));
    guard.child.kill('SIGHUP');
    await until(async () => (await ask(credential)).status === 200);
    writeConfig(dir, config({ secrets, trustedProxies: ['10.0.0.0/99'] }, { openapi: 'missing.yaml' }));
    const refused = await keyward(['config', 'reload']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/keyward\.yaml:\d+ trustedProxies\[0\]: .*99/);
    writeConfig(dir, config({ secrets }, { openapi: 'missing.yaml' }));
    expect((await keyward(['config', 'reload'])).stderr).toContain('missing.yaml');
    writeConfig(dir, config({ secrets, dataDir: './elsewhere' }));
    expect((await keyward(['config', 'reload'])).stderr).toContain(
      'dataDir: cannot change while the guard runs',
    );
    guard.child.kill('SIGHUP');
    await until(() => guard.stderr().includes('the configuration was not reloaded'));
    expect((await ask(credential)).status).toBe(200);
    writeConfig(dir, config({ secrets }));
  });
});

describe('the journal', () => {
  it('verifies after all of this, from the files alone', async () => {
    await guard.stop();
    const result = await cli(['journal', 'verify', '--data', path.join(dir, 'data')]);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^good: /) });
    guard = await startGuard(dir);
  });
});

describe('an operator who lost every token', () => {
  it('adds another on the machine, with the guard stopped', async () => {
    const recover = ['operators', 'recover', 'rescue', '--config', guard.configFile];
    expect((await cli(recover)).code).toBe(1);
    await guard.stop();
    const { stdout, code } = await cli(recover);
    expect(code).toBe(0);
    guard = await startGuard(dir);
    expect((await cli(['status'], { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: stdout.trim() })).code).toBe(
      0,
    );
  });
});

describe('secrets', () => {
  it('are in no file, log or output but where they were shown once', async () => {
    const { credential } = await issue();
    await ask(credential);
    await ask(`${credential}x`);
    await guard.stop();
    const files = readdirSync(path.join(dir, 'data'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) {
      const bytes = readFileSync(file);
      for (const secret of [credential, token, SECRET, 'their-own-key-0002', 'legacy-key-0001'])
        expect(bytes.includes(secret), `${file} holds a secret`).toBe(false);
    }
    for (const secret of [credential, SECRET, token]) expect(guard.stderr()).not.toContain(secret);
  });
});
