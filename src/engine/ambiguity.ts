import type { CredentialSource } from '../wire/credentials.js';
import { mayBeSame, readingOf } from '../wire/header-names.js';
import { lowerName, type RawHeaders, type RequestHead } from '../wire/http-head.js';
import type { Upstream } from './routing.js';

const METHOD_OVERRIDES = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);

/** A query that is worth a closer look: the word is there, or may be encoded. */
const MAY_NAME_METHOD = /method|%/i;

/** What the guard reads, drops or writes: a header that a server may take for one of them has not been looked at. */
const OWN = new Set([
  'content-encoding',
  'content-length',
  'content-type',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'user-agent',
  'x-forwarded-for',
]);
const IDENTITY = 'x-keyward-';

/** What two servers could take for different requests. */
export function ambiguity(
  head: RequestHead,
  { path, query }: { readonly path: string; readonly query: string },
  upstream: Upstream,
): string | undefined {
  if (upstream.encodedSeparators === 'refuse' && /%(?:2f|5c)/i.test(path))
    return 'an encoded slash or backslash in the path';
  if (upstream.methodOverride === 'refuse' && overridesMethod(query))
    return 'a query parameter that overrides the method';
  return ambiguousHeader(head.headers, upstream);
}

/** As Rails, Laravel, Symfony and Express middlewares read it. */
function overridesMethod(query: string): boolean {
  if (!MAY_NAME_METHOD.test(query)) return false;
  for (const name of new URLSearchParams(query).keys()) {
    const { dashed } = readingOf(name);
    if (dashed === '-method' || METHOD_OVERRIDES.has(dashed)) return true;
  }
  return false;
}

function ambiguousHeader(headers: RawHeaders, upstream: Upstream): string | undefined {
  const { credentials, methodOverride } = upstream;
  const unusual = credentials.some((each) => each.in === 'header' && readingOf(each.name).other);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const { dashed, other } = readingOf(name);
    if (METHOD_OVERRIDES.has(dashed)) {
      if (methodOverride === 'refuse') return 'a header that overrides the method';
    } else if (other && (OWN.has(dashed) || dashed.startsWith(IDENTITY))) {
      return `a header that may be taken for ${dashed}`;
    } else if ((other || unusual) && standsForKey(name, credentials)) {
      return 'a header that may be taken for the one with the key';
    }
  }
  return undefined;
}

function standsForKey(name: string, credentials: readonly CredentialSource[]): boolean {
  const sources = credentials.flatMap((each) => (each.in === 'header' ? each.name : []));
  return !sources.includes(lowerName(name)) && sources.some((each) => mayBeSame(each, name));
}
