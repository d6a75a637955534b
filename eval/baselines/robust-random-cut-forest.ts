import { Random } from '../../world/random.js';
import type { EvalObservation, Scorer } from '../observation.js';
import { Histories, vectorOf } from './history.js';

const TREES = 20;
const POINTS = 128;

interface Node {
  parent: Node | undefined;
  size: number;
  low: number[];
  high: number[];
  /** Inner nodes only. */
  dimension: number;
  cut: number;
  left: Node | undefined;
  right: Node | undefined;
}

/**
 * Robust random cut forest (Guha, Mishra, Roy & Schrijvers, ICML 2016): collusive displacement in trees over the last
 * points, oldest out first; vectors relative to the key.
 */
export class RobustRandomCutForest implements Scorer {
  readonly #histories = new Histories();
  readonly #trees: { root: Node | undefined; points: Node[] }[];
  readonly #random: Random;

  constructor(seed = 1) {
    this.#random = new Random(seed);
    this.#trees = Array.from({ length: TREES }, () => ({ root: undefined, points: [] }));
  }

  score(o: EvalObservation): number {
    const h = this.#histories.of(o.key);
    const x = vectorOf(o, h);
    const settled = h.calls >= 20;
    h.learn(o);
    if (!settled) return 0;
    let displacement = 0;
    for (const tree of this.#trees) {
      // Each tree sees a sample of its own.
      const forget = tree.points.length >= POINTS ? tree.points.shift() : undefined;
      if (forget !== undefined) tree.root = removed(forget);
      const leaf = newLeaf(x);
      tree.root = this.#inserted(tree.root, leaf);
      tree.points.push(leaf);
      displacement += collusiveDisplacement(leaf);
    }
    return displacement / TREES;
  }

  /** The root after the leaf was put in (algorithm InsertPoint of the paper). */
  #inserted(root: Node | undefined, leaf: Node): Node {
    if (root === undefined) return leaf;
    let at = root;
    for (;;) {
      const low = at.low.map((v, i) => Math.min(v, leaf.low[i] as number));
      const high = at.high.map((v, i) => Math.max(v, leaf.high[i] as number));
      const { dimension, cut } = this.#cut(low, high);
      const value = leaf.low[dimension] as number;
      const below = value <= cut && cut < (at.low[dimension] as number);
      const above = value > cut && cut >= (at.high[dimension] as number);
      if (below || above || at.left === undefined)
        return joined(root, at, leaf, low, high, dimension, cut, below);
      at = ((leaf.low[at.dimension] as number) <= at.cut ? at.left : at.right) as Node;
    }
  }

  #cut(low: readonly number[], high: readonly number[]): { dimension: number; cut: number } {
    let total = 0;
    for (let i = 0; i < low.length; i++) total += (high[i] as number) - (low[i] as number);
    let draw = this.#random.next() * total;
    for (let i = 0; i < low.length; i++) {
      const span = (high[i] as number) - (low[i] as number);
      if (draw < span) return { dimension: i, cut: (low[i] as number) + draw };
      draw -= span;
    }
    return { dimension: 0, cut: low[0] as number };
  }
}

function newLeaf(x: number[]): Node {
  return {
    ...{ parent: undefined, size: 1, low: x, high: x },
    ...{ dimension: 0, cut: 0, left: undefined, right: undefined },
  };
}

function joined(
  root: Node,
  at: Node,
  leaf: Node,
  low: number[],
  high: number[],
  dimension: number,
  cut: number,
  leafIsLeft: boolean,
): Node {
  const { parent } = at;
  const node: Node = {
    ...{ parent, size: at.size, low, high, dimension, cut },
    left: leafIsLeft ? leaf : at,
    right: leafIsLeft ? at : leaf,
  };
  at.parent = node;
  leaf.parent = node;
  if (parent !== undefined) {
    if (parent.left === at) parent.left = node;
    else parent.right = node;
  }
  for (let up: Node | undefined = node; up !== undefined; up = up.parent) {
    up.size += 1;
    widen(up, leaf.low);
  }
  return parent === undefined ? node : root;
}

function widen(node: Node, x: readonly number[]): void {
  node.low = node.low.map((v, i) => Math.min(v, x[i] as number));
  node.high = node.high.map((v, i) => Math.max(v, x[i] as number));
}

/** The root after the leaf was taken out; boxes stay a little wide, as the paper allows. */
function removed(leaf: Node): Node | undefined {
  const { parent } = leaf;
  if (parent === undefined) return undefined;
  const sibling = (parent.left === leaf ? parent.right : parent.left) as Node;
  const above = parent.parent;
  sibling.parent = above;
  if (above !== undefined) {
    if (above.left === parent) above.left = sibling;
    else above.right = sibling;
  }
  let root = sibling;
  for (let up = above; up !== undefined; up = up.parent) {
    up.size -= 1;
    root = up;
  }
  return root;
}

function collusiveDisplacement(leaf: Node): number {
  let most = 0;
  for (let at: Node = leaf; at.parent !== undefined; at = at.parent) {
    const sibling = (at.parent.left === at ? at.parent.right : at.parent.left) as Node;
    most = Math.max(most, sibling.size / at.size);
  }
  return most;
}
