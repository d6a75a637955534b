import { Random } from '../../world/random.js';
import type { EvalObservation, Scorer } from '../observation.js';
import { Histories, VECTOR_SIZE, vectorOf } from './history.js';

const TREES = 25;
const DEPTH = 8;
const WINDOW = 250;
const SIZE_MIN = 25;

interface Tree {
  readonly dimension: Uint8Array;
  readonly split: Float64Array;
  reference: Float64Array;
  latest: Float64Array;
}

/** Half-space trees (Tan, Ting & Liu, IJCAI 2011), with the settings of the paper, on vectors relative to the key. */
export class HalfSpaceTrees implements Scorer {
  readonly #histories = new Histories();
  readonly #trees: Tree[];
  #seen = 0;

  constructor(seed = 1) {
    const random = new Random(seed);
    this.#trees = Array.from({ length: TREES }, () => newTree(random));
  }

  score(o: EvalObservation): number {
    const h = this.#histories.of(o.key);
    const x = vectorOf(o, h);
    let mass = 0;
    for (const tree of this.#trees) {
      let at = 0;
      let scored = false;
      for (let depth = 0; depth <= DEPTH; depth++) {
        tree.latest[at] = (tree.latest[at] as number) + 1;
        const here = tree.reference[at] as number;
        if (!scored && (depth === DEPTH || here <= SIZE_MIN)) {
          mass += here * 2 ** depth;
          scored = true;
        }
        if (depth === DEPTH) break;
        at = 2 * at + ((x[tree.dimension[at] as number] as number) < (tree.split[at] as number) ? 1 : 2);
      }
    }
    this.#seen += 1;
    if (this.#seen % WINDOW === 0)
      for (const tree of this.#trees) {
        tree.reference = tree.latest;
        tree.latest = new Float64Array(tree.reference.length);
      }
    h.learn(o);
    return this.#seen <= WINDOW || h.calls < 20 ? -1e9 : -mass;
  }
}

function newTree(random: Random): Tree {
  const nodes = 2 ** (DEPTH + 1) - 1;
  const tree: Tree = {
    dimension: new Uint8Array(nodes),
    split: new Float64Array(nodes),
    reference: new Float64Array(nodes),
    latest: new Float64Array(nodes),
  };
  const grow = (at: number, low: readonly number[], high: readonly number[], depth: number): void => {
    if (depth === DEPTH) return;
    const dimension = random.int(0, VECTOR_SIZE - 1);
    const split = ((low[dimension] as number) + (high[dimension] as number)) / 2;
    tree.dimension[at] = dimension;
    tree.split[at] = split;
    const replace = (range: readonly number[]) => range.map((v, i) => (i === dimension ? split : v));
    grow(2 * at + 1, low, replace(high), depth + 1);
    grow(2 * at + 2, replace(low), high, depth + 1);
  };
  const middle = Array.from({ length: VECTOR_SIZE }, () => random.next());
  const reach = middle.map((s) => 2 * Math.max(s, 1 - s));
  grow(
    0,
    middle.map((s, i) => s - (reach[i] as number)),
    middle.map((s, i) => s + (reach[i] as number)),
    0,
  );
  return tree;
}
