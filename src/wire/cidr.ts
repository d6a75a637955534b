import {
  type IpAddress,
  type Ipv6Words,
  isIpv4Mapped,
  parseIp,
  parseIpv4Value,
  parseIpv6Words,
  textOfValue,
  textOfWords,
} from './ip-address.js';

/** A network as its first and last address; `text` is canonical. */
export type Cidr =
  | { readonly family: 4; readonly text: string; readonly first: number; readonly last: number }
  | { readonly family: 6; readonly text: string; readonly first: Ipv6Words; readonly last: Ipv6Words };

export type CidrResult =
  | { readonly ok: true; readonly cidr: Cidr }
  | { readonly ok: false; readonly problem: string };

const CIDR_CHARS_MAX = 64;

/**
 * Reads a network in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3). A bare address is a network
 * of one. Bits set behind the prefix are an error, because either the address or the prefix is a mistake. A
 * prefix inside `::ffff:0:0/96` is the IPv4 network that it maps.
 */
export function parseCidr(text: string): CidrResult {
  if (text.length > CIDR_CHARS_MAX)
    return { ok: false, problem: 'is too long to be an address or a network' };
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const length = slash === -1 ? undefined : text.slice(slash + 1);
  const value = parseIpv4Value(address);
  if (value !== undefined) return withPrefix(length, 32, (prefix) => ipv4Network(text, value, prefix));
  const words = parseIpv6Words(address);
  if (words === undefined) return { ok: false, problem: `"${text}" is not an IP address or network` };
  return withPrefix(length, 128, (prefix) => {
    if (isIpv4Mapped(words) && prefix >= 96) return ipv4Network(text, words[3], prefix - 96);
    return ipv6Network(text, words, prefix);
  });
}

function withPrefix(
  length: string | undefined,
  bits: number,
  network: (prefix: number) => CidrResult,
): CidrResult {
  if (length === undefined) return network(bits);
  const prefix = /^(0|[1-9]\d{0,2})$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY;
  if (prefix > bits) {
    return { ok: false, problem: `"/${length}" is not a prefix length from 0 to ${bits}` };
  }
  return network(prefix);
}

/** The mask of the `prefix` leading bits of one 32-bit word. */
function maskOf(prefix: number): number {
  if (prefix <= 0) return 0;
  return prefix >= 32 ? 0xffffffff : (0xffffffff << (32 - prefix)) >>> 0;
}

function ipv4Network(given: string, value: number, prefix: number): CidrResult {
  const mask = maskOf(prefix);
  const first = (value & mask) >>> 0;
  const text = `${textOfValue(first)}/${prefix}`;
  if (first !== value) return hostBits(given, text);
  return { ok: true, cidr: { family: 4, text, first, last: (first | ~mask) >>> 0 } };
}

function ipv6Network(given: string, words: Ipv6Words, prefix: number): CidrResult {
  const mask = (index: number) => maskOf(prefix - 32 * index);
  const low = (index: 0 | 1 | 2 | 3) => (words[index] & mask(index)) >>> 0;
  const first: Ipv6Words = [low(0), low(1), low(2), low(3)];
  const text = `${textOfWords(first)}/${prefix}`;
  if (compareWords(first, words) !== 0) return hostBits(given, text);
  const high = (index: 0 | 1 | 2 | 3) => (first[index] | ~mask(index)) >>> 0;
  return { ok: true, cidr: { family: 6, text, first, last: [high(0), high(1), high(2), high(3)] } };
}

function hostBits(given: string, meant: string): CidrResult {
  return { ok: false, problem: `"${given}" has host bits set; did you mean ${meant}?` };
}

export function compareWords(a: Ipv6Words, b: Ipv6Words): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}

interface Range<T> {
  readonly first: T;
  readonly last: T;
}

/** Sorts and joins overlapping ranges, so that one binary search answers. */
function mergeRanges<T>(ranges: Range<T>[], compare: (a: T, b: T) => number): Range<T>[] {
  const merged: { first: T; last: T }[] = [];
  for (const range of ranges.sort((a, b) => compare(a.first, b.first))) {
    const before = merged.at(-1);
    if (before === undefined || compare(range.first, before.last) > 0) merged.push({ ...range });
    else if (compare(range.last, before.last) > 0) before.last = range.last;
  }
  return merged;
}

function covers<T>(ranges: readonly Range<T>[], value: T, compare: (a: T, b: T) => number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle] as Range<T>;
    if (compare(range.first, value) > 0) high = middle;
    else if (compare(range.last, value) < 0) low = middle + 1;
    else return true;
  }
  return false;
}

const compareValues = (a: number, b: number) => a - b;

/** A set of networks of both families; a lookup takes O(log n). `::/0` holds IPv6 only, `0.0.0.0/0` IPv4 only. */
export class CidrSet {
  readonly #ipv4: readonly Range<number>[];
  readonly #ipv6: readonly Range<Ipv6Words>[];

  constructor(cidrs: readonly Cidr[]) {
    this.#ipv4 = mergeRanges(
      cidrs.filter((cidr) => cidr.family === 4),
      compareValues,
    );
    this.#ipv6 = mergeRanges(
      cidrs.filter((cidr) => cidr.family === 6),
      compareWords,
    );
  }

  /** An address given as text that is none is in no set. */
  has(address: IpAddress | string): boolean {
    const ip = typeof address === 'string' ? parseIp(address) : address;
    if (ip === undefined) return false;
    return ip.family === 4
      ? covers(this.#ipv4, ip.value, compareValues)
      : covers(this.#ipv6, ip.words, compareWords);
  }
}

/** The set of networks written as text; each must be valid. */
export function cidrSet(texts: readonly string[]): CidrSet {
  return new CidrSet(
    texts.map((text) => {
      const result = parseCidr(text);
      if (!result.ok) throw new RangeError(`${text}: ${result.problem}`);
      return result.cidr;
    }),
  );
}
