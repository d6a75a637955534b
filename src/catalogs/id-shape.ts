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
  if (isWord(segment)) return undefined;
  if (!READABLE.test(segment)) return ID;
  if (depth === 0 && (DATE.test(segment) || /^\d{1,3}$/.test(segment))) return undefined;
  if (/^\d+$/.test(segment) || UUID.test(segment) || DATE.test(segment)) return ID;
  if (EMAIL.test(segment) || (depth > 0 && ADDRESS.test(segment)) || RESOURCE_NAME.test(segment)) return ID;
  const asset = ASSET.exec(segment);
  if (asset !== null) return `{file}.${asset[1]}`;
  return isOpaque(segment) ? ID : undefined;
}

const ID = '{id}';

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

/** Letters, with hyphens and underscores: the common case, decided without the patterns above. */
function isWord(segment: string): boolean {
  for (let at = 0; at < segment.length; at += 1) {
    const code = segment.charCodeAt(at);
    if (!((code >= 0x61 && code <= 0x7a) || code === 0x2d || code === 0x5f)) return false;
  }
  // `deadbeefcafe` without a digit stays a word: so do `feedback` and `facade`.
  return true;
}

/** Hex, base32, base62 and base64url as services make them, with or without a prefix such as `usr_`. */
function isOpaque(segment: string): boolean {
  const body = segment.replace(/^[a-z]{1,8}[_-](?=[a-z0-9]{8,}$)/, '');
  if (/^[0-9a-f]{8,}$/.test(body) && /\d/.test(body) && /[a-f]/.test(body)) return true;
  const digits = body.replace(/[^0-9]/g, '').length;
  if (body.length < OPAQUE_CHARS_MIN || digits < 2) return false;
  if (/^[a-z0-9]+={0,2}$/.test(body)) {
    // A word with a year at its end changes between letters and digits once; a random id, often.
    return changes(body) >= 3 || digits * 2 > body.length;
  }
  return body.length >= 2 * OPAQUE_CHARS_MIN && /^[a-z0-9_+=-]+$/.test(body) && changes(body) >= 6;
}

const OPAQUE_CHARS_MIN = 10;

/** How often digits and letters follow each other. */
function changes(text: string): number {
  return text.match(/[a-z](?=\d)|\d(?=[a-z])/g)?.length ?? 0;
}
