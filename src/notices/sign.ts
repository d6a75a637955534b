import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { publicKeyFrom, publicKeyText } from '../journal/format.js';
import { canonicalJson } from '../wire/canonical-json.js';
import type { SignedNotice } from './records.js';

/** Keeps a signature over a notice apart from everything else that the same key signs. */
const CONTEXT = 'keyward-notice-v1\n';
const FORMAT = 'keyward-notice-v1';
const FIELDS = ['document', 'format', 'publicKey', 'signature', 'text'];

export type Verified =
  | {
      readonly ok: true;
      readonly document: Record<string, unknown>;
      readonly text: string;
      readonly publicKey: string;
    }
  | { readonly ok: false; readonly problem: string };

/** The text is part of what is signed, by its hash. */
export function signNotice(
  document: Record<string, unknown>,
  text: string,
  privateKey: KeyObject,
): SignedNotice {
  const whole = { ...document, format: FORMAT, textSha256: sha256(text) };
  return {
    format: FORMAT,
    document: whole,
    text,
    signature: sign(null, signedBytes(whole), privateKey).toString('base64url'),
    publicKey: publicKeyText(privateKey),
  };
}

/**
 * Whether a notice file is what the holder of its key signed. Offline; needs nothing but the file and, to know
 * whose key that is, the public key that was noted beforehand.
 */
export function verifyNotice(file: string, pinned?: string): Verified {
  const refuse = (problem: string): Verified => ({ ok: false, problem });
  const notice = parse(file);
  if (notice === undefined) return refuse('it is no notice file of Keyward (keyward-notice-v1)');
  const extra = Object.keys(notice).find((name) => !FIELDS.includes(name));
  if (extra !== undefined) return refuse(`it has a part that nobody signed: ${extra}`);
  if (pinned !== undefined && pinned !== notice.publicKey)
    return refuse('it is signed with another key than the one that you noted');
  const key = publicKeyFrom(notice.publicKey);
  if (key === undefined) return refuse('its publicKey is no Ed25519 key');
  const signature = Buffer.from(notice.signature, 'base64url');
  let bytes: Buffer;
  try {
    bytes = signedBytes(notice.document);
  } catch {
    return refuse('its document is not Unicode text throughout');
  }
  if (signature.toString('base64url') !== notice.signature || !verify(null, bytes, key, signature))
    return refuse('its document is not what was signed');
  if (notice.document.format !== FORMAT) return refuse('its document is of another format');
  if (notice.document.textSha256 !== sha256(notice.text)) return refuse('its text is not what was signed');
  return { ok: true, document: notice.document, text: notice.text, publicKey: notice.publicKey };
}

function parse(file: string): SignedNotice | undefined {
  try {
    const value = JSON.parse(file) as Partial<SignedNotice> | null;
    const { format, document, text, signature, publicKey } = value ?? {};
    const texts = [text, signature, publicKey].every((each) => typeof each === 'string');
    const object = typeof document === 'object' && document !== null && !Array.isArray(document);
    return format === FORMAT && texts && object ? (value as SignedNotice) : undefined;
  } catch {
    return undefined;
  }
}

function signedBytes(document: Record<string, unknown>): Buffer {
  return Buffer.from(CONTEXT + canonicalJson(document));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
