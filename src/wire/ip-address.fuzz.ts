import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipFromValue, ipFromWords, parseIp } from './ip-address.js';

const word = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffffffff }));

describe('parseIp on any input', () => {
  it('never throws, and what it accepts is canonical', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%f') }),
      fc.ipV6(),
      fc.ipV4Extended(),
    );
    fc.assert(
      fc.property(text, (each) => {
        const ip = parseIp(each);
        if (ip !== undefined) expect(parseIp(ip.text)).toEqual(ip);
      }),
    );
  });

  it('round-trips every address', () => {
    fc.assert(
      fc.property(word, (value) => {
        expect(parseIp(ipFromValue(value).text)).toEqual(ipFromValue(value));
      }),
    );
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (words) => {
        expect(parseIp(ipFromWords(words).text)).toEqual(ipFromWords(words));
      }),
    );
  });
});
