import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASELINE_BYTES_MAX, Baseline, Clock, TOTAL } from './baseline.js';
import { AlarmBudget } from './budget.js';
import { addCount, countOf, SLOTS_PER_BUCKET } from './count-table.js';

function filled(symbols: number, repeats = 3): Baseline {
  const baseline = new Baseline();
  for (let n = 0; n < symbols * repeats; n++) {
    const symbol = Math.imul((n % symbols) + 1, 0x9e3779b1) >>> 0;
    if (addCount(baseline.slots, symbol, n) === 'evicted') baseline.grow();
  }
  baseline.numbers[TOTAL.start] = symbols * repeats;
  baseline.clock[Clock.last] = 1_000 * symbols;
  baseline.clock[Clock.seen] = symbols * repeats;
  return baseline;
}

describe('Baseline', () => {
  it('is packed in 4 KiB at most, however much it has seen, and comes back the same', () => {
    for (const symbols of [0, 1, 50, 5_000]) {
      const baseline = filled(symbols);
      const bytes = baseline.pack();
      expect(bytes.length).toBeLessThanOrEqual(BASELINE_BYTES_MAX);
      expect(Baseline.unpack(bytes).pack()).toEqual(bytes);
    }
  });

  it('keeps what the alarm budget noted of its days, and leaves it to no heir', () => {
    const budget = new AlarmBudget();
    const baseline = filled(5);
    for (const [day, evidence] of [
      [20_780, 1],
      [20_781, 30],
      [20_783, 2.5],
    ] as const)
      budget.note(baseline, day * 86_400_000, evidence);
    const { clock } = Baseline.unpack(baseline.pack());
    expect([...clock]).toEqual([...baseline.clock]);
    expect(clock[Clock.lastAlarmDay]).toBe(20_781);
    expect(clock[Clock.keyDays]).toBe(2);
    expect(baseline.clone().clock[Clock.alarmDays]).toBe(0);
    const fresh = new Baseline();
    expect([...Baseline.unpack(fresh.pack()).clock]).toEqual([...fresh.clock]);
  });

  it('refuses bytes that are none of its own', () => {
    const bytes = filled(10).pack();
    expect(() => Baseline.unpack(bytes.subarray(0, 10))).toThrow('not a packed baseline');
    expect(() => Baseline.unpack(bytes.subarray(0, bytes.length - 4))).toThrow(/its header says/);
    const other = bytes.slice();
    other[4] = 99;
    expect(() => Baseline.unpack(other)).toThrow('version 99');
    fc.assert(
      fc.property(fc.nat(bytes.length - 17), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = bytes.slice();
        damaged[16 + at] = (damaged[16 + at] as number) ^ flip;
        expect(() => Baseline.unpack(damaged)).toThrow('damaged');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (noise) => {
        try {
          Baseline.unpack(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('merges what two replicas learned', () => {
    const [a, b] = [filled(20), filled(40)];
    const symbol = Math.imul(1, 0x9e3779b1) >>> 0;
    a.merge(b);
    // One may have been lost when a full bucket made the table grow.
    expect([5, 6]).toContain(countOf(a.slots, symbol));
    expect(a.total).toBe(180);
    expect(a.clock[Clock.last]).toBe(40_000);
    expect(a.clock[Clock.seen]).toBe(180);
  });

  it('forgets in proportion', () => {
    const baseline = filled(4, 100);
    baseline.decay(0.5);
    expect(baseline.total).toBe(200);
    for (let n = 1; n <= 4; n++) {
      const count = countOf(baseline.slots, Math.imul(n, 0x9e3779b1) >>> 0);
      expect(count).toBeGreaterThan(40);
      expect(count).toBeLessThan(60);
    }
  });

  it('keeps counts through growth', () => {
    const baseline = new Baseline();
    addCount(baseline.slots, 0xabcdef01, 1);
    while (baseline.grow());
    expect(countOf(baseline.slots, 0xabcdef01)).toBe(1);
    expect(baseline.slots.length % SLOTS_PER_BUCKET).toBe(0);
  });
});
