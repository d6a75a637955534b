/**
 * The request target (RFC 9112 section 3.2) split for the guard. The text is forwarded as it came; `segments`
 * is what the upstream could take it for at worst: percent-decoded, lower-case, without empty segments and
 * path parameters. What could be read as another path altogether is refused.
 */
export type RequestTarget =
  | {
      readonly kind: 'done';
      /** As received, without query. */
      readonly path: string;
      /** With its `?`; empty when there is none. */
      readonly query: string;
      readonly segments: readonly string[];
      /** Authority of an absolute-form target. */
      readonly authority: string | undefined;
    }
  | { readonly kind: 'refused'; readonly why: string };

const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)(.*)$/i;
const ENCODED_SEPARATOR = /%(?:2f|5c)/i;
const PLAIN_PATH = /^[/a-z0-9\-._~]*$/;
/** Also where parameters follow, or separators that were encoded. */
const HIDDEN_DOTS = /(?:^|[\\/])\.\.?(?:[\\/;]|$)/;
const DOT_SEGMENT = 'a dot segment in the path';

function refused(why: string): RequestTarget {
  return { kind: 'refused', why };
}

/** Reads a target in origin, absolute or asterisk form. */
export function parseTarget(
  target: string,
  encodedSeparators: 'refuse' | 'forward' = 'refuse',
): RequestTarget {
  let rest = target;
  let authority: string | undefined;
  if (rest.charCodeAt(0) !== 0x2f) {
    if (rest === '*') return { kind: 'done', path: '*', query: '', segments: ['*'], authority };
    const absolute = ABSOLUTE.exec(rest);
    if (absolute === null) return refused('a request target that is neither a path nor a URL');
    authority = absolute[1] as string;
    rest = absolute[2] as string;
    if (rest === '' || rest.startsWith('?')) rest = `/${rest}`;
    if (!rest.startsWith('/')) return refused('a URL with user information, or without a plain authority');
  }
  if (rest.includes('#')) return refused('a fragment in the request target');
  const at = rest.indexOf('?');
  const path = at === -1 ? rest : rest.slice(0, at);
  const query = at === -1 ? '' : rest.slice(at);
  if (path.includes('\\')) return refused('a backslash in the path');
  if (encodedSeparators === 'refuse' && ENCODED_SEPARATOR.test(path))
    return refused('an encoded slash or backslash in the path');
  const segments = segmentsOf(path);
  return typeof segments === 'string'
    ? refused(segments)
    : { kind: 'done', path, query, segments, authority };
}

/** Normalised segments; a string says why the path is refused. */
function segmentsOf(path: string): string[] | string {
  if (PLAIN_PATH.test(path)) return plainSegments(path);
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    if (raw === '') continue;
    const decoded = decode(raw);
    if (decoded === undefined) return 'a malformed percent-encoding in the path';
    if (HIDDEN_DOTS.test(decoded)) return DOT_SEGMENT;
    const parameters = decoded.indexOf(';');
    const segment = (parameters === -1 ? decoded : decoded.slice(0, parameters)).toLowerCase();
    if (hasControl(decoded)) return 'a control character in the path';
    if (segment !== '') segments.push(segment);
  }
  return segments;
}

/** Of a path in which nothing is encoded, the common case. */
function plainSegments(path: string): string[] | string {
  const segments: string[] = [];
  let start = 1;
  while (start <= path.length) {
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    if (end > start) {
      const segment = path.slice(start, end);
      if (segment === '.' || segment === '..') return DOT_SEGMENT;
      segments.push(segment);
    }
    start = end + 1;
  }
  return segments;
}

export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i += 1)
    if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
