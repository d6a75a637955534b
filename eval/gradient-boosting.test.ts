import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeForest, encodeForest, Forest } from '../src/detectors/forest.js';
import { Random } from '../world/random.js';
import { boost } from './gradient-boosting.js';

const ROWS = 4_000;
const OPTIONS = { trees: 20, rate: 0.3, rising: 2, rowShare: 0.7, inputShare: 0.9, seed: 1 };

/** Two inputs that bear on the label together, one of them against the direction it must have, and one of noise. */
function examples() {
  const random = new Random(7);
  const inputs = new Float32Array(ROWS * 3);
  const labels = new Uint8Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const [a, b, noise] = [random.next(), random.next(), random.next()];
    inputs.set([a, b, noise], i * 3);
    labels[i] = Number(a > 0.5 && b > 0.3 && b < 0.9);
  }
  return { inputs, labels, weights: new Float32Array(ROWS).fill(1), size: 3 };
}

describe('boosting', () => {
  const { loss, ...forest } = boost(examples(), OPTIONS);
  const asked = new Forest(forest);

  it('learns what goes together', () => {
    const odds = (a: number, b: number) => asked.sum(Float64Array.of(a, b, 0.5));
    expect(loss).toBeLessThan(0.3);
    expect(odds(0.8, 0.6)).toBeGreaterThan(1);
    expect(odds(0.8, 0.1)).toBeLessThan(-1);
    expect(odds(0.2, 0.6)).toBeLessThan(-1);
  });

  it('never falls where an input that can only raise the odds rises', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, unit, unit, (a, b, more, further, noise) => {
        const less = asked.sum(Float64Array.of(a, b, noise));
        const larger = asked.sum(Float64Array.of(a + more, b + further, noise));
        expect(larger).toBeGreaterThanOrEqual(less - 1e-9);
      }),
    );
  });

  it('gives the same trees for the same seed', () => {
    expect(encodeForest(boost(examples(), OPTIONS))).toBe(encodeForest(forest));
    expect(encodeForest(boost(examples(), { ...OPTIONS, seed: 2 }))).not.toBe(encodeForest(forest));
  });

  it('is read as it was written', () => {
    const text = encodeForest(forest);
    expect(encodeForest(decodeForest(text))).toBe(text);
  });
});
