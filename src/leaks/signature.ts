import { createPublicKey, type KeyObject, verify } from 'node:crypto';

/** A scanner that may report leaks, with the keys it signs its reports with. */
export interface Partner {
  readonly name: string;
  readonly keys: readonly { readonly id: string; readonly publicKey: KeyObject }[];
}

/** Keys as GitHub publishes them at `meta/public_keys/secret_scanning`: `{public_keys:[{key_identifier,key}]}`. */
export interface PublishedKeys {
  readonly public_keys: readonly { readonly key_identifier: string; readonly key: string }[];
}

/** @throws {Error} for what is no list of P-256 public keys */
export function partnerOf(name: string, published: PublishedKeys): Partner {
  const keys = published.public_keys.map(({ key_identifier: id, key }) => {
    const publicKey = createPublicKey(key);
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new Error(`key ${id} of ${name} is no P-256 public key`);
    return { id, publicKey };
  });
  return { name, keys };
}

/**
 * The partner that signed a report: ECDSA over P-256 with SHA-256 of the body as it came, in base64 (GitHub's secret scanning
 * partner programme). Undefined for a key that nobody has, or a signature that is not its own.
 */
export function signedBy(
  partners: readonly Partner[],
  keyId: string,
  signature: string,
  body: Uint8Array,
): Partner | undefined {
  for (const partner of partners) {
    const key = partner.keys.find(({ id }) => id === keyId);
    if (key === undefined) continue;
    try {
      if (verify('sha256', body, key.publicKey, Buffer.from(signature, 'base64'))) return partner;
    } catch {
      // A signature of the wrong shape is a wrong signature.
    }
  }
  return undefined;
}
