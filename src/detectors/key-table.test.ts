import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Baseline } from './baseline.js';
import { hashText } from './hash.js';
import { KeyTable } from './key-table.js';

describe('a table of keys', () => {
  it('is a map', () => {
    const act = fc.tuple(fc.string({ maxLength: 3 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(act, { maxLength: 3_000, size: 'max' }), (acts) => {
        const table = new KeyTable();
        const model = new Map<string, Baseline>();
        for (const [key, sets] of acts) {
          if (sets) {
            const baseline = new Baseline();
            table.set(key, baseline);
            model.set(key, baseline);
          }
          expect(table.get(key)).toBe(model.get(key));
        }
        expect(table.size).toBe(model.size);
        expect(new Set(table.values())).toEqual(new Set(model.values()));
      }),
      { numRuns: 20 },
    );
  });

  it('keeps thousands of keys, and those that were chosen to collide', () => {
    const table = new KeyTable();
    const low = (key: string) => hashText(key) & 0xff;
    const keys: string[] = [];
    for (let n = 0; keys.length < 3_000; n++) if (low(`key-${n}`) === 7) keys.push(`key-${n}`);
    const baselines = keys.map((key) => {
      const baseline = new Baseline();
      table.set(key, baseline);
      return baseline;
    });
    keys.forEach((key, n) => {
      expect(table.get(key)).toBe(baselines[n]);
    });
    const again = new Baseline();
    table.set(keys[2_999] as string, again);
    expect(table.get(keys[2_999] as string)).toBe(again);
    expect([table.size, table.get('other')]).toEqual([3_000, undefined]);
  });
});
