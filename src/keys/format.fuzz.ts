import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mintKey, newKeyId, parseKey } from './format.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

describe('keys', () => {
  it('read back as they were minted, and never repeat', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 1_000; i += 1) {
      const id = newKeyId();
      const key = mintKey('live', id);
      expect(parseKey(key)).toEqual({ env: 'live', id });
      seen.add(key);
    }
    expect(seen.size).toBe(1_000);
  });

  it('with one character changed, or two exchanged, fail their check', () => {
    const at = fc.nat({ max: 200 });
    fc.assert(
      fc.property(at, at, fc.constantFrom(...BASE62), (first, second, char) => {
        const key = mintKey('live', newKeyId());
        const i = first % key.length;
        const j = second % key.length;
        const chars = [...key];
        chars[i] = char;
        if (chars.join('') !== key) expect(parseKey(chars.join(''))).toBeUndefined();
        const swapped = [...key];
        [swapped[i], swapped[j]] = [swapped[j]!, swapped[i]!];
        if (swapped.join('') !== key) expect(parseKey(swapped.join(''))).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('are not read out of anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `kw_live_${text}`),
        ),
        (text) => {
          expect(parseKey(text)).toBeUndefined();
        },
      ),
    );
  });

  it('use every digit about equally often', () => {
    const counts = new Map<string, number>();
    const keys = 2_000;
    for (let i = 0; i < keys; i += 1)
      for (const char of mintKey('live', newKeyId()).slice(21, 53))
        counts.set(char, (counts.get(char) ?? 0) + 1);
    const expected = (keys * 32) / 62;
    const chi = [...BASE62].reduce(
      (sum, char) => sum + ((counts.get(char) ?? 0) - expected) ** 2 / expected,
      0,
    );
    // 61 degrees of freedom: beyond 130 by chance once in a million runs.
    expect(chi).toBeLessThan(130);
  });
});
