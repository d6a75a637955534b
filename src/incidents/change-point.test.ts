import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changePoint, type DatedCall } from './change-point.js';

const owner = (timeMs: number): DatedCall => ({ timeMs, nats: -3 });
const thief = (timeMs: number): DatedCall => ({ timeMs, nats: 12 });

describe('changePoint', () => {
  it('finds the first foreign call though the owner goes on', () => {
    const calls = Array.from({ length: 2_000 }, (_, n) => (n > 1_500 && n % 40 === 0 ? thief(n) : owner(n)));
    const point = changePoint(calls);
    expect(point?.timeMs).toBe(1_520);
    expect(point?.fromMs).toBeLessThanOrEqual(1_520);
    expect(point?.toMs).toBeGreaterThanOrEqual(1_520);
  });

  it('is not taken in by one odd call long before', () => {
    const calls = Array.from({ length: 500 }, (_, n) =>
      n >= 400 ? thief(n) : n === 50 ? { timeMs: n, nats: 1 } : owner(n),
    );
    expect(changePoint(calls)?.timeMs).toBe(400);
  });

  it('says less where less is known', () => {
    const certain = changePoint([
      ...Array.from({ length: 50 }, (_, n) => owner(n)),
      thief(50),
      thief(51),
      thief(52),
    ]);
    const vague = changePoint(
      Array.from({ length: 53 }, (_, n) => ({ timeMs: n, nats: n < 50 ? -0.1 : 0.1 })),
    );
    const width = (point = changePoint([])) => (point?.toMs ?? 0) - (point?.fromMs ?? 0);
    expect(width(certain)).toBeLessThan(5);
    expect(width(vague)).toBeGreaterThan(10);
  });

  it('gives an interval that holds the estimate, whatever the calls', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (nats) => {
          const point = changePoint(nats.map((each, timeMs) => ({ timeMs, nats: each })));
          expect(point?.fromMs).toBeLessThanOrEqual(point?.toMs as number);
          expect(Number.isInteger(point?.timeMs)).toBe(true);
        },
      ),
    );
    expect(changePoint([])).toBeUndefined();
  });
});
