// Checks Keyward journal proofs with Node alone: node tools/verify-proof.mjs proof.json|proofs.ndjson [publicKey]
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const [LEAF, NODE] = [Buffer.from([0]), Buffer.from([1])];
function check(condition, text) {
  if (!condition) throw new Error(text);
}
/** RFC 9162 section 2.1.3.2. */
function rootFromPath(leaf, index, size, path) {
  let node = leaf;
  const left = [...path];
  for (let at = index, last = size - 1; last > 0; at >>= 1, last >>= 1) {
    if (at === last && at % 2 === 0) continue;
    const sibling = Buffer.from(left.shift() ?? '', 'hex');
    check(sibling.length === 32, 'the path is too short or not made of SHA-256 hashes');
    node = at % 2 === 1 ? sha256(NODE, sibling, node) : sha256(NODE, node, sibling);
  }
  check(left.length === 0, 'the path is too long');
  return node.toString('hex');
}
function verifyProof(proof, expectedKey) {
  check(proof.format === 'keyward-journal-proof-v1', 'this is not a keyward-journal-proof-v1');
  check(expectedKey === undefined || proof.publicKey === expectedKey, 'the proof names another public key');
  const { batch, first, count, time, root, prev, sig } = JSON.parse(proof.batchLine);
  const signed = JSON.stringify({ batch, first, count, time, root, prev });
  check(
    proof.batchLine === `${signed.slice(0, -1)},"sig":"${sig}"}`,
    'the batch line is not in its exact form',
  );
  const key = createPublicKey({
    key: Buffer.from(proof.publicKey, 'base64url'),
    format: 'der',
    type: 'spki',
  });
  check(key.asymmetricKeyType === 'ed25519', 'the public key is not an Ed25519 key');
  check(verify(null, Buffer.from(signed), key, Buffer.from(sig, 'base64url')), 'the signature is wrong');
  check(
    Number.isInteger(proof.index) && proof.index >= 0 && proof.index < count,
    'the index is not in the batch',
  );
  check(proof.seq === first + proof.index, 'the entry number does not fit the batch');
  check(proof.line.startsWith(`{"seq":${proof.seq},`), 'the line has another number');
  const found = rootFromPath(sha256(LEAF, Buffer.from(proof.line)), proof.index, count, proof.path);
  check(found === root, `the Merkle root is ${found}, the batch line says ${root}`);
  return `entry ${proof.seq} is in batch ${batch}, sealed ${new Date(time).toISOString()}`;
}
/** One proof in a file of its own, or one a line. */
function read(text) {
  const lines = text.trim().split('\n');
  if (!lines.every((line) => line.startsWith('{') && line.endsWith('}'))) return [JSON.parse(text)];
  return lines.map((line) => JSON.parse(line));
}
try {
  const [file, expectedKey] = process.argv.slice(2);
  check(file !== undefined, 'usage: node tools/verify-proof.mjs proof.json|proofs.ndjson [publicKey]');
  const proofs = read(readFileSync(file, 'utf8'));
  check(proofs.length > 0, 'the file holds no proof');
  const texts = proofs.map((proof) => verifyProof(proof, expectedKey));
  const text = texts.length === 1 ? texts[0] : `${texts.length} entries, the first: ${texts[0]}`;
  const trust =
    expectedKey === undefined ? 'signed by the key that the proof itself names' : 'signed by the given key';
  console.log(`OK: ${text}, ${trust}.`);
} catch (error) {
  console.error(`NOT PROVED: ${error.message}`);
  process.exitCode = 1;
}
