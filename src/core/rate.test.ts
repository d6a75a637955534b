import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bucket, quotaPeriod, takeToken } from './rate.js';

describe('a rate limit', () => {
  it('never lets more through in any span than the bucket plus what refilled', () => {
    const limit = fc.record({
      requests: fc.integer({ min: 1, max: 50 }),
      seconds: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(limit, fc.array(fc.nat({ max: 5_000 }), { maxLength: 200 }), (rule, gaps) => {
        let bucket: Bucket | undefined;
        let timeMs = 1_000_000;
        const passed: number[] = [];
        for (const gap of gaps) {
          timeMs += gap;
          const result = takeToken(rule, bucket, timeMs);
          bucket = result.bucket;
          if (result.allowed) passed.push(timeMs);
        }
        passed.forEach((from, i) => {
          const count = passed.length - i;
          const spanMs = (passed.at(-1) ?? from) - from;
          expect(count).toBeLessThanOrEqual(
            rule.requests + (spanMs * rule.requests) / (rule.seconds * 1000) + 1e-6,
          );
        });
      }),
    );
  });

  it('says truly when to come back', () => {
    const rule = { requests: 2, seconds: 10 };
    let bucket: Bucket | undefined;
    for (let i = 0; i < 2; i += 1) bucket = takeToken(rule, bucket, 0).bucket;
    const refused = takeToken(rule, bucket, 0);
    expect(refused).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 5 });
    expect(takeToken(rule, refused.bucket, 4_999).allowed).toBe(false);
    expect(takeToken(rule, refused.bucket, 5_000).allowed).toBe(true);
  });

  it('is not refilled by a clock that steps back', () => {
    const rule = { requests: 1, seconds: 60 };
    const { bucket } = takeToken(rule, undefined, 100_000);
    const back = takeToken(rule, bucket, 0);
    expect(back.allowed).toBe(false);
    expect(takeToken(rule, back.bucket, 100_000).allowed).toBe(false);
  });
});

describe('a quota', () => {
  it('counts by calendar day or month, UTC', () => {
    const at = Date.parse('2026-12-31T23:59:59.999Z');
    expect(quotaPeriod({ requests: 1, per: 'day' }, at)).toBe('2026-12-31');
    expect(quotaPeriod({ requests: 1, per: 'day' }, at + 1)).toBe('2027-01-01');
    expect(quotaPeriod({ requests: 1, per: 'month' }, at)).toBe('2026-12');
  });
});
