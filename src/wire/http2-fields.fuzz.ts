import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequestHead } from './http-head.js';
import { http1RequestHead, http1Trailers } from './http2-fields.js';

const nasty = fc.string({
  unit: fc.constantFrom(
    '\r',
    '\n',
    '\0',
    ' ',
    ':',
    'a',
    'B',
    '\u010a',
    '\u010d',
    '\xff',
    ';',
    '=',
    'Host',
    '/',
  ),
  maxLength: 8,
});
const name = fc.oneof(
  nasty,
  fc.constantFrom(
    'cookie',
    'host',
    'content-length',
    'transfer-encoding',
    'x-a',
    ':path',
    'trailer',
    'expect',
  ),
);
const value = fc.oneof(nasty, fc.constantFrom('a', '0', '5', 'chunked', '100-continue', 'a=1'));

describe('HTTP/2 fields as HTTP/1.1 text', () => {
  it('never say more than one head, and exactly the fields that came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { maxLength: 6 }),
        fc.boolean(),
        nasty,
        (pairs, ended, rest) => {
          const path = `/${rest}`;
          const fields = [
            ':method',
            'POST',
            ':scheme',
            'http',
            ':authority',
            'a',
            ':path',
            path,
            ...pairs.flat(),
          ];
          const request = http1RequestHead(fields, ended);
          if (request.kind === 'refused') return;
          const bytes = Buffer.from(request.head, 'latin1');
          const parsed = parseRequestHead(bytes);
          expect(request.head.indexOf('\r\n\r\n')).toBe(bytes.length - 4);
          if (parsed.kind !== 'done') return;
          expect(parsed.bytes).toBe(bytes.length);
          expect(parsed.head).toMatchObject({ method: 'POST', target: path, host: 'a' });
          const own = pairs.filter(([each]) => !/^(?:cookie|host|content-length)$/.test(each));
          const read = parsed.head.headers.filter((_, at) => at % 2 === 0).map((each) => each.toLowerCase());
          expect(
            read.filter((each) => !/^(?:cookie|host|content-length|transfer-encoding)$/.test(each)),
          ).toEqual(own.map(([each]) => each));
          const { framing } = parsed.head;
          if (request.body.kind === 'chunked') expect(framing.kind).toBe('chunked');
          else
            expect(framing.kind === 'length' ? framing.bytes : 0).toBe(
              request.body.kind === 'length' ? request.body.bytes : 0,
            );
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('trailers are as many lines as fields', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
        const text = http1Trailers(pairs.flat());
        if (text !== undefined)
          expect(
            Buffer.from(text, 'latin1')
              .toString('latin1')
              .split(/[\r\n]+/),
          ).toHaveLength(pairs.length + 1);
      }),
      { numRuns: 3000 },
    );
  });
});
