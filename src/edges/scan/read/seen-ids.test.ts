import { describe, expect, it } from 'vitest';
import { SeenIds } from './seen-ids.js';

describe('events that come again', () => {
  const event = (n: number) => ({ id: `event-${n}`, timeMs: 1.7e12 + n, key: 'k', operation: 'x' });

  it('are told within a hundred thousand, and forgotten in time', () => {
    const seen = new SeenIds();
    for (let n = 0; n < 250_000; n++) expect(seen.isNew(event(n))).toBe(true);
    for (let n = 150_000; n < 250_000; n++) expect(seen.isNew(event(n))).toBe(false);
    expect(seen.isNew(event(0))).toBe(true);
  });

  it('are the same in time and operation, too: ids may be blotted out', () => {
    const seen = new SeenIds();
    const beganMs = performance.now();
    for (let n = 0; n < 90_000; n++) expect(seen.isNew({ ...event(n), id: 'REDACTED' })).toBe(true);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(seen.isNew({ ...event(1), id: 'REDACTED', operation: 'y' })).toBe(true);
    expect(seen.isNew({ ...event(1), id: 'REDACTED' })).toBe(false);
    const { id: _, ...nameless } = event(1);
    expect([seen.isNew(nameless), seen.isNew(nameless)]).toEqual([true, true]);
  });
});
