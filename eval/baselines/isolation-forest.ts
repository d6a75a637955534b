import { Random } from '../../world/random.js';
import type { EvalObservation, Scorer } from '../observation.js';
import { Histories, VECTOR_SIZE, vectorOf } from './history.js';

const TREES = 100;
const SAMPLE = 256;
const DEPTH_MAX = 8;

type Node =
  | { readonly leaf: true; readonly size: number }
  | {
      readonly leaf: false;
      readonly dimension: number;
      readonly split: number;
      readonly low: Node;
      readonly high: Node;
    };

/** Isolation forest (Liu, Ting & Zhou, ICDM 2008), grown once from the first `train` observations of all keys. */
export class IsolationForest implements Scorer {
  readonly #histories = new Histories();
  readonly #train: number;
  readonly #random: Random;
  #kept: number[][] = [];
  #trees: Node[] | undefined;
  #seen = 0;

  constructor(train: number, seed = 1) {
    this.#train = train;
    this.#random = new Random(seed);
  }

  score(o: EvalObservation): number {
    const h = this.#histories.of(o.key);
    const x = vectorOf(o, h);
    const settled = h.calls >= 20;
    h.learn(o);
    this.#seen += 1;
    if (this.#trees === undefined) {
      if (settled) this.#kept.push(x);
      if (this.#seen >= this.#train && this.#kept.length >= SAMPLE) {
        this.#trees = Array.from({ length: TREES }, () => this.#grow(this.#sample(), 0));
        this.#kept = [];
      }
      return 0;
    }
    if (!settled) return 0;
    let depth = 0;
    for (const tree of this.#trees) depth += pathLength(tree, x, 0);
    return 2 ** (-depth / TREES / averagePath(SAMPLE));
  }

  #sample(): number[][] {
    return Array.from({ length: SAMPLE }, () => this.#random.pick(this.#kept));
  }

  #grow(points: readonly number[][], depth: number): Node {
    if (depth === DEPTH_MAX || points.length <= 1) return { leaf: true, size: points.length };
    const dimension = this.#random.int(0, VECTOR_SIZE - 1);
    const values = points.map((point) => point[dimension] as number);
    const least = Math.min(...values);
    const most = Math.max(...values);
    if (least === most) return { leaf: true, size: points.length };
    const split = this.#random.between(least, most);
    const low = points.filter((point) => (point[dimension] as number) < split);
    const high = points.filter((point) => (point[dimension] as number) >= split);
    return {
      leaf: false,
      dimension,
      split,
      low: this.#grow(low, depth + 1),
      high: this.#grow(high, depth + 1),
    };
  }
}

function pathLength(node: Node, x: readonly number[], depth: number): number {
  if (node.leaf) return depth + averagePath(node.size);
  return pathLength((x[node.dimension] as number) < node.split ? node.low : node.high, x, depth + 1);
}

/** Average path of an unsuccessful search in a binary tree of n points. */
function averagePath(n: number): number {
  if (n <= 1) return 0;
  return 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n;
}
