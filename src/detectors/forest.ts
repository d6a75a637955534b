/** Levels of every tree. */
export const DEPTH = 4;
export const SPLITS = (1 << DEPTH) - 1;
export const LEAVES = 1 << DEPTH;

/** Complete binary trees in heap order, one after the other. A threshold of infinity leads left. */
export interface ForestWeights {
  readonly bias: number;
  /** Input of each split. */
  readonly inputs: Uint8Array;
  readonly thresholds: Float32Array;
  readonly leaves: Float32Array;
}

/** Sum of the leaves that the inputs lead to: log-odds, where the trees were boosted for that. */
export function forestSum({ bias, inputs, thresholds, leaves }: ForestWeights, x: Float64Array): number {
  let sum = bias;
  for (let split = 0, leaf = 0; split < inputs.length; split += SPLITS, leaf += LEAVES) {
    let node = 0;
    for (let level = 0; level < DEPTH; level++) {
      const at = split + node;
      // A number, not a branch: which way a call goes cannot be predicted.
      node = 2 * node + 1 + Number((x[inputs[at] as number] as number) > (thresholds[at] as number));
    }
    sum += leaves[leaf + node - SPLITS] as number;
  }
  return sum;
}

/** Reads what {@link encodeForest} wrote. */
export function decodeForest(text: string): ForestWeights {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const trees = view.getUint32(0, true);
  let at = 8;
  const floats = (count: number) => {
    const values = Float32Array.from({ length: count }, (_, i) => view.getFloat32(at + i * 4, true));
    at += count * 4;
    return values;
  };
  const thresholds = floats(trees * SPLITS);
  const leaves = floats(trees * LEAVES);
  return { bias: view.getFloat32(4, true), inputs: bytes.slice(at, at + trees * SPLITS), thresholds, leaves };
}

/** Little-endian, base64: number of trees, bias, thresholds, leaves, inputs. */
export function encodeForest({ bias, inputs, thresholds, leaves }: ForestWeights): string {
  const bytes = new Uint8Array(8 + (thresholds.length + leaves.length) * 4 + inputs.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, inputs.length / SPLITS, true);
  view.setFloat32(4, bias, true);
  let at = 8;
  for (const values of [thresholds, leaves]) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  bytes.set(inputs, at);
  return btoa(String.fromCharCode(...bytes));
}
