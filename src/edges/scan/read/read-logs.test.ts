import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ReadOptions, readLogs } from './read-logs.js';
import { ReadReport } from './report.js';

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
      for (let n = 0; n < 300; n++) yield Buffer.from(piece);
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
    expect(report.records).toBe(1_200_001);
    expect(report.bytes).toBeGreaterThan(150e6);
    expect(most).toBeLessThan(120e6);
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
