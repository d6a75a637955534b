import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Guarded, guarded, raw } from './guarded-api.js';
import { cli, removeFolder } from './running-guard.js';

let guard: Guarded;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-effects-'));
  guard = await guarded(
    (socket, head) => {
      const status = head.slice(head.lastIndexOf('POST ')).includes('/fails/') ? '500 Failed' : '200 OK';
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`);
    },
    { catalog: 'jumpcloud' },
  );
  expect(await post('/api/runCommand')).toContain('200 OK');
  expect(await post('/api/search/systems')).toContain('200 OK');
});
afterAll(async () => {
  await guard.close();
  removeFolder(dir);
});

const post = (target: string) =>
  raw(
    guard.port,
    `POST ${target} HTTP/1.1\r\nHost: a\r\nx-api-key: ${guard.key}\r\nContent-Length: 2\r\n\r\n{}`,
  );
const check = async (lines: readonly unknown[], ...options: string[]) => {
  const file = path.join(dir, 'events.ndjson');
  writeFileSync(
    file,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  const place = options.includes('-d') ? [] : ['-d', guard.dataDir];
  return cli(['journal', 'effects', file, ...place, ...options]);
};
const soon = () => new Date(Date.now() + 1_000).toISOString();

describe('keyward journal effects', () => {
  it('finds the run at a device that no request explains', async () => {
    const tenant = guard.running.keys.show(guard.keyId).tenant;
    const first = { time: soon(), tenant, device: 'd1', run: 'r1', text: 'uname' };
    expect(await check([first])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('has its request'),
    });
    const injected = {
      ...{ event_type: 'command_result', timestamp: soon(), organization: tenant, id: 'e1' },
      ...{
        system: { id: 's9', hostname: 'laptop\u001b[31m' },
        resource: { name: 'x' },
        correlation: { id: 'w9' },
      },
    };
    const other = { event_type: 'user_create', timestamp: soon(), organization: tenant };
    const found = await check([first, injected, other], '--json');
    expect(found).toMatchObject({ code: 3, stderr: expect.stringContaining('1 run has no request') });
    expect(JSON.parse(found.stdout)).toMatchObject({ effects: 2, causes: 1, unexplained: [{ run: 'w9' }] });
    const shown = await check([first, injected]);
    expect(shown.stdout).toContain('laptop');
    expect(shown.stdout).not.toContain('\u001b[31m');
    // As the other tenant's, it is nobody's.
    expect(await check([{ ...first, tenant: 'another' }])).toMatchObject({ code: 3 });
    expect(await check([first], '--operations', 'search.*')).toMatchObject({ code: 0 });
    expect(await check([first], '--operations', 'nothing')).toMatchObject({ code: 3 });
    expect(await check([first], '--operations', 'POST /api/search/{what}')).toMatchObject({ code: 0 });
    expect(await check([first], '--operations', 'POST /api/other')).toMatchObject({ code: 3 });
  });

  it('a request that failed explains nothing', async () => {
    const tenant = guard.running.keys.show(guard.keyId).tenant;
    expect(await post('/api/commands/fails/trigger')).toContain('500');
    const run = { time: soon(), tenant, device: 'd1', run: 'r2' };
    expect(await check([run], '--operations', 'POST /api/commands/{rest+}')).toMatchObject({ code: 3 });
  });

  it('reads the journals of all gateways, and says from when on they tell everything', async () => {
    const data = mkdtempSync(path.join(dir, 'data-'));
    cpSync(path.join(guard.dataDir, 'journal'), path.join(data, 'gateways', 'b', 'journal'), {
      recursive: true,
    });
    const { tenant } = guard.running.keys.show(guard.keyId);
    const run = { time: soon(), tenant, device: 'd1', run: 'r1' };
    expect(await check([run], '-d', data)).toMatchObject({ code: 0 });
    expect(await check([run], '-d', data, '-g', 'b')).toMatchObject({ code: 0 });
    const old = { ...run, run: 'r0', time: '2020-01-01T00:00:00Z' };
    expect((await check([run, old], '-d', data)).stdout).toContain('1 effect from before the journal begins');
    expect(await check([old], '-d', data)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('after all effects: nothing was compared'),
    });
    expect(await check([run], '-d', path.join(dir, 'missing'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no journal in'),
    });
    expect(await check([], '-d', data)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds no events'),
    });
    const others = await check([{ event_type: 'user_create' }], '-d', data);
    expect(others).toMatchObject({ code: 0, stdout: expect.stringContaining('no effects to compare') });
  });

  it.each([
    [['{'], 'events.ndjson:1: is not JSON.'],
    [[{ time: 1, tenant: 'a', device: 'd' }], 'events.ndjson:1: run: '],
    [[{ event_type: 'command_result', timestamp: 'x' }], 'events.ndjson:1: timestamp: '],
    [['null'], 'events.ndjson:1: entry: '],
    [['', { time: 1e20, tenant: 'a', device: 'd', run: 'r' }], 'events.ndjson:2: time: lies outside'],
    [[{ time: 'soon', tenant: 'a', device: 'd', run: 'r' }], 'events.ndjson:1: time: must be a time like'],
  ])('%j: says what is wrong, and where', async (lines, message) => {
    const { code, stderr } = await check(lines);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});
