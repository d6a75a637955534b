/**
 * Whether a path segment is an object's id by its shape alone: uuid, number, hex, e-mail, address, date, opaque
 * token. Segments come in lower case, so base62 and base64 show by digits mixed in among letters.
 *
 * @param depth position in the path; at the root, dates and short numbers are API versions (`/2010-04-01`)
 * @returns the placeholder that stands for it in a template, such as `{id}` or `{file}.png`; undefined for a word
 */
export function placeholderOf(segment: string, depth: number): string | undefined {
  const { length } = segment;
  if (length > WORD_CHARS_MAX) return ID;
  const made = madeOf(segment);
  if (made === 'letters') return undefined;
  if (made === 'digits')
    return depth === 0 && (length <= VERSION_DIGITS_MAX || DATE.test(segment)) ? undefined : ID;
  if (made === 'marks' && !READABLE.test(segment)) return ID;
  if (DATE.test(segment)) return depth === 0 ? undefined : ID;
  if (UUID.test(segment) || (depth > 0 && ADDRESS.test(segment))) return ID;
  if (made === 'marks') {
    if (EMAIL.test(segment) || RESOURCE_NAME.test(segment)) return ID;
    const asset = ASSET.exec(segment);
    if (asset !== null) return `{file}.${asset[1]}`;
  }
  return isOpaque(segment) ? ID : undefined;
}

const ID = '{id}';

/** Numbers at the root that are versions. */
const VERSION_DIGITS_MAX = 3;
/** Longer segments are never part of an operation's name. */
const WORD_CHARS_MAX = 64;
/** What a template may show as it is; anything else could be taken for a template itself. */
const READABLE = /^[a-z0-9_.~@:!$&'()*+,=-]+$/;
const UUID = /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/;
const DATE = /^(?:19|20)\d\d-?(?:0\d|1[0-2])-?(?:[0-2]\d|3[01])(?:t[\d:.]+z?)?$/;
const EMAIL = /^[^@]{1,64}@[^@]+\.[a-z0-9-]+$/;
/** IPv4, IPv6, MAC, version numbers. */
const ADDRESS =
  /^(?:\d{1,5}(?:\.\d{1,5}){1,3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})$/;
const RESOURCE_NAME = /^(?:arn|urn):/;
/** Files that are served, not run. */
const ASSET =
  /^.*[^.]\.(png|jpe?g|gif|svg|ico|webp|avif|css|js|mjs|map|woff2?|ttf|eot|pdf|zip|gz|tgz|bz2|xz|jar|exe|dmg|deb|rpm|iso|mp[34]|mov|webm|ogg|wav|docx?|xlsx?|pptx?|csv|txt)$/;

/**
 * What a segment is made of, in one look, so that most patterns need not be tried: letters, where hyphens and underscores
 * count as such, digits, a mixture of both, or other characters too.
 */
function madeOf(segment: string): 'letters' | 'digits' | 'mixture' | 'marks' {
  let letters = 0;
  let digits = 0;
  for (let at = 0; at < segment.length; at += 1) {
    const code = segment.charCodeAt(at);
    if (isDigit(code)) digits += 1;
    else if (isLetter(code) || code === 0x2d || code === 0x5f) letters += 1;
    else return 'marks';
  }
  // `deadbeefcafe` without a digit stays a word: so do `feedback` and `facade`.
  if (digits === 0) return 'letters';
  return letters === 0 ? 'digits' : 'mixture';
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

/** Hex, base32, base62 and base64url as services make them, with or without a prefix such as `usr_`. */
function isOpaque(segment: string): boolean {
  if (segment.length < HEX_CHARS_MIN) return false;
  const body = segment.replace(/^[a-z]{1,8}[_-](?=[a-z0-9]{8,}$)/, '');
  if (/^[0-9a-f]{8,}$/.test(body) && /\d/.test(body) && /[a-f]/.test(body)) return true;
  const { digits, changes } = countsOf(body);
  if (body.length < OPAQUE_CHARS_MIN || digits < 2) return false;
  if (/^[a-z0-9]+={0,2}$/.test(body)) {
    // A word with a year at its end changes between letters and digits once; a random id, often.
    return changes >= 3 || digits * 2 > body.length;
  }
  return body.length >= 2 * OPAQUE_CHARS_MIN && /^[a-z0-9_+=-]+$/.test(body) && changes >= 6;
}

const HEX_CHARS_MIN = 8;
const OPAQUE_CHARS_MIN = 10;

/** Digits, and how often digits and letters follow each other. */
function countsOf(text: string): { digits: number; changes: number } {
  let digits = 0;
  let changes = 0;
  let before = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const digit = isDigit(code);
    if (digit) digits += 1;
    if (digit ? isLetter(before) : isLetter(code) && isDigit(before)) changes += 1;
    before = code;
  }
  return { digits, changes };
}
