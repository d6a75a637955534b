import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { newWorld } from '../../world/world.js';
import { cli } from './running-guard.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-scan-e2e-'));
afterAll(() => rmSync(dir, { recursive: true }));
const { calls, episodes } = newWorld({ seed: 21, days: 12, keys: 40, thefts: 9, changes: 6 });
const log = path.join(dir, 'traffic.ndjson.gz');
writeFileSync(
  log,
  gzipSync(
    calls.map(({ timeMs, episode: _, ...call }) => `${JSON.stringify({ time: timeMs, ...call })}\n`).join(''),
  ),
);

/** A log of every format, whole, damaged and broken. */
function mixedLogs(folder: string): void {
  mkdirSync(folder);
  const put = (name: string, content: string | Buffer) => writeFileSync(path.join(folder, name), content);
  const some = calls.slice(0, 3_000);
  const iso = (timeMs: number) => new Date(timeMs).toISOString();
  const trail = some.map(({ timeMs, key, ip, userAgent }) => ({
    ...{ eventTime: iso(timeMs), eventSource: 'iam.amazonaws.com', eventName: 'GetUser' },
    ...{ sourceIPAddress: ip, userAgent, userIdentity: { accessKeyId: key } },
  }));
  put('1-trail.json', JSON.stringify({ Records: [...trail, 7, {}] }, null, 1));
  put('2-trail.json.gz', gzipSync(JSON.stringify({ Records: trail })));
  put('3-okta.ndjson', some.map(oktaLine).join('\n'));
  const insights = some.map(({ timeMs, key, ip }) => ({
    ...{ timestamp: iso(timeMs), event_type: 'user_login', initiated_by: { id: key }, client_ip: ip },
  }));
  put('4-insights.json', JSON.stringify(insights));
  const paths = some.map(({ path: text = '/' }, n) => (n % 50 === 0 ? '/a/../b' : text));
  const at = (ms: number) => `24/Nov/2026:0${Math.floor(ms / 6e6) % 10}:00:${10 + (ms % 49)} +0000`;
  const combined = some.map(
    ({ timeMs, ip, userAgent }, n) =>
      `${ip} - u${n % 7} [${at(timeMs)}] "GET ${paths[n]} HTTP/1.1" 200 ${n} "-" "${userAgent}"`,
  );
  put('5-combined.log.gz', gzipSync([...combined, 'broken'].join('\r\n')));
  const access = some.map(({ timeMs, ip }, n) =>
    JSON.stringify({ ts: timeMs, ip, uri: paths[n], status: 404 }),
  );
  put('6-access.log', `\ufeff${[...access.slice(0, 50), '{broken', '', ...access].join('\n')}\n`);
  const zipped = readFileSync(log);
  put('7-cut.gz', zipped.subarray(0, zipped.length >> 1));
  put('8-notes.txt', 'nothing to see');
  put('9-empty.json', '');
}

function oktaLine({ timeMs, key, ip }: (typeof calls)[number]): string {
  const published = new Date(timeMs).toISOString();
  return JSON.stringify({
    published,
    eventType: 'user.session.start',
    actor: { id: key },
    client: { ipAddress: ip },
  });
}

describe('keyward scan, as its user runs it', () => {
  it('finds thieves, and writes a report and findings', async () => {
    const html = path.join(dir, 'report.html');
    const ocsf = path.join(dir, 'findings.ndjson');
    const page = () => readFileSync(html, 'utf8');
    const { code, stdout } = await cli([
      'scan',
      log,
      '--catalog',
      'jumpcloud',
      '--html',
      html,
      '--ocsf',
      ocsf,
      '--inject',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/observations of \d+ keys in 1 file \(generic\)/);
    expect(stdout).toContain('100 % of the observations are named by the catalog');
    expect(page()).toContain('Thefts that were played on this log');
    expect(stdout).toMatch(/injected thefts, elsewhere +[\d,]+ of [\d,]+ found/);
    expect(stdout).toMatch(/never used by this key/);
    expect(page()).not.toMatch(/<script|https?:\/\//);
    expect(page()).toContain('<svg');
    expect(readFileSync(ocsf, 'utf8').split('\n').length).toBeGreaterThan(2);
  });

  it('writes one score for each line, and more evidence for the stolen ones', async () => {
    const { code, stdout, stderr } = await cli(['scan', log, '--catalog', 'jumpcloud', '--scores']);
    expect(code).toBe(0);
    expect(stderr).toContain('observations');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ line }) => line)).toEqual(calls.map((_, n) => n + 1));
    const thefts = new Set(episodes.filter(({ kind }) => kind === 'theft').map(({ id }) => id));
    const peaks = new Map<string, number>();
    calls.forEach(({ episode }, n) => {
      if (episode !== undefined && thefts.has(episode))
        peaks.set(episode, Math.max(peaks.get(episode) ?? 0, lines[n].evidence));
    });
    const usual = lines.filter((_, n) => calls[n]?.episode === undefined).map(({ evidence }) => evidence);
    const high = usual.sort((a, b) => a - b)[Math.floor(usual.length * 0.999)];
    expect([...peaks.values()].filter((peak) => peak > high).length).toBeGreaterThan(thefts.size / 2);
  });

  it('refuses what it cannot read, and writes nothing half', async () => {
    const status = path.join(dir, 'status.log');
    writeFileSync(status, '{"version":6,"nginx_version":"1.9.4"}\n'.repeat(50));
    expect(await cli(['scan', status])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no log of a known format'),
    });
    expect(await cli(['scan', path.join(dir, 'absent')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    });
    expect(await cli(['scan', log, '--alarms', 'many'])).toMatchObject({ code: 2 });
    expect(await cli(['scan', log, '--html', path.join(dir, 'no', 'r.html')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written'),
    });
    // Said before anything is read, be it what it may.
    expect(await cli(['scan', status, '--ocsf', path.join(dir, 'no', 'o.ndjson')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written'),
    });
  });

  it('says that nothing was judged where nothing was read', async () => {
    const put = (name: string, content: string) => {
      writeFileSync(path.join(dir, name), content);
      return path.join(dir, name);
    };
    const refused = path.join(dir, 'refused');
    mkdirSync(path.join(refused, 'sub'), { recursive: true });
    put('refused/notes.txt', 'nothing to see');
    const line = '{"time":1,"key":"k","operation":"o"}\n';
    for (const logs of [
      [put('empty.log', '')],
      [path.join(refused, 'sub')],
      [put('none.json', '{"Records":[]}')],
      [put('other.ndjson', line), '--format', 'okta'],
      [refused],
    ]) {
      const html = path.join(dir, 'nothing.html');
      const { code, stdout, stderr } = await cli(['scan', ...logs, '--html', html]);
      expect(code).toBe(1);
      expect(stdout).toContain('nothing was judged');
      expect(stdout).not.toContain('No key did anything');
      expect(stderr).toContain('nothing was judged');
      expect(existsSync(html)).toBe(false);
    }
  });

  it('reads on where one of several logs is of no use, and fails at the end', async () => {
    const status = path.join(dir, 'useless.log');
    writeFileSync(status, 'nothing known\n'.repeat(50));
    for (const threads of ['1', '2']) {
      const { code, stdout, stderr } = await cli(['scan', status, log, '--threads', threads]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/observations of \d+ keys in 1 file/);
      expect(stderr).toContain('1 log that was named could not be used');
    }
  });

  it('says the same whether one thread reads and judges or two', async () => {
    const folder = path.join(dir, 'mixed');
    mixedLogs(folder);
    for (const more of [['--scores'], ['--json', '--inject']]) {
      const [one, two] = await Promise.all(
        ['1', '2'].map((threads) => cli(['scan', folder, log, '--threads', threads, ...more])),
      );
      expect(one?.code).toBe(0);
      expect(one?.stdout.length).toBeGreaterThan(1_000);
      expect(two).toEqual(one);
    }
  });

  it('says what is wrong in whatever thread it is found', async () => {
    const status = path.join(dir, 'unknown.log');
    writeFileSync(status, 'nothing known\n'.repeat(50));
    const absent = path.join(dir, 'absent.json');
    for (const logs of [[status], [log, '--catalog', absent]]) {
      const [one, two] = await Promise.all(
        ['1', '2'].map((threads) => cli(['scan', ...logs, '--threads', threads])),
      );
      expect(one).toMatchObject({ code: 1, stdout: '' });
      expect(two).toEqual(one);
    }
  });

  it('says that its output has no place, and what order it judged in', () => {
    const bin = path.resolve(import.meta.dirname, '../../bin/keyward.mjs');
    const full = spawnSync('sh', [
      '-c',
      `exec "${process.execPath}" "${bin}" scan "${log}" --scores > /dev/full`,
    ]);
    expect(full.status).toBe(1);
    expect(String(full.stderr)).toContain('output cannot be written (ENOSPC)');
    const lines = [9e12, ...calls.slice(0, 100).map(({ timeMs }) => timeMs)];
    const input = lines.map((time) => JSON.stringify({ time, key: 'k', operation: 'o' })).join('\n');
    const { stderr } = spawnSync(process.execPath, [bin, 'scan', '-', '--scores'], { input });
    expect(String(stderr)).toMatch(
      /1 line is out of time order, the first at -:2; --scores judges lines in the order they come/,
    );
  });

  it('reads standard input', () => {
    const bin = path.resolve(import.meta.dirname, '../../bin/keyward.mjs');
    const input = '{"time":1,"key":"\\u001b[31mk","operation":"<b>"}\n';
    const out = execFileSync(process.execPath, [bin, 'scan', '-', '--scores'], {
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    expect(JSON.parse(String(out))).toMatchObject({
      line: 1,
      file: '-',
      key: '\u001b[31mk',
      decision: 'allow',
    });
  });
});
