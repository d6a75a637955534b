import { hasControl } from '../wire/request-target.js';

/**
 * A path with parameters, as rules name it: `/users/{id}/photo.{format}`. A parameter stands for one segment or a part of
 * it, `{name+}` at the end for one or more segments. Letter case, percent-encoding, empty segments and the names of
 * parameters do not count.
 */
export interface PathPattern {
  /** Whether a path fits, given as its normalised segments. */
  fits(segments: readonly string[]): boolean;
  /**
   * Whether it names what a catalog's template names, and the path that fits it: `/users/{id}` is not `/users/me`,
   * `/users/{rest+}` is both, and `/users/42` is one of the users.
   */
  covers(template: PathTemplate, segments: readonly string[]): boolean;
  /** Whether there is a path that it covers. */
  mayCover(template: PathTemplate): boolean;
}

/** The segments of a template, in which every parameter is `{}`, and `{+}` where it takes the rest of the path. */
export type PathTemplate = readonly string[];

const PARAMETER = /\{[^{}]*\}/;
const PARAMETERS = /\{[^{}]*\}/g;
const REST = '{+}';

export function readTemplate(path: string): PathTemplate {
  return path
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => segment.replace(PARAMETERS, (parameter) => (parameter.endsWith('+}') ? REST : '{}')));
}

/** @param path without a fault (see {@link pathFault}) */
export function compilePath(path: string): PathPattern {
  const wanted = readTemplate(path).map((segment) => decode(segment) ?? segment);
  const rest = wanted.at(-1) === REST;
  const named = rest ? wanted.slice(0, -1) : wanted;
  const tests = named.map(segmentTest);
  const fits = (segments: readonly string[]) =>
    (rest ? segments.length > named.length : segments.length === named.length) &&
    tests.every((test, at) => test(segments[at] as string));
  const words = (template: PathTemplate) =>
    named.every((segment, at) => isNamed(segment, template[Math.min(at, template.length - 1)]));
  return {
    fits,
    covers: (template, segments) => words(template) && fits(segments),
    mayCover: (template) => {
      const open = template.at(-1) === REST && named.length >= template.length;
      const long = rest ? template.length > named.length : template.length === named.length;
      return words(template) && (open || long);
    },
  };
}

/** A parameter stands for no word of a template; where the template has a parameter itself, the path decides. */
function isNamed(wanted: string, known: string | undefined): boolean {
  return known !== undefined && (wanted === known || known.includes('{'));
}

function segmentTest(segment: string): (text: string) => boolean {
  const parts = segment.split('{}');
  if (parts.length === 1) return (text) => text === segment;
  return (text) => holds(text, parts, 1);
}

/**
 * Whether a text is made of these parts with at least `gap` characters between them, in linear time: each part is
 * taken where it comes first.
 */
export function holds(text: string, parts: readonly string[], gap: 0 | 1): boolean {
  const first = parts[0] as string;
  const last = parts[parts.length - 1] as string;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at + gap);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + gap <= end;
}

const METACHARACTERS = /[\s?#;*\\]/;

/** Why no request can have a path like this one; undefined where one can. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a path begins with /';
  const odd = METACHARACTERS.exec(path)?.[0];
  if (odd === '*') return 'write {id} for one segment of any text, {rest+} at the end for all that follow';
  if (odd !== undefined)
    return `a path has no ${odd.trim() === '' ? 'blank' : odd}; {name} stands for any text`;
  const segments = path.split('/').filter((segment) => segment !== '');
  for (const [at, segment] of segments.entries()) {
    const decoded = decode(segment);
    if (decoded === undefined) return `${segment} has a broken percent-encoding`;
    if (/[\\/]/.test(decoded)) return 'an encoded slash or backslash is not a part of a segment';
    if (hasControl(decoded)) return 'control characters are refused in every request';
    if (decoded.includes(';')) return 'a path has no ;, encoded or not: what follows it does not count';
    if (decoded === '.' || decoded === '..') return 'dot segments are refused in every request';
    if (/[{}]/.test(segment.replace(PARAMETERS, ''))) return `${segment} has a brace without its other half`;
    if (segment.includes('}{')) return `${segment} has two parameters with nothing between`;
    if (/\+\}/.test(segment) && !(at === segments.length - 1 && /^\{[^{}]*\}$/.test(segment)))
      return `${PARAMETER.exec(segment)?.[0]} can only be the last segment`;
  }
  return undefined;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment).toLowerCase();
  } catch {
    return undefined;
  }
}

/** Matches a segment against `{base}...{head}`; each parameter is a group. */
export function segmentPattern(segment: string): RegExp {
  const parts = segment.split(PARAMETER);
  const source = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+)');
  return new RegExp(`^${source}$`, 's');
}
