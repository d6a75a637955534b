import { randomBytes } from 'node:crypto';
import type { Fingerprints } from '../../keys/fingerprint.js';
import type { ResetCode } from '../records.js';

/** Crockford's base 32: nothing in it is mistaken for something else when typed. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_DIGITS = 8;
/** 140 bits. */
const SECRET_DIGITS = 28;
const GROUP = 4;
const TYPED_CHARS_MAX = 200;

function base32(bytes: Uint8Array, digits: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5 && text.length < digits) {
      bits -= 5;
      text += DIGITS[(held >> bits) & 31];
    }
  }
  return text;
}

export function newCodeId(): string {
  return base32(randomBytes(ID_DIGITS), ID_DIGITS);
}

/** The code itself, `ABCD-EFGH-…`: derived under the pepper from what is kept, so it is itself kept nowhere. */
export function codeText(of: Pick<ResetCode, 'id' | 'notice' | 'key'>, fingerprints: Fingerprints): string {
  const whole = of.id + base32(fingerprints.resetSecret(of.id, of.notice, of.key), SECRET_DIGITS);
  return (whole.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** What was typed, in one spelling, and the id in it; undefined when it cannot be a code. */
export function readCode(typed: string): { readonly id: string; readonly whole: string } | undefined {
  if (typed.length > TYPED_CHARS_MAX) return undefined;
  const whole = typed
    .toUpperCase()
    .replace(/[\s\-\u2010-\u2015]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  if (whole.length !== ID_DIGITS + SECRET_DIGITS) return undefined;
  if (![...whole].every((digit) => DIGITS.includes(digit))) return undefined;
  return { id: whole.slice(0, ID_DIGITS), whole };
}

export function codeFingerprint(text: string, fingerprints: Fingerprints): string {
  return fingerprints.resetCode(readCode(text)?.whole ?? '');
}
