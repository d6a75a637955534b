import { describe, expect, it } from 'vitest';
import { SeenIds } from './seen-ids.js';

describe('events that come again', () => {
  const event = (n: number) => ({ id: `event-${n}`, timeMs: 1.7e12 + n, key: 'k', operation: 'x' });

  it('are told within a hundred thousand, and forgotten in time', () => {
    const seen = new SeenIds();
    const fresh = (from: number, to: number) => {
      let count = 0;
      for (let n = from; n < to; n++) if (seen.isNew(event(n))) count += 1;
      return count;
    };
    expect(fresh(0, 250_000)).toBe(250_000);
    expect(fresh(150_000, 250_000)).toBe(0);
    expect(seen.isNew(event(0))).toBe(true);
  });

  it('are the same in time and operation, too: ids may be blotted out', () => {
    const seen = new SeenIds();
    const beganMs = performance.now();
    let fresh = 0;
    for (let n = 0; n < 90_000; n++) if (seen.isNew({ ...event(n), id: 'REDACTED' })) fresh += 1;
    expect(fresh).toBe(90_000);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(seen.isNew({ ...event(1), id: 'REDACTED', operation: 'y' })).toBe(true);
    expect(seen.isNew({ ...event(1), id: 'REDACTED' })).toBe(false);
    const { id: _, ...nameless } = event(1);
    expect([seen.isNew(nameless), seen.isNew(nameless)]).toEqual([true, true]);
  });
});
