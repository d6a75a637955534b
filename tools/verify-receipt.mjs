// Checks a revocation receipt. Needs Node and nothing else of Keyward; docs/revocation.md says the same in words.
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

function check(ok, what) {
  if (!ok) throw new Error(what);
}

/** RFC 8785: no spaces, names sorted by their UTF-16 code units. */
function canonical(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

function verifyReceipt(receipt, expectedKey) {
  const { signature, ...signed } = receipt;
  check(signed.format === 'keyward-revocation-receipt-v1', 'the format is another one');
  check(
    expectedKey === undefined || signed.publicKey === expectedKey,
    'the receipt was signed with another key',
  );
  const key = createPublicKey({
    key: Buffer.from(signed.publicKey, 'base64url'),
    format: 'der',
    type: 'spki',
  });
  check(key.asymmetricKeyType === 'ed25519', 'the public key is not an Ed25519 key');
  const bytes = Buffer.from(signature, 'base64url');
  check(verify(null, Buffer.from(canonical(signed)), key, bytes), 'the signature is wrong');
  check(signed.exact === true, 'the signature is good, but a gateway went on without its lease: not exact');
  return `${signed.keys.join(', ')}: refused by ${signed.gateways.length} gateways since ${signed.completedAt}`;
}

try {
  const [file, expectedKey] = process.argv.slice(2);
  check(file !== undefined, 'usage: node tools/verify-receipt.mjs receipt.json [publicKey]');
  const text = verifyReceipt(JSON.parse(readFileSync(file, 'utf8')), expectedKey);
  const trust =
    expectedKey === undefined ? 'signed by the key that the receipt itself names' : 'signed by the given key';
  console.log(`OK: ${text}, ${trust}.`);
} catch (error) {
  console.error(`NOT SHOWN: ${error.message}`);
  process.exitCode = 1;
}
