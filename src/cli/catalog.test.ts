import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { runCli } from './program.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-cli-catalog-'));
const body = path.join(dir, 'body.json');
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function keyward(...args: string[]) {
  const lines: string[] = [];
  for (const stream of ['log', 'error'] as const)
    vi.spyOn(console, stream).mockImplementation((text) => lines.push(String(text)));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const code = await runCli(['node', 'keyward', 'catalog', ...args]);
  return { code, text: lines.join('\n') };
}
const json = async (...args: string[]) => JSON.parse((await keyward(...args, '--json')).text);

describe('keyward catalog', () => {
  it('lists what is built in', async () => {
    const { code, text } = await keyward('list');
    expect(code).toBe(0);
    expect(text).toMatch(/^jumpcloud +849 /m);
  });

  it('shows the operations of one privilege', async () => {
    const operations = await json('show', 'okta', '--privilege', '0');
    expect(operations.every(({ path: each }: { path: string }) => each.includes('.well-known'))).toBe(true);
    expect(operations.length).toBeGreaterThan(3);
  });

  it('matches a request, with and without its body', async () => {
    expect(await json('match', 'jumpcloud', 'put', '/api/systemusers/7/')).toMatchObject({
      listed: true,
      operation: 'systemusers.update',
      privilege: 4,
      objects: ['7'],
    });
    writeFileSync(body, '{"firstname":"A"}');
    expect(await json('match', 'jumpcloud', 'PUT', '/api/systemusers/7', '--body', body)).toMatchObject({
      privilege: 2,
    });
    writeFileSync(body, '{"firstname":"A","sudo":true}');
    const { text } = await keyward('match', 'jumpcloud', 'PUT', '/api/systemusers/7', '--body', body);
    expect(text).toMatch(/privilege +4[\s\S]*the body has sudo/);
    writeFileSync(body, '{"firstname":');
    const cut = await keyward('match', 'jumpcloud', 'PUT', '/api/systemusers/7', '--body', body);
    expect(cut.text).toMatch(/privilege +4[\s\S]*worst case, because the JSON ends in the middle/);
  });

  it('matches a name, and says when a privilege is only a guess', async () => {
    expect(await json('match', 'aws', 'iam.CreateAccessKey')).toMatchObject({ listed: true, privilege: 4 });
    expect(await json('match', 'aws', 'ecs.DeleteService')).toMatchObject({ listed: false, privilege: 3 });
    expect(await json('match', 'github', 'POST', '/things/42/api-keys')).toMatchObject({
      listed: false,
      operation: 'POST /things/{id}/api-keys',
      privilege: 4,
      objects: ['42'],
    });
  });

  it.each([
    [['show', 'nope'], 1, 'built in are jumpcloud'],
    [['match', 'github', 'GET', '/a/../b'], 1, 'a dot segment'],
    [['match', 'github', 'GET', '/a', '--body', '/nowhere/at/all'], 1, '/nowhere/at/all cannot be read'],
    [['show', 'github', '--privilege', '7'], 2, 'from 0 to 4'],
  ])('%j ends with %i', async (args, code, text) => {
    const result = await keyward(...args);
    expect(result.code).toBe(code);
    expect(result.text).toContain(text);
  });
});
