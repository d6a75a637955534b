import type { RequestHead } from '../wire/http-head.js';
import type { Upstream } from './routing.js';

const METHOD_OVERRIDES = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);

/** What two servers could take for different requests. */
export function ambiguity(head: RequestHead, path: string, upstream: Upstream): string | undefined {
  if (upstream.encodedSeparators === 'refuse' && /%(?:2f|5c)/i.test(path))
    return 'an encoded slash or backslash in the path';
  if (
    upstream.methodOverride === 'refuse' &&
    head.headers.some((name, at) => at % 2 === 0 && METHOD_OVERRIDES.has(name.toLowerCase()))
  ) {
    return 'a header that overrides the method';
  }
  return undefined;
}
