/**
 * Canonical JSON (RFC 8785): members in the order of their UTF-16 names, no spaces, numbers and strings as
 * ECMAScript writes them. Two programs that hold the same value write the same bytes, so that these can be signed.
 * @throws RangeError for what JSON cannot hold, and for text that is no Unicode
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('JSON has no such number');
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new RangeError(`JSON has no ${typeof value}`);
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    // The order of UTF-16 code units is that of `<` on strings.
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${text(name)}:${canonicalJson(each)}`).join(',')}}`;
}

function text(value: string): string {
  // RFC 8785 section 3.2.2.2: a lone surrogate must end in an error.
  if (/\p{Surrogate}/u.test(value)) throw new RangeError('a string holds half a character');
  return JSON.stringify(value);
}
