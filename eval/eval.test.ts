import { describe, expect, it } from 'vitest';
import { BASELINES } from './detectors.js';
import { area, share, thresholdFor } from './metrics.js';
import type { EvalObservation } from './observation.js';
import { linePlot } from './plot.js';

describe('metrics', () => {
  it('give the area, with ties as halves', () => {
    expect(area([3, 4], [1, 2])).toBe(1);
    expect(area([1, 2], [3, 4])).toBe(0);
    expect(area([1], [1])).toBe(0.5);
  });

  it('give a threshold that leaves what is allowed', () => {
    const values = [5, 4, 3, 2, 1];
    const above = (threshold: number) => values.filter((value) => value >= threshold).length;
    for (const allowed of [0, 1, 3]) expect(above(thresholdFor(values, allowed))).toBe(allowed);
  });

  it('give an interval around the share', () => {
    const { mean, low, high } = share(Array.from({ length: 50 }, (_, i) => i % 2 === 0));
    expect(mean).toBe(0.5);
    expect(low).toBeGreaterThan(0.3);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeLessThan(0.7);
  });
});

const STRANGER = {
  prefix: '203.0.113',
  asn: '2',
  country: 'RO',
  userAgent: 'x',
  privilege: 4,
  bytesOut: 9e6,
};

/** Three keys; the third is the one whose ways the thief has. */
const usual = (n: number): EvalObservation => ({
  timeMs: Date.UTC(2026, 0, 1) + n * 600_000,
  key: `k${n % 3}`,
  address: `192.0.2.${n % 3}`,
  prefix: '192.0.2',
  asn: '1',
  country: 'DE',
  userAgent: 'cron/1',
  operation: n % 2 === 0 ? 'a' : 'b',
  privilege: 1,
  objects: [],
  status: 200,
  bytesOut: 1000,
  ...(n % 3 === 2 ? { ...STRANGER, operation: 'z' } : {}),
});
const odd: EvalObservation = { ...usual(3002), key: 'k1' };

describe.each(Object.entries(BASELINES))('%s', (_name, make) => {
  it('sees a planted stranger, and is deterministic', () => {
    const run = () => {
      const scorer = make(3000);
      const scores = Array.from({ length: 3000 }, (_, n) => scorer.score(usual(n)));
      const planted = Array.from({ length: 5 }, () => scorer.score(odd));
      return { scores, planted };
    };
    const { scores, planted } = run();
    const late = scores.slice(1500).sort((a, b) => a - b);
    expect(Math.max(...planted)).toBeGreaterThan(late[Math.floor(late.length * 0.99)] as number);
    expect(run().planted).toEqual(planted);
  });
});

it('plots what it is given', () => {
  const svg = linePlot('t', 'x', 'y', [
    {
      name: 'Keyward',
      points: [
        [1, 0.5],
        [10, 0.9],
      ],
    },
  ]);
  expect(svg).toContain('<polyline');
  expect(svg).toContain('Keyward');
});
