export const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
export const OPEN_OBJECT = 123;
export const OPEN_ARRAY = 91;

/** What a byte says about the structure of JSON (RFC 8259, section 2), outside of strings. */
export const ByteKind = { other: 0, space: 1, open: 2, close: 3, comma: 4, colon: 5, quote: 6 } as const;

/** The kind of each byte. Bytes of characters beyond ASCII are none of these. */
export const KIND_OF = new Uint8Array(256);
for (const [kind, characters] of [
  [ByteKind.space, ' \t\r\n'],
  [ByteKind.open, '{['],
  [ByteKind.close, '}]'],
  [ByteKind.comma, ','],
  [ByteKind.colon, ':'],
  [ByteKind.quote, '"'],
] as const)
  for (const character of characters) KIND_OF[character.charCodeAt(0)] = kind;

/** Bytes that a string goes on with; a line never ends in one. */
export const QUOTED_PLAIN = new Uint8Array(256).fill(1);
for (const byte of [QUOTE, BACKSLASH, NEWLINE]) QUOTED_PLAIN[byte] = 0;

/** Fields in which services and their command lines hand out records. */
const RECORD_FIELDS = ['Records', 'Events', 'events', 'results', 'data'];

/** Whether the name of a field that stands there is that of a field for records. */
export function namesRecords(bytes: Buffer, start: number, end: number): boolean {
  return end - start <= 7 && RECORD_FIELDS.includes(bytes.toString('latin1', start, end));
}
