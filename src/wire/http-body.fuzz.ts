import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyReader } from './http-body.js';
import { parseRequestHead, parseResponseHead } from './http-head.js';

/** Feeds bytes in slices of the given sizes; returns how many were taken. */
function feed(
  reader: BodyReader,
  bytes: Buffer,
  sizes: readonly number[],
  payload?: (slice: Buffer) => void,
): number {
  let at = 0;
  for (let i = 0; at < bytes.length && !reader.done && reader.refused === undefined; i += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] as number);
    at += reader.take(bytes.subarray(at, at + size), payload);
  }
  return at;
}

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 10 });

describe('message bodies', () => {
  it('chunked coding is followed exactly, however it is sliced', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), sizes, (chunks, cuts) => {
        const coded = Buffer.concat([
          ...chunks.flatMap((chunk) => [
            Buffer.from(`${chunk.length.toString(16)};x=1\r\n`),
            Buffer.from(chunk),
            Buffer.from('\r\n'),
          ]),
          Buffer.from('0\r\nX-Sum: 1\r\n\r\n'),
        ]);
        const reader = new BodyReader({ kind: 'chunked' });
        const payload: Buffer[] = [];
        const used = feed(reader, Buffer.concat([coded, Buffer.from('GET /')]), cuts, (slice) =>
          payload.push(Buffer.from(slice)),
        );
        expect(reader.refused).toBeUndefined();
        expect(reader.done).toBe(true);
        expect(used).toBe(coded.length);
        expect(Buffer.concat(payload).equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it('a body of known length takes that many bytes and no more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 100 }),
        sizes,
        (length, extra, cuts) => {
          const reader = new BodyReader({ kind: 'length', bytes: length });
          expect(feed(reader, Buffer.alloc(length + extra), cuts)).toBe(length);
          expect(reader.done).toBe(true);
        },
      ),
    );
  });

  it.each([
    '1\nx\r\n0\r\n\r\n',
    'g\r\n',
    '1\r\nxy\r\n',
    '0x1\r\n',
    '-1\r\n',
    '1;a\x00\r\n',
    '0\r\nHost: a\r\n\r\n',
    '0\r\nContent-Length: 1\r\n\r\n',
    '\r\n',
  ])('refuses %j', (text) => {
    const reader = new BodyReader({ kind: 'chunked' });
    feed(reader, Buffer.from(text, 'latin1'), []);
    expect(reader.refused).toBeDefined();
  });

  it('arbitrary bytes never throw, in heads or bodies', () => {
    const noisy = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .string({
          unit: fc.constantFrom(
            '\r',
            '\n',
            ':',
            ' ',
            '0',
            'a',
            'Host',
            'Content-Length',
            'GET / HTTP/1.1\r\n',
            'HTTP/1.1 200 OK\r\n',
            '\r\n\r\n',
            'chunked',
            'Transfer-Encoding',
          ),
        })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(noisy, sizes, (input, cuts) => {
        const bytes = Buffer.from(input);
        parseRequestHead(bytes);
        parseResponseHead(bytes, 'GET');
        feed(new BodyReader({ kind: 'chunked' }), bytes, cuts);
      }),
      { numRuns: 2000 },
    );
  });
});
