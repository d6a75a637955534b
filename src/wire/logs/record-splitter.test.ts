import { describe, expect, it } from 'vitest';
import { RECORD_BYTES_MAX, RECORD_FAULTS, RecordSplitter } from './record-splitter.js';

/** Feeds pieces; gives what was found and how many bytes were held at most. */
function feed(pieces: Iterable<string>) {
  const splitter = new RecordSplitter(() => true);
  const found: string[] = [];
  let held = 0;
  const take = ({ bytes, spans }: ReturnType<RecordSplitter['push']>) => {
    held = Math.max(held, bytes.length);
    for (let i = 0; i < spans.length; i += 2) {
      const start = spans[i] as number;
      found.push(
        start < 0 ? (RECORD_FAULTS[~start] as string) : bytes.toString('latin1', start, spans[i + 1]),
      );
    }
  };
  for (const piece of pieces) take(splitter.push(Buffer.from(piece)));
  take(splitter.end());
  return { found, held };
}

const LONG = 'x'.repeat(RECORD_BYTES_MAX);

function* times(n: number, piece: string): Generator<string> {
  for (let i = 0; i < n; i++) yield piece;
}

describe('RecordSplitter', () => {
  it('holds no more than a record of a document without end', () => {
    const piece = '{"a":"é"},'.repeat(60_000);
    for (const begin of ['[', '{"Records":[', '{"x":{"y":[1]},"data" : [\n']) {
      const { found, held } = feed([begin, ...times(10, piece)]);
      expect(found).toHaveLength(600_001);
      expect(found.at(-1)).toBe('the JSON document ends too early');
      expect(held).toBeLessThan(RECORD_BYTES_MAX + 2 * piece.length);
    }
  });

  it('leaves out what is too long, and goes on after it', () => {
    const tooLong = RECORD_FAULTS[2];
    expect(feed(['[{"a":"', LONG, LONG, '"},2]']).found).toEqual([tooLong, '2']);
    expect(feed([`[{"a":"${LONG}"},2]`]).found).toEqual([tooLong, '2']);
    expect(feed(['{"a":"', LONG, LONG, '"}\n{"b":1}']).found).toEqual([tooLong, '{"b":1}']);
    expect(feed([`{"a":"${LONG}"}{"b":1}`]).found).toEqual([tooLong, '{"b":1}']);
  });

  it('takes no longer for a place that is damaged where there are many', () => {
    for (const piece of ['{x\n', '{"a"x']) {
      const begunMs = performance.now();
      expect(feed([`[{"a":1},\n${piece.repeat(100_000)}`]).found.length).toBeGreaterThan(100_000);
      expect(performance.now() - begunMs, piece).toBeLessThan(5_000);
    }
  });

  it('leaves out what nests too deep', () => {
    expect(feed([`[${'['.repeat(600_000)}`, '\n{"a":1}']).found).toEqual([RECORD_FAULTS[3], '{"a":1}']);
  });
});
