/** Levels of every tree. */
export const DEPTH = 5;
export const LEAVES = 1 << DEPTH;

/**
 * Symmetric trees (Kohavi & Li, IJCAI 1995): each level asks one question, whatever was answered before, so that no answer
 * waits for another. A threshold of infinity is never passed.
 */
export interface ForestWeights {
  readonly bias: number;
  /** Input that each level of each tree asks for. */
  readonly inputs: Uint8Array;
  readonly thresholds: Float64Array;
  /** The first level's answer is the highest bit of a leaf's place. */
  readonly leaves: Float64Array;
}

/** Inputs lie within ± this. */
export const INPUT_MAX = 16;
/** Inputs and thresholds as whole numbers: steps of 2⁻¹⁹. Both begin above the bits that say which input is asked for. */
const SCALE = 2 ** 19;
const FURTHEST = INPUT_MAX * SCALE - 1;
const INPUT_BITS = 7;
const INPUT_MASK = (1 << INPUT_BITS) - 1;

/**
 * A forest ready to be asked. Which way a call goes cannot be predicted, so nothing branches on it: a question is one whole
 * number, a threshold above the input it asks for, and the answer is the sign of a difference.
 */
export class Forest {
  readonly #bias: number;
  readonly #questions: Int32Array;
  readonly #leaves: Float64Array;
  readonly #x = new Int32Array(INPUT_MASK + 1);

  constructor({ bias, inputs, thresholds, leaves }: ForestWeights) {
    this.#bias = bias;
    this.#leaves = leaves;
    this.#questions = Int32Array.from(thresholds, (threshold, at) => {
      const whole = Math.max(-FURTHEST, Math.min(FURTHEST, Math.trunc(threshold * SCALE)));
      return (whole << INPUT_BITS) | (inputs[at] as number);
    });
  }

  /**
   * Sum of the leaves that the inputs lead to: log-odds, where the trees were boosted for that.
   * @param inputs at most 128, each within ±{@link INPUT_MAX}
   */
  sum(inputs: Float64Array): number {
    const x = this.#x;
    const questions = this.#questions;
    const leaves = this.#leaves;
    for (let i = 0; i < inputs.length; i++) x[i] = ((inputs[i] as number) * SCALE) << INPUT_BITS;
    let sum = this.#bias;
    // Written out for DEPTH levels, as a loop takes longer.
    for (let at = 0, leaf = 0; at < questions.length; at += DEPTH, leaf += LEAVES) {
      const place =
        (passed(x, questions[at] as number) << 4) |
        (passed(x, questions[at + 1] as number) << 3) |
        (passed(x, questions[at + 2] as number) << 2) |
        (passed(x, questions[at + 3] as number) << 1) |
        passed(x, questions[at + 4] as number);
      sum += leaves[leaf + place] as number;
    }
    return sum;
  }
}

/** 1 where the input is above the threshold, 0 elsewhere: the lowest bits of the question are less than a step. */
function passed(x: Int32Array, question: number): number {
  return (question - (x[question & INPUT_MASK] as number)) >>> 31;
}

/** Reads what {@link encodeForest} wrote. */
export function decodeForest(text: string): ForestWeights {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const trees = view.getUint32(0, true);
  let at = 8;
  const floats = (count: number) => {
    const values = Float64Array.from({ length: count }, (_, i) => view.getFloat32(at + i * 4, true));
    at += count * 4;
    return values;
  };
  const thresholds = floats(trees * DEPTH);
  const leaves = floats(trees * LEAVES);
  return { bias: view.getFloat32(4, true), inputs: bytes.slice(at, at + trees * DEPTH), thresholds, leaves };
}

/** Little-endian, base64: number of trees, bias, thresholds, leaves (single precision), inputs. */
export function encodeForest({ bias, inputs, thresholds, leaves }: ForestWeights): string {
  const bytes = new Uint8Array(8 + (thresholds.length + leaves.length) * 4 + inputs.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, inputs.length / DEPTH, true);
  view.setFloat32(4, bias, true);
  let at = 8;
  for (const values of [thresholds, leaves]) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  bytes.set(inputs, at);
  return Buffer.from(bytes).toString('base64');
}
