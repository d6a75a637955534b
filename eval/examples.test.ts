import { expect, it } from 'vitest';
import { FEATURE_COUNT } from '../src/detectors/contract.js';
import { INPUTS } from '../src/detectors/odds.js';
import { WEIGHTS } from '../src/detectors/weights.js';
import { openGeo } from '../src/locations/geo.js';
import { type Course, gather, Rows } from './examples.js';
import { worldSet } from './sets.js';

const geo = await openGeo({});
const { sightings } = worldSet(9, geo, { keys: 20, days: 9, thefts: 0, changes: 0 });
const course: Course = {
  ...{ sightings, stolen: [], changing: [], phantoms: 0.004, owners: 0.02, length: 16 },
  ...{ every: 4, phantomWeight: 0.5, places: true, lasts: [60_000, 1.2e8] },
};
const everyInput = Array.from({ length: INPUTS }, (_, i) => i);

function learned() {
  const rows = new Rows();
  gather(course, WEIGHTS, rows);
  return rows.examples(everyInput);
}

it('gathers phantoms among owners, at odds that are set, and the same ones each time', () => {
  const { inputs, labels, weights, size } = learned();
  expect(inputs).toHaveLength(labels.length * size);
  const weight = { 0: 0, 1: 0 };
  const oddness = { 0: 0, 1: 0 };
  labels.forEach((label, row) => {
    const side = label === 1 ? 1 : 0;
    weight[side] += weights[row] as number;
    for (let i = 0; i < FEATURE_COUNT; i++)
      oddness[side] += ((weights[row] as number) * (inputs[row * size + i] as number)) / FEATURE_COUNT;
  });
  expect(weight[1] / weight[0]).toBeCloseTo(0.15, 5);
  expect(oddness[1] / weight[1]).toBeGreaterThan(oddness[0] / weight[0] + 0.5);
  expect(learned()).toEqual({ inputs, labels, weights, size });
});
