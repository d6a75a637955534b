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
  ...{ every: 4, phantomWeight: 0.5, kept: 1, weight: 1, places: true, lasts: [60_000, 1.2e8] },
};
const everyInput = Array.from({ length: INPUTS }, (_, i) => i);

function learned(kept = 1, weight = 1) {
  const rows = new Rows();
  gather({ ...course, kept, weight }, WEIGHTS, rows);
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

it('keeps a share of the examples, at the same odds, and weighs a course as it says', () => {
  const all = learned();
  const some = learned(0.25, 0.5);
  expect(some.labels.length / all.labels.length).toBeGreaterThan(0.2);
  expect(some.labels.length / all.labels.length).toBeLessThan(0.3);
  const weightOf = ({ labels, weights }: typeof all, of: number) =>
    weights.reduce((sum, each, row) => (labels[row] === of ? sum + each : sum), 0);
  expect(weightOf(some, 1) / weightOf(some, 0)).toBeCloseTo(0.15, 5);
  expect(weightOf(some, 0) / some.labels.filter((label) => label === 0).length).toBeCloseTo(0.5, 5);
  expect(some.inputs).toHaveLength(some.labels.length * some.size);
});
