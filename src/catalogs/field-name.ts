/**
 * A field name as names are compared: lower case, compatibility forms folded, since servers that ignore letter case take
 * U+017F for `s`. Undefined where servers differ in what they read: control and format characters, lone surrogates.
 */
export function fieldName(text: string): string | undefined {
  if (PLAIN.test(text)) return text.toLowerCase();
  return UNCLEAR.test(text) ? undefined : text.normalize('NFKC').toLowerCase();
}

const PLAIN = /^[ -~]*$/;
const UNCLEAR = /[\0-\x1f]|\p{Cf}|\p{Cs}/u;
