import { DEPTH, type ForestWeights, LEAVES } from '../src/detectors/forest.js';
import { Random } from '../world/random.js';

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
  /** Share of the rows, and of the inputs, that each tree learns from. */
  readonly rowShare: number;
  readonly inputShare: number;
  readonly seed: number;
}

const BINS = 64;
const RIDGE = 5;
/** Least curvature on each side of a split: a leaf that few examples vouch for says nothing. */
const CURVATURE_MIN = 4;
const QUANTILE_SAMPLE = 50_000;

/** What the leaves below a node may say. */
interface Node {
  readonly low: number;
  readonly high: number;
}

/**
 * Stochastic gradient boosting of logistic loss (Friedman, Computational Statistics & Data Analysis 2002) with Newton steps
 * and histograms (Chen & Guestrin, KDD 2016): symmetric trees of fixed depth, as of CatBoost (Prokhorenkova et al., NeurIPS
 * 2018), monotone in the inputs that must be.
 */
export function boost(
  examples: Examples,
  options: BoostingOptions,
): ForestWeights & { readonly loss: number } {
  const { labels, weights, size } = examples;
  const edges = quantiles(examples);
  const binned = binsOf(examples, edges);
  const bias = priorOdds(labels, weights);
  const odds = new Float64Array(labels.length).fill(bias);
  const forest = {
    bias,
    inputs: new Uint8Array(options.trees * DEPTH),
    thresholds: new Float64Array(options.trees * DEPTH).fill(Number.POSITIVE_INFINITY),
    leaves: new Float64Array(options.trees * LEAVES),
  };
  const random = new Random(options.seed);
  const stage = {
    binned,
    edges,
    rising: options.rising,
    gradient: new Float64Array(labels.length),
    curvature: new Float64Array(labels.length),
  };
  for (let tree = 0; tree < options.trees; tree++) {
    slopes(examples, odds, stage);
    const rows = sample(labels.length, options.rowShare, random);
    const inputs = sample(size, options.inputShare, random);
    const { leafOf, nodes } = grow(stage, rows, inputs, forest, tree);
    const values = leaves(stage, rows, leafOf, nodes);
    values.forEach((value, leaf) => {
      forest.leaves[tree * LEAVES + leaf] = options.rate * value;
    });
    for (let i = 0; i < odds.length; i++)
      odds[i] = (odds[i] as number) + options.rate * (values[leafOf[i] as number] as number);
  }
  return { ...forest, loss: lossOf(examples, odds) };
}

interface Stage {
  /** Of each input: the bin of every row, and the upper edges of the bins. */
  readonly binned: readonly Uint8Array[];
  readonly edges: readonly Float32Array[];
  readonly gradient: Float64Array;
  readonly curvature: Float64Array;
  readonly rising: number;
}

/** First and second derivative of the loss at the odds so far. */
function slopes({ labels, weights }: Examples, odds: Float64Array, { gradient, curvature }: Stage): void {
  for (let i = 0; i < odds.length; i++) {
    const p = probability(odds[i] as number);
    const w = weights[i] as number;
    gradient[i] = w * (p - (labels[i] as number));
    curvature[i] = w * p * (1 - p);
  }
}

function lossOf({ labels, weights }: Examples, odds: Float64Array): number {
  let loss = 0;
  let total = 0;
  odds.forEach((each, i) => {
    const p = probability(each);
    loss -= (weights[i] as number) * Math.log(Math.max(1e-9, labels[i] === 1 ? p : 1 - p));
    total += weights[i] as number;
  });
  return loss / total;
}

function probability(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

function sample(of: number, share: number, random: Random): Int32Array {
  const chosen: number[] = [];
  for (let i = 0; i < of; i++) if (random.chance(share)) chosen.push(i);
  return Int32Array.from(chosen);
}

/** Asks one question a level; gives the leaf that each row comes to, and what the leaves may say. */
function grow(
  stage: Stage,
  rows: Int32Array,
  inputs: Int32Array,
  forest: Pick<ForestWeights, 'inputs' | 'thresholds'>,
  tree: number,
): { leafOf: Uint8Array; nodes: readonly Node[] } {
  const leafOf = new Uint8Array(stage.gradient.length);
  let nodes: readonly Node[] = [{ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }];
  for (let level = 0; level < DEPTH; level++) {
    const { gain, input, bin, middles } = bestSplit(stage, rows, inputs, leafOf, nodes);
    const place = tree * DEPTH + level;
    if (gain > 0) {
      forest.inputs[place] = input;
      forest.thresholds[place] = stage.edges[input]?.[bin] as number;
    }
    const bins = stage.binned[input] as Uint8Array;
    for (let i = 0; i < leafOf.length; i++)
      leafOf[i] = 2 * (leafOf[i] as number) + Number(gain > 0 && (bins[i] as number) > bin);
    nodes = nodes.flatMap((node, n) => {
      if (gain <= 0 || input >= stage.rising) return [node, node];
      const middle = Math.max(node.low, Math.min(node.high, middles[n] as number));
      return [
        { low: node.low, high: middle },
        { low: middle, high: node.high },
      ];
    });
  }
  return { leafOf, nodes };
}

/** Newton's step of each leaf. */
function leaves(
  { gradient, curvature }: Stage,
  rows: Int32Array,
  leafOf: Uint8Array,
  nodes: readonly Node[],
): Float64Array {
  const g = new Float64Array(LEAVES);
  const h = new Float64Array(LEAVES);
  for (const i of rows) {
    const leaf = leafOf[i] as number;
    g[leaf] = (g[leaf] as number) + (gradient[i] as number);
    h[leaf] = (h[leaf] as number) + (curvature[i] as number);
  }
  return g.map((each, leaf) => step(each, h[leaf] as number, nodes[leaf] as Node));
}

function step(g: number, h: number, { low, high }: Node): number {
  return Math.max(low, Math.min(high, -g / (h + RIDGE)));
}

interface Split {
  readonly gain: number;
  readonly input: number;
  readonly bin: number;
  /** Of each node, what lies between its two sides. */
  readonly middles: Float64Array;
}

/** The question that helps all nodes together most. */
function bestSplit(
  stage: Stage,
  rows: Int32Array,
  inputs: Int32Array,
  at: Uint8Array,
  nodes: readonly Node[],
): Split {
  let best: Split = { gain: 0, input: 0, bin: 0, middles: new Float64Array(nodes.length) };
  const g = new Float64Array(nodes.length * BINS);
  const h = new Float64Array(nodes.length * BINS);
  for (const input of inputs) {
    histograms(stage, rows, input, at, g, h);
    const bins = stage.edges[input]?.length as number;
    const gains = new Float64Array(bins);
    const middles = nodes.map((node, n) => {
      const from = n * BINS;
      const sums = { g: g.subarray(from, from + BINS), h: h.subarray(from, from + BINS) };
      return addGains(sums, node, input < stage.rising, gains);
    });
    gains.forEach((gain, bin) => {
      if (gain > best.gain)
        best = { gain, input, bin, middles: Float64Array.from(middles, (each) => each[bin] as number) };
    });
  }
  return best;
}

function histograms(
  { binned, gradient, curvature }: Stage,
  rows: Int32Array,
  input: number,
  at: Uint8Array,
  g: Float64Array,
  h: Float64Array,
): void {
  const bins = binned[input] as Uint8Array;
  g.fill(0);
  h.fill(0);
  for (let row = 0; row < rows.length; row++) {
    const i = rows[row] as number;
    const place = (at[i] as number) * BINS + (bins[i] as number);
    g[place] = (g[place] as number) + (gradient[i] as number);
    h[place] = (h[place] as number) + (curvature[i] as number);
  }
}

/** Adds what each cut of one node gains, and gives what lies between its sides: the node's own step where it must not be cut. */
function addGains(
  { g, h }: { g: Float64Array; h: Float64Array },
  node: Node,
  rising: boolean,
  gains: Float64Array,
): Float64Array {
  const allG = g.reduce((sum, each) => sum + each, 0);
  const allH = h.reduce((sum, each) => sum + each, 0);
  const own = step(allG, allH, node);
  const whole = benefit(allG, allH, own);
  let leftG = 0;
  let leftH = 0;
  const middles = new Float64Array(gains.length).fill(own);
  for (let bin = 0; bin < gains.length; bin++) {
    leftG += g[bin] as number;
    leftH += h[bin] as number;
    const rightH = allH - leftH;
    if (leftH < CURVATURE_MIN || rightH < CURVATURE_MIN) continue;
    const left = step(leftG, leftH, node);
    const right = step(allG - leftG, rightH, node);
    if (rising && left > right) continue;
    const gain = benefit(leftG, leftH, left) + benefit(allG - leftG, rightH, right) - whole;
    gains[bin] = (gains[bin] as number) + gain;
    middles[bin] = (left + right) / 2;
  }
  return middles;
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
