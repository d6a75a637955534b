import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { localFeed } from './feed/feed.js';
import { LogObserver } from './observe.js';
import { LINE_BYTES_MAX, LineSplitter } from './read/lines.js';
import { SourceFault, sourcesOf } from './read/sources.js';
import { scan } from './scan.js';
import { scoreLine } from './score-line.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-scan-'));
afterAll(() => rmSync(dir, { recursive: true }));
const T0 = Date.UTC(2026, 5, 1);
const line = (n: number, more: object = {}) =>
  JSON.stringify({
    time: T0 + n * 60_000,
    key: 'k',
    ip: '192.0.2.1',
    userAgent: 'cron/1',
    operation: 'a.get',
    ...more,
  });

function file(name: string, content: string | Buffer): string {
  const full = path.join(dir, name);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

const feedOf = (...names: string[]) => {
  const observer = new LogObserver(undefined, undefined);
  return localFeed(sourcesOf(names), async () => observer, {});
};

async function run(...names: string[]) {
  const lines: string[] = [];
  const result = await scan(feedOf(...names), {}, (judged) => {
    lines.push(scoreLine(judged));
  });
  return { ...result, lines };
}

describe('keyward scan', () => {
  it('writes one causal line for each observation, in input order', async () => {
    const all = Array.from({ length: 80 }, (_, n) => line(n, n % 2 === 0 ? {} : { operation: 'a.list' }));
    const { lines } = await run(file('a.ndjson', `${all.join('\n')}\n`));
    expect(lines).toHaveLength(80);
    const parsed = lines.map((text) => JSON.parse(text));
    expect(parsed.map((each) => each.line)).toEqual(all.map((_, n) => n + 1));
    expect(Object.keys(parsed[40])).toEqual([
      ...['line', 'file', 'time', 'key', 'operation', 'score', 'evidence', 'decision', 'reasons'],
    ]);
    expect(parsed[0].reasons[0]).toMatchObject({ term: 'warm-up' });
    const cut = await run(file('b.ndjson', all.slice(0, 50).join('\n')));
    const rest = cut.lines.map((text) => text.replace('b.ndjson', 'a.ndjson'));
    expect(rest).toEqual(lines.slice(0, 50));
  });

  it('says why wherever evidence has gathered, though no call alone is odd and none is an alarm', async () => {
    const usual = Array.from({ length: 600 }, (_, n) =>
      line(n * 20, {
        ...{ key: `k${n % 6}`, ip: `192.0.${n % 6}.1`, userAgent: `cron/${n % 6}` },
        operation: ['a.get', 'a.list', 'b.get'][n % 3],
      }),
    );
    const odd = Array.from({ length: 40 }, (_, n) =>
      line(12_000 + n * 2, {
        key: 'k1',
        ip: '192.0.1.1',
        userAgent: 'cron/1',
        operation: n % 3 === 0 ? `a.put${n}` : 'a.get',
      }),
    );
    const { lines } = await run(file('gathered.ndjson', [...usual, ...odd].join('\n')));
    const gathered = lines.map((text) => JSON.parse(text)).filter(({ evidence }) => evidence >= 4);
    expect(gathered.some(({ score, decision }) => score < 1 && decision === 'allow')).toBe(true);
    for (const { reasons } of gathered) expect(reasons.length).toBeGreaterThan(0);
  });

  it('reads gzip, CRLF, a byte order mark and folders; reports what it cannot use', async () => {
    file('folder/1.log', `\ufeff${[line(0), 'broken {', line(1)].join('\r\n')}`);
    file('folder/2.json.gz', gzipSync(`${line(2)}\n\n${line(3)}`));
    file('folder/notes.txt', 'nothing to see');
    file('folder/AWSLogs/CloudTrail-Digest/d.json', '{"digestStartTime":"x"}');
    const { report } = await run(path.join(dir, 'folder'));
    expect(report.records).toBe(4);
    expect(report.badLines).toEqual([
      { file: path.join(dir, 'folder/1.log'), line: 2, reason: 'not valid JSON' },
      { file: path.join(dir, 'folder/notes.txt'), line: 0, reason: 'not a log of a known format' },
    ]);
  });

  it('uses what a truncated gzip file still gives', async () => {
    const zipped = gzipSync(
      Array.from({ length: 5000 }, (_, n) => line(n, { objects: [`${(n * 7919) % 5000}`] })).join('\n'),
    );
    const { report } = await run(file('cut.gz', zipped.subarray(0, zipped.length / 2)));
    expect(report.records).toBeGreaterThan(500);
    expect(report.badLines.at(-1)?.reason).toContain('ends too early');
  });

  it('reads documents with records, pretty-printed or not', async () => {
    const record = {
      eventTime: '2026-11-24T12:00:00Z',
      eventSource: 'iam.amazonaws.com',
      eventName: 'GetUser',
    };
    for (const [name, space] of [
      ['flat.json', 0],
      ['pretty.json', 2],
    ] as const) {
      const { report, lines } = await run(
        file(name, JSON.stringify({ Records: [record, record, 7] }, null, space)),
      );
      expect(report.records).toBe(2);
      expect(lines.map((text) => JSON.parse(text).line)).toEqual([1, 2]);
      expect(report.badLines).toMatchObject([{ line: 3, reason: 'not a JSON object' }]);
    }
    const { report } = await run(file('array.json', JSON.stringify([record])));
    expect([...report.formats.values()]).toEqual(['cloudtrail']);
  });

  it('refuses what is no log, and says why', async () => {
    await expect(
      run(file('status.json', '{"version":6,"nginx_version":"1.9.4"}\n'.repeat(30))),
    ).rejects.toThrow(
      /no log of a known format: it holds JSON objects with the fields version, nginx_version/,
    );
    await expect(run(path.join(dir, 'absent'))).rejects.toThrow(SourceFault);
    await expect(run(file('half.json', '{\n "Records": ['))).rejects.toThrow('ends too early');
  });

  it('says where the input is out of order, and goes on', async () => {
    const { disorder, report } = await run(
      file('jump.ndjson', [line(0), line(600), line(1), line(700)].join('\n')),
    );
    expect(report.records).toBe(4);
    expect(disorder).toMatchObject({ lines: 1, first: { line: 3 } });
  });

  it('judges in order of time where it may, within a bounded window', async () => {
    const shuffled = Array.from({ length: 60 }, (_, n) => line((n * 37) % 60));
    const times: number[] = [];
    const feed = feedOf(file('mixed.ndjson', shuffled.join('\n')));
    const { disorder } = await scan(feed, { sort: true }, (judged) => {
      times.push(judged.sighting.observation.timeMs);
    });
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(disorder.lines).toBe(0);
  });

  it('keeps hostile text as data', async () => {
    const evil = '\u001b[31m<script>alert(1)</script>__proto__';
    const { lines } = await run(
      file('evil.ndjson', line(0, { key: '__proto__', userAgent: evil, operation: evil })),
    );
    expect(JSON.parse(lines[0] as string)).toMatchObject({ key: '__proto__', operation: evil });
    expect(lines[0]).not.toContain('\u001b');
  });
});

describe('LineSplitter', () => {
  it('splits whatever way the chunks fall', () => {
    const bytes = Buffer.from('one\nzwei ü\r\n\ndrei');
    for (let size = 1; size < bytes.length; size++) {
      const splitter = new LineSplitter();
      const lines: [number, string][] = [];
      const take = ({ first, lines: some }: { first: number; lines: readonly string[] }) =>
        some.forEach((text, i) => {
          lines.push([first + i, text]);
        });
      for (let at = 0; at < bytes.length; at += size) take(splitter.push(bytes.subarray(at, at + size)));
      take(splitter.end());
      expect(lines).toEqual([
        [1, 'one'],
        [2, 'zwei ü'],
        [3, ''],
        [4, 'drei'],
      ]);
    }
  });

  it('skips a line that is too long however it comes', () => {
    const text = `a\n${'é'.repeat(LINE_BYTES_MAX / 2 + 1)}\nb\n`;
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from(text))).toEqual({ first: 1, lines: ['a', '', 'b'], tooLong: [2] });
  });

  it('skips a line without end and goes on after it', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(1024 * 1024, 120);
    const tooLong: number[] = [];
    for (let n = 0; n <= LINE_BYTES_MAX / chunk.length + 2; n++)
      tooLong.push(...splitter.push(chunk).tooLong);
    const after = splitter.push(Buffer.from('x\nnext\n'));
    expect(tooLong).toEqual([1]);
    expect(after).toMatchObject({ first: 2, lines: ['next'] });
  });
});
