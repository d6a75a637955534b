import { type IpAddress, parseIp } from './ip-address.js';

/** One hop that a proxy recorded; `address` is undefined where it is unknown, obfuscated or unreadable. */
export interface Hop {
  readonly address: IpAddress | undefined;
}

export const HOPS_MAX = 32;
const ELEMENT_CHARS_MAX = 1024;
const UNREADABLE: Hop = { address: undefined };

/**
 * Reads `Forwarded` header values (RFC 7239 sections 4 and 6) into hops, nearest first, at most `hopsMax`.
 * It reads from the right: what a client wrote to the left, an open quote included, cannot change how the
 * elements that proxies appended are read.
 */
export function parseForwarded(values: readonly string[], hopsMax = HOPS_MAX): Hop[] {
  return hopsOf(values, hopsMax, commaFromRight, forwardedHop);
}

/**
 * Reads `X-Forwarded-For` header values (no RFC; as in RFC 7239 section 7.4) into hops, nearest first, at most
 * `hopsMax`. Accepts a port behind IPv4 or bracketed IPv6.
 */
export function parseForwardedFor(values: readonly string[], hopsMax = HOPS_MAX): Hop[] {
  const lastComma = (text: string, end: number) => (end === 0 ? -1 : text.lastIndexOf(',', end - 1));
  return hopsOf(values, hopsMax, lastComma, nodeHop);
}

function hopsOf(
  values: readonly string[],
  hopsMax: number,
  commaBefore: (text: string, end: number) => number,
  hopOf: (element: string) => Hop,
): Hop[] {
  const hops: Hop[] = [];
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const value = values[index] as string;
    let end = value.length;
    while (end >= 0 && hops.length < hopsMax) {
      const comma = commaBefore(value, end);
      const short = end - comma <= ELEMENT_CHARS_MAX;
      hops.push(short ? hopOf(value.slice(comma + 1, end).trim()) : UNREADABLE);
      end = comma;
    }
  }
  return hops;
}

/** The last comma before `end` that is outside quoted strings, seen from the right; -1 where there is none. */
function commaFromRight(text: string, end: number): number {
  let quoted = false;
  for (let at = end - 1; at >= 0; at -= 1) {
    const char = text[at];
    if (char === '"' && !(quoted && isEscaped(text, at))) quoted = !quoted;
    else if (char === ',' && !quoted) return at;
  }
  return -1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (slashes < ELEMENT_CHARS_MAX && text[at - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PAIR = new RegExp(`[ \\t]*(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")[ \\t]*(;|$)`, 'y');

/** One `forwarded-element`: pairs divided by semicolons, of which `for` may occur once. */
function forwardedHop(element: string): Hop {
  let node: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const pair = PAIR.exec(element);
    if (pair === null) return UNREADABLE;
    if (pair[1]?.toLowerCase() !== 'for') continue;
    if (node !== undefined) return UNREADABLE;
    node = pair[2] ?? (pair[3] ?? '').replace(/\\(.)/g, '$1');
  }
  return node === undefined ? UNREADABLE : nodeHop(node);
}

const BRACKETED = /^\[([^\]]*)\](?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?$/;
const IPV4_WITH_PORT = /^([\d.]+):(?:\d{1,5}|_[A-Za-z0-9._-]+)$/;

/** A `node` of RFC 7239 section 6; `unknown` and obfuscated identifiers have no address. */
function nodeHop(node: string): Hop {
  const bare = BRACKETED.exec(node)?.[1] ?? IPV4_WITH_PORT.exec(node)?.[1] ?? node;
  return { address: parseIp(bare) };
}
