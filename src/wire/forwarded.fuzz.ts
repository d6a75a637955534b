import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOPS_MAX, parseForwarded, parseForwardedFor } from './forwarded.js';
import { ipFromValue, ipFromWords } from './ip-address.js';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const address = fc.oneof(
  uint32.map(ipFromValue),
  fc.tuple(uint32, uint32, uint32, uint32).map((words) => ipFromWords(words)),
);
const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'for=",;\\ [:]1.') }));

describe('forwarded hops of any input', () => {
  it('never throws and is bounded', () => {
    fc.assert(
      fc.property(fc.array(text), (values) => {
        expect(parseForwarded(values).length).toBeLessThanOrEqual(HOPS_MAX);
        expect(parseForwardedFor(values).length).toBeLessThanOrEqual(HOPS_MAX);
      }),
    );
  });

  it('is quick on long hostile values', () => {
    for (const unit of ['\\', '"', ',', '\\"', 'for="', ';', 'a=b;', ' ']) {
      const value = unit.repeat(65_536 / unit.length);
      expect(parseForwarded([value]).length).toBeLessThanOrEqual(HOPS_MAX);
      expect(parseForwardedFor([value]).length).toBeLessThanOrEqual(HOPS_MAX);
    }
  }, 2000);

  it('round-trips what proxies write', () => {
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: HOPS_MAX }), (addresses) => {
        const nodes = addresses.map((ip) => (ip.family === 4 ? ip.text : `"[${ip.text}]:443"`));
        const nearestFirst = addresses.toReversed();
        const read = parseForwarded([nodes.map((node) => `for=${node};proto=https`).join(', ')]);
        expect(read.map((hop) => hop.address)).toEqual(nearestFirst);
        const plain = parseForwardedFor([addresses.map((ip) => ip.text).join(', ')]);
        expect(plain.map((hop) => hop.address)).toEqual(nearestFirst);
      }),
    );
  });
});
