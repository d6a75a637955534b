import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inclusionPath, leafHash, merkleRoot, verifyInclusion } from './merkle.js';

const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** RFC 6962 section 2.1, word for word. */
function naiveRoot(data: Uint8Array[]): Buffer {
  if (data.length === 0) return sha();
  if (data.length === 1) return sha(Buffer.from([0]), data[0]!);
  const k = split(data.length);
  return sha(Buffer.from([1]), naiveRoot(data.slice(0, k)), naiveRoot(data.slice(k)));
}

/** RFC 6962 section 2.1.1, word for word. */
function naivePath(index: number, data: Uint8Array[]): Buffer[] {
  if (data.length === 1) return [];
  const k = split(data.length);
  return index < k
    ? [...naivePath(index, data.slice(0, k)), naiveRoot(data.slice(k))]
    : [...naivePath(index - k, data.slice(k)), naiveRoot(data.slice(0, k))];
}

const leavesOf = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 70 });
const hex = (nodes: Uint8Array[]) => nodes.map((node) => Buffer.from(node).toString('hex'));

test('root and paths are those of RFC 6962', () => {
  expect(hex([merkleRoot([])])).toEqual(hex([naiveRoot([])]));
  fc.assert(
    fc.property(leavesOf, fc.nat(), (data, pick) => {
      const index = pick % data.length;
      const leaves = data.map(leafHash);
      expect(hex([merkleRoot(leaves)])).toEqual(hex([naiveRoot(data)]));
      expect(hex(inclusionPath(leaves, index))).toEqual(hex(naivePath(index, data)));
    }),
  );
});

test('a path proves its own leaf, place and tree, and nothing else', () => {
  fc.assert(
    fc.property(leavesOf, fc.nat(), fc.nat(), (data, pick, bit) => {
      const index = pick % data.length;
      const leaves = data.map(leafHash);
      const path = inclusionPath(leaves, index);
      const root = merkleRoot(leaves);
      const leaf = leaves[index]!;
      expect(verifyInclusion(leaf, index, data.length, path, root)).toBe(true);
      const other = Buffer.from(leaf);
      other[(bit >> 3) % 32]! ^= 1 << (bit & 7);
      expect(verifyInclusion(other, index, data.length, path, root)).toBe(false);
      expect(verifyInclusion(leaf, index, data.length, [...path, leaf], root)).toBe(false);
      expect(verifyInclusion(leaf, data.length, data.length, path, root)).toBe(false);
    }),
  );
});

test('a leaf larger than the scratch buffer', () => {
  const data = Buffer.alloc(200_000, 7);
  expect(leafHash(data)).toEqual(sha(Buffer.from([0]), data));
});
