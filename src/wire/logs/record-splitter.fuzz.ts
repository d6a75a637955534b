import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORD_FAULTS, type RecordSpans, RecordSplitter } from './record-splitter.js';

/** Texts of records by ordinal; of one that cannot be used, its fault. */
type Found = (string | { fault: string })[];

function add(found: Found, { bytes, first, spans }: RecordSpans): void {
  expect(spans.length === 0 || first === found.length + 1).toBe(true);
  for (let i = 0; i < spans.length; i += 2) {
    const start = spans[i] as number;
    if (start < 0) found.push({ fault: RECORD_FAULTS[~start] as string });
    else found.push(bytes.toString('utf8', start, spans[i + 1]));
  }
}

/** @param sizes of the pieces that the text comes in, over and over */
function split(
  text: string | Buffer,
  sizes: readonly number[] = [],
  isRecord?: (text: string) => boolean,
): Found {
  const bytes = Buffer.from(text as string);
  const splitter = new RecordSplitter(isRecord);
  const found: Found = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[n % sizes.length] as number);
    // A copy: what was handed in is the reader's to use again.
    const piece = Buffer.from(bytes.subarray(at, at + size));
    add(found, splitter.push(piece));
    at += size;
  }
  add(found, splitter.end());
  return found;
}

const FIELDS = ['Records', 'Events', 'events', 'results', 'data'];

function recordsOf(document: unknown): unknown[] {
  if (Array.isArray(document)) return document;
  const arrays = Object.entries(document as object).filter(
    ([name, value]) => FIELDS.includes(name) && Array.isArray(value),
  );
  return arrays.length === 0 ? [document] : arrays.flatMap(([, value]) => value);
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
const name = fc.oneof(fc.constantFrom(...FIELDS, 'a', '"{', '\\'), fc.string());
const value = fc.jsonValue({ maxDepth: 4 });
const record = fc.dictionary(name, value, { maxKeys: 4 });
const document = fc.oneof(
  fc.array(fc.oneof(record, value), { maxLength: 5 }),
  record,
  fc
    .tuple(record, fc.constantFrom(...FIELDS), fc.array(fc.oneof(record, value)))
    .map(([more, field, records]) => ({
      ...more,
      [field]: records,
    })),
);
const written = fc.tuple(
  document,
  fc.constantFrom(undefined, 0, 1, '\t'),
  fc.constantFrom('', '\n', ' ', '\r\n', ',\n'),
);

describe('RecordSplitter', () => {
  it('gives the records that JSON.parse gives, of documents one after the other, however written and cut', () => {
    fc.assert(
      fc.property(fc.array(written, { maxLength: 4 }), sizes, (documents, cuts) => {
        const text = documents
          .map(([each, indent, after]) => `${JSON.stringify(each, null, indent)}${after}`)
          .join('');
        const expected = documents.flatMap(([each]) => recordsOf(JSON.parse(JSON.stringify(each))));
        const found = split(text, cuts);
        expect(found.map((each) => (typeof each === 'string' ? JSON.parse(each) : each))).toEqual(expected);
      }),
    );
  });

  it('gives the same whatever the text is and wherever it is cut, and never throws', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\n',
      ' ',
      '1',
      '"Records":[',
      '{"a":1}',
      'é',
    );
    const any = fc.oneof(
      fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(any, sizes, (text, cuts) => {
        expect(split(text, cuts)).toEqual(split(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('loses little to damage, and says so', () => {
    const layouts: ((records: readonly string[]) => string)[] = [
      (records) => `[\n${records.join(',\n')}\n]`,
      (records) => `{"Records":[${records.join(',')}]}`,
      (records) => records.map((each) => `{"Records":[${each}]}`).join('\n'),
      (records) => records.join('\n'),
    ];
    const records = Array.from({ length: 12 }, (_, n) =>
      JSON.stringify({ id: n, a: { b: { c: 'y' } }, d: 'é' }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...layouts),
        fc.nat({ max: 8 }),
        fc.integer({ min: 1, max: (records[0] as string).length - 1 }),
        sizes,
        (layout, n, cut, cuts) => {
          const damaged = records.with(n + 1, (records[n + 1] as string).slice(0, cut));
          const found = split(layout(damaged), cuts);
          const whole = found.filter((each) => typeof each === 'string' && records.includes(each));
          expect(whole.length).toBeGreaterThanOrEqual(records.length - 3);
          expect(found.length).toBeGreaterThan(whole.length);
        },
      ),
    );
  });

  it('knows a record that has such a field', () => {
    const isRecord = (text: string) => 'time' in JSON.parse(text);
    const one = '{"data":[{"x":[1]},2],"time":1,"events":[{}]}';
    fc.assert(
      fc.property(sizes, (cuts) => {
        expect(split(`${one}\n{"data":[${one},7]}`, cuts, isRecord)).toEqual([one, one, '7']);
      }),
    );
  });
});
