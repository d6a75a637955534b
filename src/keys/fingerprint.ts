import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Hash algorithms under which another system may have stored its keys. */
export type ImportedHash = 'sha256' | 'sha512';

/**
 * Fingerprints of credentials: HMAC-SHA-256 under a pepper that is kept outside the database, so that a copy
 * of the database neither opens anything nor can be tried against a list of keys.
 */
export class Fingerprints {
  readonly #pepper: Buffer;

  constructor(pepper: Buffer) {
    if (pepper.length < 32) throw new Error('The pepper must have at least 32 bytes.');
    this.#pepper = pepper;
  }

  /** Of a key that Keyward issued. */
  issued(credential: string): string {
    return this.#mac(`issued\0${credential}`);
  }

  /** Of an upstream's own credential. */
  foreign(upstream: string, credential: string): string {
    return this.#mac(`foreign\0${upstream}\0${credential}`);
  }

  /** Of a key known only by the hex digest another system stored. */
  imported(algorithm: ImportedHash, hexDigest: string): string {
    return this.#mac(`imported\0${algorithm}\0${hexDigest.toLowerCase()}`);
  }

  /** Of a presented credential, as it would have been imported. */
  importedOf(algorithm: ImportedHash, credential: string): string {
    return this.imported(algorithm, createHash(algorithm).update(credential).digest('hex'));
  }

  /** Of a one-time code for a replacement key. */
  resetCode(code: string): string {
    return this.#mac(`reset code\0${code}`);
  }

  /** The secret part of such a code: made anew whenever it is sent, so that it need not be kept. */
  resetSecret(id: string, notice: string, key: string): Buffer {
    return this.#digest(`reset secret\0${id}\0${notice}\0${key}`);
  }

  #mac(text: string): string {
    return this.#digest(text).toString('base64url');
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#pepper).update(text).digest();
  }
}

/** Compares two fingerprints in constant time. */
export function sameFingerprint(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
