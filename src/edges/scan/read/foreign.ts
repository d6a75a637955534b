/** Data that is no text: what it is called, where its mark stands, and what to do about it. */
const KINDS: readonly (readonly [name: string, at: number, mark: string, advice: string])[] = [
  ['a zip archive', 0, 'PK\u0003\u0004', 'unpack it first'],
  ['bzip2 data', 0, 'BZh', 'unpack it first (bzip2 -dc)'],
  ['xz data', 0, '\u00fd7zXZ\u0000', 'unpack it first (xz -dc)'],
  ['Zstandard data', 0, '\u0028\u00b5\u002f\u00fd', 'unpack it first (zstd -dc)'],
  ['a 7z archive', 0, '7z\u00bc\u00af\u0027\u001c', 'unpack it first'],
  ['a Parquet file', 0, 'PAR1', 'export it as NDJSON first'],
  ['an SQLite database', 0, 'SQLite format 3\u0000', 'export it as NDJSON first'],
  ['a tar archive', 257, 'ustar', 'unpack it first'],
  ['gzip data inside of gzip', 0, '\u001f\u008b', 'unpack it first'],
  ['UTF-16 text', 0, '\u00ff\u00fe', 'convert it to UTF-8 first (iconv)'],
  ['UTF-16 text', 0, '\u00fe\u00ff', 'convert it to UTF-8 first (iconv)'],
];

/** What something that is no log is instead, by its first bytes, in words for the user; undefined for all else. */
export function foreignKind(bytes: Buffer): string | undefined {
  for (const [name, at, mark, advice] of KINDS)
    if (bytes.toString('latin1', at, at + mark.length) === mark) return `${name}; ${advice}`;
  return isWide(bytes) ? 'UTF-16 text; convert it to UTF-8 first (iconv)' : undefined;
}

/** UTF-16 without its mark: every other byte of ASCII is zero. */
function isWide(bytes: Buffer): boolean {
  const some = bytes.subarray(0, 64);
  if (some.length < 8) return false;
  for (const odd of [0, 1]) if (some.every((byte, at) => (byte === 0) === (at % 2 === odd))) return true;
  return false;
}
