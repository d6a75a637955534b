import { isHopByHop, lowerName, type RawHeaders, type ResponseHead } from './http-head.js';

/**
 * HTTP/2 field lists (RFC 9113 section 8) to HTTP/1.1 text and back, so that a request takes the same path
 * whichever version it came in. What the text would say differently from the list is refused.
 */

/** How the body of a translated request is written. */
export type BodyCoding =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

export type Http1Request =
  | { readonly kind: 'refused'; readonly status: 400 | 501; readonly why: string }
  | {
      readonly kind: 'done';
      /** Request line and header lines with the final empty line; latin1. */
      readonly head: string;
      readonly method: string;
      readonly body: BodyCoding;
    };

/** An object for node:http2: one entry per name. */
export type Http2Headers = Record<string, string | string[]>;

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Everything above one byte too: written as latin1, U+010A would become a line feed. */
const VALUE = /^[\t -~\x80-\xff]*$/;
const PATH = /^(?:\/[!-~\x80-\xff]*|\*)$/;
const DIGITS = /^\d{1,15}$/;
const PSEUDO = new Set([':method', ':scheme', ':authority', ':path']);
/** RFC 9113 section 8.2.2: a list that has one of these is malformed. */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What one pass over the list gathers. */
interface Gathered {
  readonly pseudo: Map<string, string>;
  readonly lines: { readonly name: string; value: string }[];
  readonly lengths: string[];
  readonly hosts: string[];
  trailer: boolean;
}

function refused(why: string, status: 400 | 501 = 400): Extract<Http1Request, { kind: 'refused' }> {
  return { kind: 'refused', status, why };
}

/**
 * The request head as HTTP/1.1 text: lines in order, cookie crumbs joined (section 8.2.3).
 * @param fields alternating name and value, as received, pseudo-header fields included.
 * @param ended whether the stream ended with its head, so that there is no body.
 */
export function http1RequestHead(fields: RawHeaders, ended: boolean): Http1Request {
  const gathered = gather(fields);
  if (typeof gathered === 'string') return refused(gathered);
  const { pseudo, lines, hosts } = gathered;
  const method = pseudo.get(':method') ?? '';
  if (method === 'CONNECT') return refused('CONNECT is not served here', 501);
  if (!METHOD.test(method)) return refused('no valid :method');
  if (!/^https?$/i.test(pseudo.get(':scheme') ?? '')) return refused('a :scheme other than http or https');
  const path = pseudo.get(':path') ?? '';
  if (!PATH.test(path)) return refused('a :path that is not a path');
  const authority = pseudo.get(':authority');
  if (authority !== undefined && hosts.some((host) => host.toLowerCase() !== authority.toLowerCase()))
    return refused('a Host that is not :authority');
  const body = codingOf(gathered, ended);
  if (typeof body === 'string') return refused(body);
  let head = `${method} ${path} HTTP/1.1\r\n`;
  if (authority !== undefined) head += `Host: ${authority}\r\n`;
  for (const { name, value } of lines) {
    if (name === 'host' && authority !== undefined) continue;
    if (name === 'content-length' && body.kind === 'chunked') continue;
    head += `${name}: ${value}\r\n`;
  }
  if (body.kind === 'chunked') head += 'Transfer-Encoding: chunked\r\n';
  return { kind: 'done', head: `${head}\r\n`, method, body };
}

/** Checks every field and sorts it; a string says why the list is refused. */
function gather(fields: RawHeaders): Gathered | string {
  const gathered: Gathered = { pseudo: new Map(), lines: [], lengths: [], hosts: [], trailer: false };
  let cookie: { readonly name: string; value: string } | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (!VALUE.test(value)) return 'a control character in a field value';
    if (name.startsWith(':')) {
      if (!PSEUDO.has(name)) return 'an unknown pseudo-header field';
      if (gathered.lines.length > 0) return 'a pseudo-header field after a regular one';
      if (gathered.pseudo.has(name)) return `more than one ${name}`;
      gathered.pseudo.set(name, value);
      continue;
    }
    if (!NAME.test(name)) return 'a field name with a character that is not allowed';
    if (CONNECTION_SPECIFIC.has(name)) return `the connection-specific field ${name}`;
    if (name === 'te' && value.toLowerCase() !== 'trailers') return 'a TE other than trailers';
    if (name === 'cookie' && cookie !== undefined) {
      cookie.value += `; ${value}`;
      continue;
    }
    const line = { name, value };
    gathered.lines.push(line);
    if (name === 'cookie') cookie = line;
    else if (name === 'content-length') gathered.lengths.push(value);
    else if (name === 'host') gathered.hosts.push(value);
    else if (name === 'trailer') gathered.trailer = true;
  }
  return gathered;
}

/** A body with announced trailers goes in chunks: after a Content-Length, HTTP/1.1 has no place for them. */
function codingOf({ lengths, trailer }: Gathered, ended: boolean): BodyCoding | string {
  if (lengths.length > 1) return 'more than one Content-Length';
  const [length] = lengths;
  if (length !== undefined && !DIGITS.test(length)) return 'a Content-Length that is not a plain number';
  if (ended)
    return length === undefined || Number(length) === 0
      ? { kind: 'none' }
      : 'a Content-Length but no content';
  return length === undefined || trailer ? { kind: 'chunked' } : { kind: 'length', bytes: Number(length) };
}

/** Trailer lines as they follow the last chunk, without the final empty line; undefined when refused. */
export function http1Trailers(fields: RawHeaders): string | undefined {
  let text = '';
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (!NAME.test(name) || !VALUE.test(value) || CONNECTION_SPECIFIC.has(name)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** The response head as HTTP/2 fields, without what belongs to the connection. */
export function http2ResponseHeaders(head: ResponseHead): Http2Headers {
  return { ':status': String(head.status), ...http2Headers(head.headers, head.connection) };
}

/** Header or trailer lines by lower-case name. */
export function http2Headers(lines: RawHeaders, connection: readonly string[] = []): Http2Headers {
  // Without a prototype: a field may be called __proto__.
  const headers: Http2Headers = Object.create(null);
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lowerName(lines[i] as string);
    const value = lines[i + 1] as string;
    if (CONNECTION_SPECIFIC.has(name) || isHopByHop(name, connection)) continue;
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (SINGLE.has(name)) headers[name] = combined(known as string, value);
    else if (typeof known === 'string') headers[name] = [known, value];
    else known.push(value);
  }
  return headers;
}

/** Repeated lines as one value (RFC 9110 section 5.2); the same said twice is said once. */
function combined(known: string, value: string): string {
  return known === value ? known : `${known}, ${value}`;
}

/** Fields that node:http2 does not send twice. */
const SINGLE = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);
