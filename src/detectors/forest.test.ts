import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEPTH, Forest, type ForestWeights, LEAVES } from './forest.js';

const INPUTS = 6;
const STEP = 2 ** -19;

/** Trees with thresholds that inputs meet exactly, and leaves that tell them apart. */
const forests: fc.Arbitrary<ForestWeights> = fc
  .array(
    fc.record({
      input: fc.nat(INPUTS - 1),
      threshold: fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)),
    }),
    { minLength: DEPTH, maxLength: 4 * DEPTH },
  )
  .map((questions) => questions.slice(0, questions.length - (questions.length % DEPTH)))
  .map((questions) => ({
    bias: -1,
    inputs: Uint8Array.from(questions, ({ input }) => input),
    thresholds: Float64Array.from(questions, ({ threshold }) => threshold),
    leaves: Float64Array.from({ length: (questions.length / DEPTH) * LEAVES }, (_, leaf) => 2 ** (leaf % 40)),
  }));

const input = fc
  .tuple(fc.integer({ min: -12, max: 12 }), fc.constantFrom(-0.5, -STEP, 0, STEP, 0.5))
  .map(([whole, beside]) => whole + beside);

/** The definition, question by question. */
function answer({ bias, inputs, thresholds, leaves }: ForestWeights, x: readonly number[]): number {
  let sum = bias;
  for (let tree = 0; tree < inputs.length / DEPTH; tree++) {
    let place = 0;
    for (let at = tree * DEPTH; at < (tree + 1) * DEPTH; at++)
      place = 2 * place + Number((x[inputs[at] as number] as number) > (thresholds[at] as number));
    sum += leaves[tree * LEAVES + place] as number;
  }
  return sum;
}

it('answers as its questions say, at thresholds and a step beside them', () => {
  fc.assert(
    fc.property(forests, fc.array(input, { minLength: INPUTS, maxLength: INPUTS }), (weights, x) => {
      expect(new Forest(weights).sum(Float64Array.from(x))).toBe(answer(weights, x));
    }),
  );
});
