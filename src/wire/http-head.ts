/**
 * HTTP/1.1 message heads (RFC 9112): read strictly, kept as they came. Header lines stay in order, in their
 * letter case, duplicates included, because the guard forwards what does not concern it unchanged. Whatever
 * two servers could read differently (bare LF, obs-fold, two lengths) is refused instead of repaired.
 */

/** How the length of a message body is known (RFC 9112 section 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

/** Header lines as alternating name and value, as received. */
export type RawHeaders = readonly string[];

interface Head {
  /** Minor version of HTTP/1.x. */
  readonly minor: 0 | 1;
  readonly headers: RawHeaders;
  readonly framing: Framing;
  /** Lower-case members of Connection. */
  readonly connection: readonly string[];
  /** Lower-case protocol of Upgrade, when Connection names it. */
  readonly upgrade: string | undefined;
}

export interface RequestHead extends Head {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly expectContinue: boolean;
}

export interface ResponseHead extends Head {
  readonly status: number;
  readonly statusText: string;
}

export type Parsed<T> =
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly status: 400 | 417 | 431 | 501 | 505; readonly why: string }
  | { readonly kind: 'done'; readonly head: T; readonly bytes: number };

export const HEAD_BYTES_MAX = 32 * 1024;
export const HEADERS_MAX = 200;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN_IN_VALUE = /[\0-\x08\n-\x1f\x7f]/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~\x80-\xff]+) HTTP\/1\.([01])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t -~\x80-\xff]*))?$/;
const DIGITS = /^\d{1,15}$/;
const HOST = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;
const END = Buffer.from('\r\n\r\n');

const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const CLOSE: Framing = { kind: 'close' };
const MORE = { kind: 'more' } as const;
const NO_CONNECTION: readonly string[] = [];

// Names recur: remembering the lower-case form of those seen saves both the check and the copy.
const NAMES_MAX = 2048;
const names = new Map<string, string>();

/** Lower-case form of a valid field name; undefined when it is not a token (RFC 9110 section 5.6.2). */
function fieldName(name: string): string | undefined {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  if (names.size < NAMES_MAX) names.set(name, lower);
  return lower;
}

/** What the header lines say about framing and the connection, gathered in one pass. */
interface Facts {
  length: string | undefined;
  lengths: number;
  transferEncoding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  host: string | undefined;
  hosts: number;
  expect: string | undefined;
}

function note(facts: Facts, name: string, value: string): void {
  switch (name) {
    case 'content-length':
      facts.length = value;
      facts.lengths += 1;
      break;
    case 'transfer-encoding':
      facts.transferEncoding =
        facts.transferEncoding === undefined ? value : `${facts.transferEncoding}, ${value}`;
      break;
    case 'connection':
      facts.connection = facts.connection === undefined ? value : `${facts.connection}, ${value}`;
      break;
    case 'upgrade':
      facts.upgrade = value;
      break;
    case 'host':
      facts.host = value;
      facts.hosts += 1;
      break;
    case 'expect':
      facts.expect = value;
      break;
  }
}

/** Reads header lines from `lines[1]` on; returns why they are refused, if they are. */
function readHeaders(
  lines: string[],
  headers: string[],
  facts: Facts,
  linesMax = HEADERS_MAX,
): string | undefined {
  if (lines.length - 1 > linesMax) return `more than ${linesMax} header lines`;
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i] as string;
    const first = line.charCodeAt(0);
    if (first === 0x20 || first === 0x09) return 'a folded header line (obs-fold, RFC 9112 section 5.2)';
    const colon = line.indexOf(':');
    if (colon <= 0) return 'a header line without a name';
    const name = line.slice(0, colon);
    const lower = fieldName(name);
    if (lower === undefined) return 'a header name with a character that is not allowed';
    // OWS is space and tab only; String.trim would also remove the byte 0xA0.
    const value = trimOws(line, colon + 1);
    if (FORBIDDEN_IN_VALUE.test(value)) return `a bare line break or control character in header ${name}`;
    headers.push(name, value);
    note(facts, lower, value);
  }
  return undefined;
}

/** The rest of a line without the white space around it. */
export function trimOws(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isOws(line.charCodeAt(start))) start += 1;
  while (end > start && isOws(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function members(value: string | undefined): readonly string[] {
  if (value === undefined) return NO_CONNECTION;
  return value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

/** True for a chunk of bytes that can never become a valid head: an LF without its CR. */
function hasBareLf(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) {
    if (at === 0 || bytes[at - 1] !== 13) return true;
  }
  return false;
}

function refused(why: string, status: 400 | 417 | 431 | 501 | 505 = 400): Parsed<never> {
  return { kind: 'refused', status, why };
}

/** Splits off the head at the front of `bytes`, as lines without their CRLF. */
function splitHead(bytes: Buffer, bytesMax: number): Parsed<string[]> {
  const end = bytes.indexOf(END);
  if (end === -1 || end > bytesMax) {
    if (bytes.length > bytesMax) return refused(`the head is longer than ${bytesMax} bytes`, 431);
    return hasBareLf(bytes) ? refused('a line that ends in a bare LF') : MORE;
  }
  return { kind: 'done', head: bytes.toString('latin1', 0, end).split('\r\n'), bytes: end + 4 };
}

function emptyFacts(): Facts {
  return {
    length: undefined,
    lengths: 0,
    transferEncoding: undefined,
    connection: undefined,
    upgrade: undefined,
    host: undefined,
    hosts: 0,
    expect: undefined,
  };
}

/** Body framing shared by both directions; a string says why it is refused. */
function framingOf(facts: Facts, minor: 0 | 1): Framing | string | undefined {
  if (facts.transferEncoding !== undefined) {
    if (facts.lengths > 0) return 'both Content-Length and Transfer-Encoding';
    if (minor === 0) return 'Transfer-Encoding in an HTTP/1.0 message';
    if (facts.transferEncoding.toLowerCase() !== 'chunked') return 'a Transfer-Encoding other than chunked';
    return CHUNKED;
  }
  if (facts.lengths === 0) return undefined;
  if (facts.lengths > 1) return 'more than one Content-Length';
  if (!DIGITS.test(facts.length ?? '')) return 'a Content-Length that is not a plain number';
  const bytes = Number(facts.length);
  return bytes === 0 ? NONE : { kind: 'length', bytes };
}

/**
 * Reads one request head from the front of `bytes`.
 * @returns `more` while incomplete; `refused` with the status to answer; `done` with the bytes used.
 */
export function parseRequestHead(bytes: Buffer, bytesMax = HEAD_BYTES_MAX): Parsed<RequestHead> {
  const split = splitHead(bytes, bytesMax);
  if (split.kind !== 'done') return split;
  const lines = split.head;
  const start = REQUEST_LINE.exec(lines[0] as string);
  if (start === null) {
    const version = /HTTP\/(\d+\.\d+)$/.exec(lines[0] as string)?.[1];
    if (version !== undefined && !version.startsWith('1.'))
      return refused('an HTTP version other than 1.x', 505);
    return refused('a malformed request line');
  }
  const minor = start[3] === '1' ? 1 : 0;
  const headers: string[] = [];
  const facts = emptyFacts();
  const problem = readHeaders(lines, headers, facts);
  if (problem !== undefined) return refused(problem);
  if (facts.hosts > 1) return refused('more than one Host header');
  if (facts.hosts === 0 && minor === 1) return refused('no Host header');
  if (!HOST.test(facts.host ?? '')) return refused('a malformed Host header');
  const framing = framingOf(facts, minor);
  if (typeof framing === 'string') return refused(framing, framing.includes('other than') ? 501 : 400);
  const expect = facts.expect?.toLowerCase();
  if (expect !== undefined && expect !== '100-continue')
    return refused('an Expect other than 100-continue', 417);
  const connection = members(facts.connection);
  const head: RequestHead = {
    method: start[1] as string,
    target: start[2] as string,
    minor,
    headers,
    host: facts.host ?? '',
    framing: framing ?? NONE,
    connection,
    upgrade: connection.includes('upgrade') ? facts.upgrade?.toLowerCase() : undefined,
    expectContinue: expect !== undefined && minor === 1,
  };
  return { kind: 'done', head, bytes: split.bytes };
}

/**
 * Reads one response head from the front of `bytes`.
 * @param method of the request: a response to HEAD has no body, whatever its headers say.
 */
export function parseResponseHead(
  bytes: Buffer,
  method: string,
  bytesMax = HEAD_BYTES_MAX,
  linesMax = HEADERS_MAX,
): Parsed<ResponseHead> {
  const split = splitHead(bytes, bytesMax);
  if (split.kind !== 'done') return split;
  const lines = split.head;
  const start = STATUS_LINE.exec(lines[0] as string);
  if (start === null) return refused('a malformed status line');
  const minor = start[1] === '1' ? 1 : 0;
  const status = Number(start[2]);
  const headers: string[] = [];
  const facts = emptyFacts();
  const problem = readHeaders(lines, headers, facts, linesMax);
  if (problem !== undefined) return refused(problem);
  const declared = framingOf(facts, minor);
  if (typeof declared === 'string') return refused(declared);
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const connection = members(facts.connection);
  const head: ResponseHead = {
    status,
    statusText: start[3] ?? '',
    minor,
    headers,
    framing: bodiless ? NONE : (declared ?? CLOSE),
    connection,
    upgrade: facts.upgrade?.toLowerCase(),
  };
  return { kind: 'done', head, bytes: split.bytes };
}

/** Whether the sender of this head wants to keep the connection (RFC 9112 section 9.3). */
export function keepsAlive(head: { minor: 0 | 1; connection: readonly string[] }): boolean {
  if (head.connection.length === 0) return head.minor === 1;
  if (head.connection.includes('close')) return false;
  return head.minor === 1 || head.connection.includes('keep-alive');
}

/** Hop-by-hop fields (RFC 9110 section 7.6.1), besides those that Connection names. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
]);

/** Whether a header line ends at this hop. */
export function isHopByHop(name: string, connection: readonly string[]): boolean {
  const lower = fieldName(name) ?? name.toLowerCase();
  if (HOP_BY_HOP.has(lower)) return true;
  // Framing and routing survive even if a sender names them in Connection: dropping them would change the message.
  return connection.length > 0 && connection.includes(lower) && !KEPT.has(lower);
}

const KEPT = new Set(['content-length', 'transfer-encoding', 'host', 'authorization', 'cookie']);

/** Lower-case form of a header name, remembered. */
export function lowerName(name: string): string {
  return fieldName(name) ?? name.toLowerCase();
}
