import ipaddr from 'ipaddr.js';

/** The 128 bits of an IPv6 address, most significant word first, each an unsigned 32-bit number. */
export type Ipv6Words = readonly [number, number, number, number];

/** An address; `text` is canonical (RFC 5952 for IPv6), so equal addresses have equal texts. */
export type IpAddress =
  | { readonly family: 4; readonly text: string; readonly value: number }
  | { readonly family: 6; readonly text: string; readonly words: Ipv6Words };

const ADDRESS_CHARS_MAX = 45;
const ZONE_CHARS_MAX = 32;
const MAPPED_WORD = 0xffff;

/**
 * Reads an address as text: IPv4 as four decimal numbers only (RFC 6943 section 3.1.1 "strict" form: octal,
 * hexadecimal and short forms mean different hosts to different programs), IPv6 as in RFC 4291 section 2.2.
 * IPv4-mapped IPv6 (`::ffff:1.2.3.4`) becomes the IPv4 address that it is. A zone (RFC 4007) is dropped: it
 * names an interface of this host, not a place.
 */
export function parseIp(text: string): IpAddress | undefined {
  const value = parseIpv4Value(text);
  if (value !== undefined) return { family: 4, text, value };
  const words = parseIpv6Words(withoutZone(text));
  return words === undefined ? undefined : ipFromWords(words);
}

/** The unsigned value of a strict dotted quad. */
export function parseIpv4Value(text: string): number | undefined {
  if (text.length > 15 || !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  let value = 0;
  for (const part of text.split('.')) value = value * 256 + Number(part);
  return value;
}

/** The bits of an IPv6 address without zone; an IPv4-mapped one is not converted. */
export function parseIpv6Words(text: string): Ipv6Words | undefined {
  if (text.length > ADDRESS_CHARS_MAX || !text.includes(':') || !/^[0-9A-Fa-f:.]+$/.test(text))
    return undefined;
  const hexadecimal = withoutDottedQuad(text);
  if (hexadecimal === undefined || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  const parts = ipaddr.IPv6.parse(hexadecimal).parts;
  const word = (index: number) => (parts[index] ?? 0) * 0x10000 + (parts[index + 1] ?? 0);
  return [word(0), word(2), word(4), word(6)];
}

/** ipaddr.js reads `::1.2.3.4` as if it were `::ffff:1.2.3.4`, and accepts octal quads; neither may pass. */
function withoutDottedQuad(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const at = text.lastIndexOf(':') + 1;
  const value = parseIpv4Value(text.slice(at));
  if (value === undefined) return undefined;
  return `${text.slice(0, at)}${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
}

function withoutZone(text: string): string {
  const at = text.indexOf('%');
  if (at === -1) return text;
  const zone = text.slice(at + 1);
  return zone.length <= ZONE_CHARS_MAX && /^[A-Za-z0-9._~-]+$/.test(zone) ? text.slice(0, at) : text;
}

export function isIpv4Mapped(words: Ipv6Words): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED_WORD;
}

export function ipFromWords(words: Ipv6Words): IpAddress {
  if (isIpv4Mapped(words)) return ipFromValue(words[3]);
  return { family: 6, text: textOfWords(words), words };
}

export function ipFromValue(value: number): IpAddress {
  return { family: 4, text: textOfValue(value), value };
}

export function textOfValue(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

export function textOfWords(words: Ipv6Words): string {
  return new ipaddr.IPv6(words.flatMap((word) => [word >>> 16, word & 0xffff])).toRFC5952String();
}
