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

/** Sum of the leaves that the inputs lead to: log-odds, where the trees were boosted for that. */
export function forestSum({ bias, inputs, thresholds, leaves }: ForestWeights, x: Float64Array): number {
  let sum = bias;
  for (let at = 0, leaf = 0; at < inputs.length; at += DEPTH, leaf += LEAVES) {
    // Numbers, not branches: which way a call goes cannot be predicted. Written out for DEPTH levels, as a loop takes longer.
    const place =
      (passed(x, inputs, thresholds, at) << 4) |
      (passed(x, inputs, thresholds, at + 1) << 3) |
      (passed(x, inputs, thresholds, at + 2) << 2) |
      (passed(x, inputs, thresholds, at + 3) << 1) |
      passed(x, inputs, thresholds, at + 4);
    sum += leaves[leaf + place] as number;
  }
  return sum;
}

function passed(x: Float64Array, inputs: Uint8Array, thresholds: Float64Array, at: number): number {
  return Number((x[inputs[at] as number] as number) > (thresholds[at] as number));
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
