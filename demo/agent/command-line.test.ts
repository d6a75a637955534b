import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../agent-protocol.js';
import { PROGRAM_NAMES } from './command-line.js';
import { runCommand } from './run.js';
import { Sandbox } from './sandbox.js';

let folder: string;
let sandbox: Sandbox;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'agent-sandbox-'));
  mkdirSync(path.join(folder, 'outside'));
  writeFileSync(path.join(folder, 'outside', 'secret'), 'secret\n');
  sandbox = await Sandbox.open(path.join(folder, 'sandbox'), false);
  writeFileSync(path.join(sandbox.folder, 'a file'), 'text\n');
  symlinkSync('../outside', path.join(sandbox.folder, 'out'));
  symlinkSync('../outside/nothing', path.join(sandbox.folder, 'dangling'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (command: string, timeoutMs = 5_000, programs: readonly string[] = PROGRAM_NAMES) =>
  runCommand(
    { id: '0'.repeat(24), action: 'command', command, timeoutMs },
    sandbox,
    new Set(programs),
    new AbortController().signal,
    async () => undefined,
  );

describe('what an agent runs', () => {
  it.each([
    ['echo one  "two  three"', 'one two  three\n'],
    ["cat 'a file'", 'text\n'],
    ['mkdir -p x/y', ''],
    ['touch x/y/z', ''],
    ['ls x/y', 'z\n'],
    ['rm -rf x', ''],
  ])('%s', async (command, output) => {
    expect(await run(command)).toEqual({ exitCode: 0, output, error: '' });
  });

  it('a program that fails says so itself', async () => {
    expect(await run('ls none')).toMatchObject({ exitCode: 2, error: expect.stringContaining('none') });
  });

  it('nothing of the environment is there, and the folder is the sandbox', async () => {
    process.env.TZ = 'XXX-13:37';
    expect((await run('date -R')).output).not.toContain('+1337');
    expect((await run('ls')).output).toContain('a file');
  });

  it('a command ends with its time, and what it started ends with it', async () => {
    const started = Date.now();
    expect(await run('sleep 30', 200)).toMatchObject({ exitCode: EXIT.timedOut });
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it('what is too much is cut', async () => {
    writeFileSync(path.join(sandbox.folder, 'big'), 'x'.repeat(1_000_000));
    const { exitCode, output } = await run('cat big');
    expect([exitCode, output.length]).toEqual([0, 64 * 1024]);
    expect(output.endsWith('[cut]\n')).toBe(true);
  });
});

describe('what an agent refuses', () => {
  it.each([
    'echo a; id',
    'echo a && id',
    'echo a | cat',
    'echo a > file',
    'echo a\nid',
    'echo a\rid',
    'echo \0',
    'echo $(id)',
    'echo `id`',
    'echo $HOME',
    'echo "$(id)"',
    'ls *',
    'echo a & id',
    'echo a # and more',
    '',
    'bash -c id',
    '/usr/bin/id',
    './id',
    'constructor',
    'date -s 2020-01-01',
    'hostname other',
    'rm --no-preserve-root x',
    'touch -r /etc/passwd x',
    `echo ${'x'.repeat(9_000)}`,
  ])('%j', async (command) => {
    const { exitCode, output, error } = await run(command);
    expect([exitCode, output]).toEqual([EXIT.refused, '']);
    expect(error).toMatch(/^refused: ./);
  });

  it.each([
    '/etc/passwd',
    '../outside/secret',
    'out/secret',
    'out',
    'dangling',
    'x/../../outside/secret',
    '""',
  ])('a path that leaves the sandbox: %s', async (file) => {
    for (const program of ['cat', 'ls', 'touch', 'mkdir -p', 'rm -rf'])
      expect(await run(`${program} ${file}`)).toMatchObject({ exitCode: EXIT.refused, output: '' });
  });

  it('a program that is not on the list of this agent', async () => {
    expect((await run('id', 5_000, ['uname'])).exitCode).toBe(EXIT.refused);
    expect((await run('uname', 5_000, ['uname'])).exitCode).toBe(0);
  });

  it('a sandbox that held something before, as an erase would empty it', async () => {
    await expect(Sandbox.open(path.join(folder, 'outside'), false)).rejects.toThrow('not empty');
  });
});
