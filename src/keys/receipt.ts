import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { RevocationReceipt } from '../engine/ports.js';
import { canonicalJson } from '../wire/canonical-json.js';
import { publicKeyText } from './secrets.js';

export const RECEIPT_FORMAT = 'keyward-revocation-receipt-v1';

export type UnsignedReceipt = Omit<RevocationReceipt, 'format' | 'publicKey' | 'signature'>;

export function signReceipt(unsigned: UnsignedReceipt, privateKey: KeyObject): RevocationReceipt {
  const receipt = { format: RECEIPT_FORMAT, ...unsigned, publicKey: publicKeyText(privateKey) } as const;
  const signature = sign(null, signedBytes(receipt), privateKey).toString('base64url');
  return { ...receipt, signature };
}

/** What the signature covers: everything but itself. */
function signedBytes(receipt: object): Buffer {
  const { signature: _, ...rest } = receipt as { readonly signature?: string };
  return Buffer.from(canonicalJson(rest));
}

/**
 * Checks a receipt as it was given to somebody, without anything of the guard.
 * @param publicKey who must have signed it; without one the receipt is only held against the key that it names
 * @returns what is wrong, or undefined
 */
export function receiptProblem(receipt: unknown, publicKey?: string): string | undefined {
  if (typeof receipt !== 'object' || receipt === null) return 'It is no JSON object.';
  const { format, signature, publicKey: named } = receipt as Partial<Record<string, unknown>>;
  if (format !== RECEIPT_FORMAT) return `Its format is not ${RECEIPT_FORMAT}.`;
  if (typeof signature !== 'string' || typeof named !== 'string') return 'It is not signed.';
  if (publicKey !== undefined && named !== publicKey) return 'It was signed with another key.';
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) return 'Its signature is not in canonical base64url.';
  try {
    const key = createPublicKey({ key: Buffer.from(named, 'base64url'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519') return 'Its public key is not an Ed25519 key.';
    return verify(null, signedBytes(receipt), key, bytes) ? undefined : 'Its signature is wrong.';
  } catch {
    return 'Its public key cannot be read.';
  }
}
