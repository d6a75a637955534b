import { createHash, timingSafeEqual, verify } from 'node:crypto';

/**
 * `Authorization: Signature keyId="system/<id>",headers="request-line date",algorithm="rsa-sha256",signature="…"`, the
 * one form that JumpCloud's agents use (draft-cavage-http-signatures, with the older `request-line`). The agents here
 * add `digest` (RFC 3230), so that the body is signed too.
 */
export interface Signature {
  readonly keyId: string;
  readonly coversBody: boolean;
  readonly bytes: Buffer;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  readonly header: (name: string) => string | undefined;
}

/** Clocks may differ by so much, and a signature is good for so long. */
export const SKEW_MS = 300_000;
const HEADER_CHARACTERS_MAX = 2_048;
const COVERED = ['request-line date', 'request-line date digest'];

/** Undefined: not of that form. */
export function readSignature(authorization: string | undefined): Signature | undefined {
  const given = /^Signature (\S.*)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined || given.length > HEADER_CHARACTERS_MAX) return undefined;
  const parts = new Map<string, string>();
  let read = 0;
  for (const [all, name = '', value = ''] of given.matchAll(/([A-Za-z]{1,20})="([^"]*)"(?:, ?|$)/gy)) {
    if (parts.has(name)) return undefined;
    parts.set(name, value);
    read += all.length;
  }
  const { keyId, headers, algorithm, signature } = Object.fromEntries(parts);
  if (read !== given.length || parts.size !== 4) return undefined;
  if (keyId === undefined || headers === undefined || signature === undefined) return undefined;
  if (algorithm !== 'rsa-sha256' || !COVERED.includes(headers)) return undefined;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(signature)) return undefined;
  return { keyId, coversBody: headers.endsWith('digest'), bytes: Buffer.from(signature, 'base64') };
}

/** @param body only looked at if the signature covers it */
export function isSignedBy(
  publicKey: string,
  signature: Signature,
  { method, target, header }: SignedRequest,
  body: Uint8Array,
  now: number,
): boolean {
  const date = header('date') ?? '';
  if (!(Math.abs(now - Date.parse(date)) <= SKEW_MS)) return false;
  const lines = [`${method} ${target} HTTP/1.1`, `date: ${date}`];
  if (signature.coversBody) {
    const wanted = Buffer.from(`SHA-256=${createHash('sha256').update(body).digest('base64')}`);
    const given = Buffer.from(header('digest') ?? '');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
    lines.push(`digest: ${given}`);
  }
  return verify('RSA-SHA256', Buffer.from(lines.join('\n')), publicKey, signature.bytes);
}
