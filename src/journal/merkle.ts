import { hash } from 'node:crypto';

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
const HASH_BYTES = 32;
const SCRATCH_BYTES = 64 * 1024;

// One hash at a time and never across an await, so one scratch buffer serves all.
const scratch = Buffer.alloc(SCRATCH_BYTES);

export function sha256(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}

/** Leaf hash, RFC 6962 section 2.1: SHA-256(0x00 || data). */
export function leafHash(data: Uint8Array): Buffer {
  const target = data.length < SCRATCH_BYTES ? scratch : Buffer.alloc(data.length + 1);
  target[0] = LEAF_PREFIX;
  target.set(data, 1);
  return sha256(target.subarray(0, data.length + 1));
}

/** Interior node hash, RFC 6962 section 2.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  scratch[0] = NODE_PREFIX;
  scratch.set(left, 1);
  scratch.set(right, 1 + HASH_BYTES);
  return sha256(scratch.subarray(0, 1 + 2 * HASH_BYTES));
}

/** Merkle tree hash of leaf hashes, RFC 6962 section 2.1, level by level. The hash of no leaves is SHA-256(""). */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) level = parents(level);
  return level[0] ?? sha256(new Uint8Array(0));
}

/**
 * Pairs neighbours; an odd last node rises unchanged. This is the RFC's tree: its split at the largest power
 * of two smaller than n leaves exactly the last subtree of each level incomplete.
 */
function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = level[at] as Uint8Array;
    const right = level[at + 1];
    above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/** Audit path of leaf `index`, RFC 6962 section 2.1.1: sibling hashes from the leaf upwards. */
export function inclusionPath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`No leaf ${index} in a tree of ${leaves.length}.`);
  }
  const path: Uint8Array[] = [];
  let level = leaves;
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    level = parents(level);
  }
  return path;
}

/** Root that an audit path leads to, RFC 9162 section 2.1.3.2; undefined when the path does not fit the tree. */
export function rootFromPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= size) return undefined;
  let node = leaf;
  let position = index;
  let last = size - 1;
  let used = 0;
  for (; last > 0; position >>= 1, last >>= 1) {
    if (position === last && position % 2 === 0) continue;
    const sibling = path[used];
    if (sibling?.length !== HASH_BYTES) return undefined;
    node = position % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling);
    used += 1;
  }
  return used === path.length ? node : undefined;
}

export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  const found = rootFromPath(leaf, index, size, path);
  return found !== undefined && Buffer.compare(found, root) === 0;
}
