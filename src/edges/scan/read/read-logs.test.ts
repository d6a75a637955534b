import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReadOptions } from './read-log.js';
import { readLogs } from './read-logs.js';
import { ReadReport } from './report.js';
import { type SourceFault, sourcesOf } from './sources.js';

const event = (n: number, more: object = {}) => ({
  eventTime: new Date(Date.UTC(2026, 10, 24) + n * 1_000).toISOString(),
  eventSource: 'iam.amazonaws.com',
  eventName: `Get${n}`,
  userIdentity: { accessKeyId: 'AKIAX' },
  ...more,
});
const generic = (n: number, more: object = {}) => ({
  time: 1_700_000_000 + n,
  key: 'k',
  operation: `iam.Get${n}`,
  ...more,
});
const some = (count: number, make: (n: number) => unknown = event) =>
  Array.from({ length: count }, (_, n) => make(n));
const json = (value: unknown) => JSON.stringify(value);

/** Reads what comes in pieces on standard input. */
async function read(pieces: readonly (string | Buffer)[], options: ReadOptions = {}, named = true) {
  const report = new ReadReport();
  const stdin = Readable.from(pieces.map((piece) => Buffer.from(piece as string)));
  const operations: (string | undefined)[] = [];
  const lines: number[] = [];
  for await (const block of readLogs([{ name: '-', bytes: 0, named }], report, { ...options, stdin }))
    block.take(({ operation }, line) => {
      operations.push(operation);
      lines.push(line);
    });
  return { operations, lines, report };
}

const names = (count: number) => some(count, (n) => `iam.Get${n}`);

describe('JSON documents', () => {
  const python = (value: unknown) => json(value).replaceAll(/([:,])(?=["{[])/g, '$1 ');
  const written: Record<string, (records: readonly unknown[]) => string> = {
    'as AWS writes it': (records) => json({ Records: records }),
    'as json.dump of Python writes it': (records) => python({ Records: records }),
    'a record a line': (records) => `{"Records": [\n${records.map(json).join(',\n')}\n]}`,
    'a record a line, in an array': (records) => `[\n${records.map(json).join(',\n')}\n]\n`,
    'for people': (records) =>
      json(records).length < 3 ? '[]' : JSON.stringify({ Records: records }, null, 4),
    'after other fields': (records) => json({ next: 'x', more: { a: [1] }, Records: records, end: true }),
    'with a byte order mark': (records) => `\ufeff${json({ Records: records })}`,
    'one after the other': (records) => records.map((each) => json({ Records: [each] })).join(''),
    'one a line': (records) => records.map((each) => json({ Records: [each] })).join('\n'),
    'pages of an array': (records) => records.map((each) => json([each])).join('\n'),
    'as a sequence (RFC 7464)': (records) => records.map((each) => `\x1e${json(each)}\n`).join(''),
    'as jq writes it': (records) => records.map((each) => JSON.stringify(each, null, 2)).join('\n'),
    'with empty ones between': (records) => `{"Records":[]}${json({ Records: records })}{"Records":[]}`,
  };

  for (const [how, write] of Object.entries(written))
    it.each([1, 2, 50])(`${how}, %i records`, async (count) => {
      const text = write(some(count));
      const { operations, lines, report } = await read([text]);
      expect(operations).toEqual(names(count));
      expect(lines).toEqual(some(count, (n) => n + 1));
      expect(report.bad).toBe(0);
    });

  it('of more than a chunk on one line', async () => {
    const records = some(3_000, (n) => event(n, { requestParameters: { pad: 'x'.repeat(2_000) } }));
    for (const text of [python({ Records: records }), python(records)])
      expect((await read([text])).operations).toEqual(names(3_000));
  });

  it('in small pieces, plain and zipped', async () => {
    const text = Buffer.from(python({ Records: some(5) }));
    for (const bytes of [text, gzipSync(text)]) {
      const pieces = [...bytes].map((_, at) => bytes.subarray(at, at + 1));
      expect((await read(pieces)).operations).toEqual(names(5));
    }
  });

  it('put together from zipped ones', async () => {
    const zipped = some(4).map((each) => gzipSync(json({ Records: [each] })));
    expect((await read([Buffer.concat(zipped)])).operations).toEqual(names(4));
  });

  it('with records that are none: counted, and no more', async () => {
    const text = `{"Records":[${json(event(0))},7,{"eventTime":nope},${json(event(1))},{"a":1]},${json(event(2))}]}`;
    const { operations, lines, report } = await read([text]);
    expect(operations).toEqual(names(3));
    expect(lines).toEqual([1, 4, 6]);
    expect(report.badLines.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'not a JSON object'],
      [3, 'not valid JSON'],
      [5, 'not valid JSON'],
    ]);
  });

  it('cut off: what came before is used', async () => {
    const text = json({ Records: some(20) });
    const { operations, report } = await read([text.slice(0, -50)]);
    expect(operations).toEqual(names(19));
    expect(report.badLines).toMatchObject([{ line: 20, reason: 'the JSON document ends too early' }]);
  });

  it('without end take constant memory', async () => {
    const piece = `${some(4_000).map(json).join(',')},`;
    function* endless() {
      yield Buffer.from('{"Records":[');
      for (let n = 0; n < 200; n++) yield Buffer.from(piece);
      yield Buffer.from(`${json(event(0))}]}`);
    }
    const report = new ReadReport();
    let most = 0;
    for await (const block of readLogs([{ name: '-', bytes: 0, named: true }], report, {
      stdin: Readable.from(endless()),
    })) {
      block.take(() => undefined);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    expect(report.records).toBe(800_001);
    expect(report.bytes).toBeGreaterThan(100e6);
    expect(most).toBeLessThan(80e6);
  }, 60_000);
});

describe('lines', () => {
  it.each(['data', 'events', 'results', 'Records'])('may have a field %s of their own', async (field) => {
    for (const held of [[], [1], [{ a: 1 }, { b: 2 }], [generic(7)]]) {
      const all = some(3, (n) => generic(n, { [field]: held }));
      for (const text of [
        all.map(json).join('\n'),
        json(all[0]),
        all.map((each) => JSON.stringify(each, null, 1)).join('\n'),
      ]) {
        const { operations, report } = await read([text]);
        expect(operations).toEqual(names(text === json(all[0]) ? 1 : 3));
        expect(report.bad).toBe(0);
      }
    }
  });
});

describe('logs that cannot be used', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-read-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const put = (name: string, content: string) => {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), content);
    return path.join(dir, name);
  };
  const link = (name: string, to: string) => symlinkSync(to, path.join(dir, name));

  async function readAll(names: readonly string[], options: ReadOptions = {}) {
    const report = new ReadReport();
    let fault: string | undefined;
    try {
      for await (const block of readLogs(sourcesOf(names), report, options)) block.take(() => undefined);
    } catch (error) {
      fault = (error as SourceFault).message;
    }
    const refused = report.badLines.map(({ file, reason }) => `${path.relative(dir, file)} ${reason}`);
    return { report, refused, fault };
  }

  it('do not keep those beside them from being read, each once', async () => {
    const good = put('folder/sub/a.ndjson', some(3, generic).map(json).join('\n'));
    put('folder/notes.txt', 'nothing to see');
    put('folder/z.json', json({ Records: [] }));
    link('folder/1-nowhere', 'absent');
    link('folder/2-self', '2-self');
    link('folder/sub/circle', '..');
    link('folder/sub/z-again', 'a.ndjson');
    const { report, refused, fault } = await readAll([path.join(dir, 'folder'), good]);
    expect(fault).toBeUndefined();
    expect(report.records).toBe(3);
    expect(refused).toEqual([
      'folder/1-nowhere does not exist',
      'folder/2-self is a link that leads in a circle',
      'folder/notes.txt not a log of a known format',
      `folder/sub/circle is ${path.join(dir, 'folder')}, which is read already`,
      `folder/sub/z-again is ${good}, which is read already`,
    ]);
    expect(report.lost).toEqual([]);
  });

  it('come first, and the others in the order of their first times where they may', async () => {
    const day = 86_400;
    const region = (name: string, n: number) =>
      put(
        name,
        // One line of the year 4876 is not where a log begins.
        some(5, (i) => generic(n === 1 && i === 0 ? 9e10 : n * day + i))
          .map(json)
          .join('\n'),
      );
    const names = ['1/a', '1/b', '2/a', '2/b'].map((name, at) =>
      region(`regions/${name}`, [0, 2, 1, 3][at] as number),
    );
    const notes = put('regions/notes.txt', 'nothing to see');
    const order = async (byTime: boolean) => {
      const files: string[] = [];
      const report = new ReadReport();
      for await (const { file, take } of readLogs(sourcesOf([path.join(dir, 'regions')]), report, {
        byTime,
      })) {
        take(() => undefined);
        if (!files.includes(file)) files.push(file);
      }
      expect(report.records).toBe(20);
      expect(report.badLines).toEqual([{ file: notes, line: 0, reason: 'not a log of a known format' }]);
      return files;
    };
    expect(await order(false)).toEqual(names);
    expect(await order(true)).toEqual([0, 2, 1, 3].map((at) => names[at]));
  });

  it('of CloudTrail tell their time by their names', async () => {
    const delivered = (region: string, minute: number) =>
      put(
        `trail/${region}/1_CloudTrail_${region}_20261124T00${minute}Z_x${minute}.json`,
        json({ Records: [event(60 * minute - 300)] }),
      );
    const [a, b, c] = [delivered('eu', 20), delivered('eu', 40), delivered('us', 30)];
    const files: string[] = [];
    const all = sourcesOf([path.join(dir, 'trail')]);
    for await (const { file } of readLogs(all, new ReadReport(), { byTime: true }))
      if (!files.includes(file)) files.push(file);
    expect(files).toEqual([a, c, b]);
  });

  it('keep events that have an id in common and are no copies', async () => {
    const blotted = put('blotted', some(9, (n) => json(event(n, { eventID: 'HIDDEN' }))).join('\n'));
    const report = new ReadReport();
    for await (const block of readLogs(sourcesOf([blotted]), report, { byTime: true }))
      block.take(() => undefined);
    expect(report).toMatchObject({ records: 9, copies: 0 });
  });

  it('leave out events that come again, unless every line is asked for', async () => {
    const [a, b] = ['copies/a', 'copies/b'].map((name) =>
      put(name, json({ Records: [0, 1].map((n) => ({ ...event(n), eventID: `e${n}` })) })),
    );
    for (const [byTime, records, copies] of [
      [true, 2, 2],
      [false, 4, 0],
    ] as const) {
      const report = new ReadReport();
      for await (const block of readLogs(sourcesOf([a as string, b as string]), report, { byTime }))
        block.take(() => undefined);
      expect(report).toMatchObject({ records, copies, bad: 0, lost: [] });
    }
  });

  it.each([
    // In lines of one file: two of its chunks of a megabyte.
    ['a few', 3, 100_000, '', 50_000],
    ['the servers of a fleet', 100, 2_000, 'x'.repeat(200), 1_000],
  ])('that span the same time are read side by side: %s', async (_, logs, count, pad, apart) => {
    const files = some(logs, (n) =>
      put(
        `side-${logs}/${n}`,
        some(count, (i) => generic(1_000 * i + (n as number), { pad }))
          .map(json)
          .join('\n'),
      ),
    );
    const report = new ReadReport();
    let latest = 0;
    let furthest = 0;
    for await (const block of readLogs(sourcesOf(files as string[]), report, { byTime: true }))
      block.take(({ timeMs }) => {
        latest = Math.max(latest, timeMs);
        furthest = Math.max(furthest, latest - timeMs);
      });
    expect(report.records).toBe(logs * count);
    expect(furthest / 1_000_000).toBeLessThan(apart);
  });

  it('are told of where they were named', async () => {
    const good = put('good', json(generic(1)));
    const notes = put('notes', 'nothing to see');
    const { report, fault } = await readAll([path.join(dir, 'absent'), notes, good]);
    expect(fault).toBeUndefined();
    expect(report.records).toBe(1);
    expect(report.lost).toEqual([
      expect.stringContaining('absent does not exist'),
      expect.stringContaining('notes is no log of a known format'),
    ]);
    const found = put('both/notes', 'nothing to see');
    expect((await readAll([path.dirname(found), found, good])).report.lost).toEqual([
      expect.stringContaining('notes is no log of a known format'),
    ]);
    expect((await readAll([good], { format: 'okta' })).report.lost).toEqual([
      `${good} has no line that can be used.`,
    ]);
  });

  it.each([
    ['zip', Buffer.from('PK\u0003\u0004\u0014\u0000'), 'a zip archive; unpack'],
    ['bzip2', Buffer.from('BZh91AY&SY'), 'bzip2 data; unpack'],
    [
      'tar',
      Buffer.concat([Buffer.from('a.json'.padEnd(257, '\0')), Buffer.from('ustar'), Buffer.alloc(250)]),
      'a tar archive; unpack',
    ],
    ['UTF-16', Buffer.from(`\ufeff${json(generic(0))}`, 'utf16le'), 'UTF-16 text; convert'],
    ['UTF-16 without a mark', Buffer.from(json(generic(0)), 'utf16le'), 'UTF-16 text; convert'],
    [
      'only long lines',
      Buffer.from(`${'x'.repeat(5e6)}\n${'y'.repeat(5e6)}\n`),
      'it holds only what is longer than 4194304 bytes',
    ],
    [
      'deep nesting',
      Buffer.from('['.repeat(300_000) + ']'.repeat(300_000)),
      'a JSON document of which nothing can be used: nested deeper than 1024 levels',
    ],
    ['deep nesting in a line', Buffer.from('{"a":'.repeat(300_000)), 'nested deeper than 1024 levels'],
    [
      'a cut document',
      gzipSync(json({ Records: some(900) })).subarray(0, 40),
      'the gzip file ends too early',
    ],
  ])('are called what they are: %s', async (_, content, what) => {
    for (const bytes of content[0] === 0x1f ? [content] : [content, gzipSync(content)]) {
      const failure = await read([bytes]).catch((error: SourceFault) => error.message);
      expect(failure).toContain(what);
    }
  });

  it('are an error where there is nothing else', async () => {
    const notes = put('only', 'nothing to see');
    expect((await readAll([notes])).fault).toContain('only is no log of a known format');
    expect((await readAll([notes, path.join(dir, 'absent')])).fault).toContain(
      '1 more could not be used either',
    );
    expect((await readAll([put('empty', '')])).fault).toBeUndefined();
  });
});

describe('the beginning of a log', () => {
  const good = some(3_000, generic).map(json).join('\n');

  it.each([
    '{',
    '[',
    '{"time":1,"ke',
    '{"time":1,"key":',
    '{"time":1,',
    '[{"a":',
    '{"data":[',
    '{"a":1}}',
    '"',
    '}',
  ])('may be a cut write: %s', async (cut) => {
    const { operations, lines, report } = await read([`${cut}\n${good}`]);
    expect(operations).toEqual(names(3_000));
    expect(lines[0]).toBe(2);
    expect(report.bad).toBe(1);
  });

  it('may be comments', async () => {
    const { operations, report } = await read([`${'# a comment\n'.repeat(1_000)}${good}`]);
    expect(operations).toEqual(names(3_000));
    expect(report.bad).toBe(1_000);
  });

  it('may be a line or a record that is too long', async () => {
    const long = json(generic(0, { pad: 'x'.repeat(5e6) }));
    for (const text of [`${long}\n${good}`, `[${long},${some(3_000, generic).map(json).join(',')}]`]) {
      const { operations, report } = await read([text]);
      expect(operations).toEqual(names(3_000));
      expect(report.badLines).toEqual([{ file: '-', line: 1, reason: 'longer than 4194304 bytes' }]);
    }
  });

  it.each([
    ['a large document of another kind', '{"features":[\n', `${json({ pad: 'x'.repeat(500) })},\n`],
    ['empty lines', '', '\n'],
    ['damage', '[\n', '{x\n'],
  ])('may be all of it, and is not kept in memory: %s', async (_, begin, part) => {
    const piece = Buffer.from(part.repeat(Math.ceil(1e6 / part.length)));
    let held = 0;
    async function* pieces(): AsyncGenerator<Buffer> {
      yield Buffer.from(begin);
      for (let i = 0; i < 150; i++) {
        yield piece;
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        held = Math.max(held, heapUsed + arrayBuffers);
      }
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const stdin = Readable.from(pieces());
    const blocks = readLogs([{ name: '-', bytes: 0, named: false }], new ReadReport(), { stdin });
    for await (const { take } of blocks) take(() => undefined);
    expect((held - heapUsed - arrayBuffers) / 1e6).toBeLessThan(120);
  });

  it('may be cut off in a document, too', async () => {
    const cut = `{"Records":[\n${some(50).map(json).join(',\n')}`;
    expect((await read([`${cut.slice(0, -60)}\n${json({ Records: some(60) })}`])).operations).toHaveLength(
      49 + 60,
    );
  });
});
