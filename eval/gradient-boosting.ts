import { DEPTH, type ForestWeights, LEAVES, SPLITS } from '../src/detectors/forest.js';

/** Examples by column, so that the histograms of one input are one pass. */
export interface Examples {
  /** Rows of `size` inputs, one after the other. */
  readonly inputs: Float32Array;
  readonly labels: Uint8Array;
  readonly weights: Float32Array;
  readonly size: number;
}

export interface BoostingOptions {
  readonly trees: number;
  readonly rate: number;
  /** The first so many inputs can only raise the odds. */
  readonly rising: number;
}

const BINS = 64;
const RIDGE = 5;
/** Least curvature on each side of a split: a leaf that few examples vouch for says nothing. */
const CURVATURE_MIN = 4;
const QUANTILE_SAMPLE = 50_000;

interface Node {
  readonly low: number;
  readonly high: number;
}

/**
 * Gradient boosting of logistic loss (Friedman, Annals of Statistics 2001) with Newton steps and histograms (Chen &
 * Guestrin, KDD 2016): complete trees of fixed depth, monotone in the inputs that must be.
 */
export function boost(
  examples: Examples,
  options: BoostingOptions,
): ForestWeights & { readonly loss: number } {
  const { labels, weights, size } = examples;
  const rows = labels.length;
  const edges = quantiles(examples);
  const binned = binsOf(examples, edges);
  const bias = priorOdds(labels, weights);
  const odds = new Float64Array(rows).fill(bias);
  const forest = {
    bias,
    inputs: new Uint8Array(options.trees * SPLITS),
    thresholds: new Float32Array(options.trees * SPLITS).fill(Number.POSITIVE_INFINITY),
    leaves: new Float32Array(options.trees * LEAVES),
  };
  const gradient = new Float64Array(rows);
  const curvature = new Float64Array(rows);
  let loss = 0;
  for (let tree = 0; tree < options.trees; tree++) {
    loss = 0;
    let total = 0;
    for (let i = 0; i < rows; i++) {
      const p = 1 / (1 + Math.exp(-(odds[i] as number)));
      const w = weights[i] as number;
      gradient[i] = w * (p - (labels[i] as number));
      curvature[i] = w * p * (1 - p);
      loss -= w * Math.log(Math.max(1e-9, labels[i] === 1 ? p : 1 - p));
      total += w;
    }
    loss /= total;
    grow(
      { binned, edges, gradient, curvature, size, rows, rising: options.rising },
      forest,
      tree,
      options.rate,
      odds,
    );
  }
  return { ...forest, loss };
}

interface Stage {
  readonly binned: readonly Uint8Array[];
  readonly edges: readonly Float32Array[];
  readonly gradient: Float64Array;
  readonly curvature: Float64Array;
  readonly size: number;
  readonly rows: number;
  readonly rising: number;
}

function grow(stage: Stage, forest: ForestWeights, tree: number, rate: number, odds: Float64Array): void {
  const { rows, binned } = stage;
  const at = new Uint8Array(rows);
  let nodes: Node[] = [{ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }];
  for (let level = 0; level < DEPTH; level++) {
    const splits = bestSplits(stage, at, nodes);
    const next: Node[] = [];
    splits.forEach((split, node) => {
      const bounds = nodes[node] as Node;
      const place = tree * SPLITS + (1 << level) - 1 + node;
      if (split.gain <= 0) {
        next.push(bounds, bounds);
        return;
      }
      forest.inputs[place] = split.input;
      forest.thresholds[place] = (stage.edges[split.input] as Float32Array)[split.bin] as number;
      if (split.input >= stage.rising) next.push(bounds, bounds);
      else next.push({ low: bounds.low, high: split.middle }, { low: split.middle, high: bounds.high });
    });
    for (let i = 0; i < rows; i++) {
      const node = at[i] as number;
      const { gain, input, bin } = splits[node] as Split;
      const right = gain > 0 && ((binned[input] as Uint8Array)[i] as number) > bin ? 1 : 0;
      at[i] = node * 2 + right;
    }
    nodes = next;
  }
  settle(stage, at, nodes, forest, tree, rate, odds);
}

function settle(
  { gradient, curvature, rows }: Stage,
  at: Uint8Array,
  nodes: readonly Node[],
  forest: ForestWeights,
  tree: number,
  rate: number,
  odds: Float64Array,
): void {
  const g = new Float64Array(LEAVES);
  const h = new Float64Array(LEAVES);
  for (let i = 0; i < rows; i++) {
    const leaf = at[i] as number;
    g[leaf] = (g[leaf] as number) + (gradient[i] as number);
    h[leaf] = (h[leaf] as number) + (curvature[i] as number);
  }
  for (let leaf = 0; leaf < LEAVES; leaf++)
    forest.leaves[tree * LEAVES + leaf] =
      rate * step(g[leaf] as number, h[leaf] as number, nodes[leaf] as Node);
  for (let i = 0; i < rows; i++)
    odds[i] = (odds[i] as number) + (forest.leaves[tree * LEAVES + (at[i] as number)] as number);
}

function step(g: number, h: number, { low, high }: Node): number {
  return Math.max(low, Math.min(high, -g / (h + RIDGE)));
}

interface Split {
  gain: number;
  input: number;
  bin: number;
  middle: number;
}

function bestSplits(stage: Stage, at: Uint8Array, nodes: readonly Node[]): Split[] {
  const { binned, gradient, curvature, size, rows, rising } = stage;
  const best = nodes.map((): Split => ({ gain: 0, input: 0, bin: 0, middle: 0 }));
  const g = new Float64Array(nodes.length * BINS);
  const h = new Float64Array(nodes.length * BINS);
  for (let input = 0; input < size; input++) {
    const bins = binned[input] as Uint8Array;
    g.fill(0);
    h.fill(0);
    for (let i = 0; i < rows; i++) {
      const place = (at[i] as number) * BINS + (bins[i] as number);
      g[place] = (g[place] as number) + (gradient[i] as number);
      h[place] = (h[place] as number) + (curvature[i] as number);
    }
    nodes.forEach((node, n) => {
      const from = n * BINS;
      consider(
        g.subarray(from, from + BINS),
        h.subarray(from, from + BINS),
        node,
        input,
        input < rising,
        best[n] as Split,
      );
    });
  }
  return best;
}

/** Keeps the best cut of one input in `best`. */
function consider(
  g: Float64Array,
  h: Float64Array,
  node: Node,
  input: number,
  rising: boolean,
  best: Split,
): void {
  const allG = g.reduce((sum, each) => sum + each, 0);
  const allH = h.reduce((sum, each) => sum + each, 0);
  const whole = benefit(allG, allH, step(allG, allH, node));
  let leftG = 0;
  let leftH = 0;
  for (let bin = 0; bin < BINS - 1; bin++) {
    leftG += g[bin] as number;
    leftH += h[bin] as number;
    const rightH = allH - leftH;
    if (leftH < CURVATURE_MIN || rightH < CURVATURE_MIN) continue;
    const left = step(leftG, leftH, node);
    const right = step(allG - leftG, rightH, node);
    if (rising && left > right) continue;
    const gain = benefit(leftG, leftH, left) + benefit(allG - leftG, rightH, right) - whole;
    if (gain <= best.gain + 1e-9) continue;
    Object.assign(best, { gain, input, bin, middle: (left + right) / 2 });
  }
}

/** Fall of the loss when a node takes this value. */
function benefit(g: number, h: number, value: number): number {
  return -(g * value + ((h + RIDGE) * value * value) / 2);
}

function priorOdds(labels: Uint8Array, weights: Float32Array): number {
  let ones = 0;
  let all = 0;
  labels.forEach((label, i) => {
    all += weights[i] as number;
    if (label === 1) ones += weights[i] as number;
  });
  return Math.log(ones / (all - ones));
}

function quantiles({ inputs, size, labels }: Examples): Float32Array[] {
  const rows = labels.length;
  const stride = Math.max(1, Math.floor(rows / QUANTILE_SAMPLE));
  return Array.from({ length: size }, (_, input) => {
    const values: number[] = [];
    for (let i = 0; i < rows; i += stride) values.push(inputs[i * size + input] as number);
    values.sort((a, b) => a - b);
    const edges = new Set<number>();
    for (let bin = 1; bin < BINS; bin++)
      edges.add(Math.fround(values[Math.floor((bin * values.length) / BINS)] as number));
    // Below and at the edge: left.
    return Float32Array.from([...edges].sort((a, b) => a - b));
  });
}

function binsOf({ inputs, size, labels }: Examples, edges: readonly Float32Array[]): Uint8Array[] {
  return edges.map((cuts, input) =>
    Uint8Array.from(labels, (_, i) => {
      const value = inputs[i * size + input] as number;
      let low = 0;
      let high = cuts.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value > (cuts[middle] as number)) low = middle + 1;
        else high = middle;
      }
      return low;
    }),
  );
}
