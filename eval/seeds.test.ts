import { describe, expect, it } from 'vitest';
import { DRAWN_SEEDS, WRITTEN_SEEDS } from './seeds.js';

describe('seeds', () => {
  it.each([
    ['written', WRITTEN_SEEDS],
    ['drawn', DRAWN_SEEDS],
  ])('of %s worlds serve one purpose each', (_, purposes) => {
    const all = Object.values(purposes).flat();
    expect(all.filter((seed, i) => all.indexOf(seed) !== i)).toEqual([]);
  });
});
