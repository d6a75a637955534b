import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedCredential } from '../engine/ports.js';
import { secretId } from './secrets.js';

/**
 * Envelope encryption of upstream credentials: each has a data key of its own (AES-256-GCM), and the data key
 * is wrapped under the master key. Name and upstream are authenticated, so that a stolen database cannot be
 * edited to inject one upstream's credential into requests to another.
 */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A sealed credential does not open: wrong master key, or it was tampered with. */
export class SealFault extends Error {
  override readonly name = 'SealFault';
}

function encrypt(key: Buffer, plain: Buffer, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

function decrypt(key: Buffer, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES)).setAAD(
    Buffer.from(context),
  );
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  return Buffer.concat([
    decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)),
    decipher.final(),
  ]);
}

function contextOf(sealed: { name: string; upstream: string; header: string; template: string }): string {
  return JSON.stringify(['keyward sealed v1', sealed.name, sealed.upstream, sealed.header, sealed.template]);
}

export interface SealInput {
  readonly name: string;
  readonly upstream: string;
  readonly header: string;
  readonly template: string;
}

export function seal(input: SealInput, secret: string, masterKey: Buffer, nowMs: number): SealedCredential {
  const dataKey = randomBytes(32);
  const context = contextOf(input);
  return {
    ...input,
    createdMs: nowMs,
    masterKeyId: secretId(masterKey),
    secret: encrypt(dataKey, Buffer.from(secret), context),
    dataKey: encrypt(masterKey, dataKey, context),
  };
}

/** @throws SealFault */
export function unseal(sealed: SealedCredential, masterKey: Buffer): string {
  try {
    const context = contextOf(sealed);
    return decrypt(decrypt(masterKey, sealed.dataKey, context), sealed.secret, context).toString('utf8');
  } catch {
    throw new SealFault(
      sealed.masterKeyId === secretId(masterKey)
        ? `The sealed credential ${sealed.name} does not open: its record was changed.`
        : `The sealed credential ${sealed.name} was sealed under master key ${sealed.masterKeyId}; the one in use is ${secretId(masterKey)}.`,
    );
  }
}

/** Wraps the data key under another master key; the secret itself is not touched. */
export function rewrap(sealed: SealedCredential, from: Buffer, to: Buffer): SealedCredential {
  const context = contextOf(sealed);
  let dataKey: Buffer;
  try {
    dataKey = decrypt(from, sealed.dataKey, context);
  } catch {
    throw new SealFault(`The sealed credential ${sealed.name} does not open with the old master key.`);
  }
  return { ...sealed, masterKeyId: secretId(to), dataKey: encrypt(to, dataKey, context) };
}
