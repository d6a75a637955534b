import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * `kw_<env>_<id>_<secret><check>`: a prefix that scanners recognise, 132 bits of randomness in the secret and
 * a CRC-32 over everything before it, so that a leaked key is told from noise offline (the style of GitHub's
 * secret scanning partners). Base62 throughout; the check is 6 digits.
 */
export interface KeyParts {
  readonly env: string;
  readonly id: string;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 12;
const SECRET_LENGTH = 32;
const CHECK_LENGTH = 6;
const PATTERN = /^kw_([a-z0-9]{1,16})_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/** Environments a key may be issued for: lower-case letters and digits. */
export const ENV_PATTERN = /^[a-z0-9]{1,16}$/;

/** Environment in the text of an operator's token: it never opens an upstream. */
export const OPERATOR_ENV = 'admin';

/** `length` base62 digits, uniform: bytes of 248 and more are drawn again. */
function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

/** CRC-32 (IEEE) of the text, as 6 base62 digits. */
export function checkOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECK_LENGTH; i += 1) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

export function newKeyId(): string {
  return randomBase62(ID_LENGTH);
}

/** A new credential for `id`: shown once, never stored. */
export function mintKey(env: string, id: string): string {
  const body = `kw_${env}_${id}_${randomBase62(SECRET_LENGTH)}`;
  return body + checkOf(body);
}

/** The parts of a well-formed key whose checksum holds; undefined for anything else. */
export function parseKey(text: string): KeyParts | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const body = text.slice(0, -CHECK_LENGTH);
  if (checkOf(body) !== match[4]) return undefined;
  return { env: match[1] as string, id: match[2] as string };
}
