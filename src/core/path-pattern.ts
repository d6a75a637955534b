/** Whether a path, as its normalised segments, fits a template. */
export type PathPattern = (segments: readonly string[]) => boolean;

/**
 * `/users/{id}/photo.{format}`: a parameter stands for one segment or a part of it, `{name+}` at the end for one or more
 * segments. Letter case does not count.
 */
export function compilePath(template: string): PathPattern {
  const wanted = template
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
  const rest = /^\{[^{}]*\+\}$/.test(wanted.at(-1) ?? '');
  const fixed = (rest ? wanted.slice(0, -1) : wanted).map(compileSegment);
  return (segments) =>
    (rest ? segments.length > fixed.length : segments.length === fixed.length) &&
    fixed.every((fits, at) => fits(segments[at] as string));
}

function compileSegment(segment: string): (text: string) => boolean {
  if (!segment.includes('{')) return (text) => text === segment;
  if (/^\{[^{}]*\}$/.test(segment)) return () => true;
  const pattern = segmentPattern(segment);
  return (text) => pattern.test(text);
}

/** Matches a segment against `{base}...{head}`; each parameter is a group. */
export function segmentPattern(segment: string): RegExp {
  const parts = segment.split(/\{[^{}]*\}/);
  const source = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+)');
  return new RegExp(`^${source}$`, 's');
}
