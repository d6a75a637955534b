import { lowerName, type RawHeaders } from './http-head.js';

/** Where an upstream's clients put their credential. */
export type CredentialSource =
  | { readonly in: 'header'; readonly name: string }
  /** `Authorization: <scheme> <credential>`, e.g. Bearer or SSWS. */
  | { readonly in: 'authorization'; readonly scheme: string }
  /** RFC 7617; the credential is the user name, the password, or both with their colon. */
  | { readonly in: 'basic'; readonly part: 'username' | 'password' | 'both' }
  | { readonly in: 'query'; readonly name: string }
  | { readonly in: 'cookie'; readonly name: string };

/** What a request presents. Two different credentials are ambiguous: the guard must not check one and the upstream use the other. */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'one'; readonly credential: string; readonly source: CredentialSource };

const CREDENTIAL_BYTES_MAX = 8192;
const NONE: Presented = { kind: 'none' };
const AMBIGUOUS: Presented = { kind: 'ambiguous' };

/** The credential itself, where there is one and no other. */
export function credentialOf(presented: Presented): string | undefined {
  return presented.kind === 'one' ? presented.credential : undefined;
}

/** Finds the credential of a request among the places where one may be. */
export function presentedCredential(
  sources: readonly CredentialSource[],
  headers: RawHeaders,
  query: string,
): Presented {
  let found: Presented = NONE;
  for (const source of sources) {
    for (const credential of credentialsAt(source, headers, query)) {
      if (credential === '' || credential.length > CREDENTIAL_BYTES_MAX) continue;
      if (found.kind === 'one' && found.credential !== credential) return AMBIGUOUS;
      found = { kind: 'one', credential, source };
    }
  }
  return found;
}

function credentialsAt(source: CredentialSource, headers: RawHeaders, query: string): readonly string[] {
  switch (source.in) {
    case 'header':
      return valuesOf(headers, source.name);
    case 'authorization':
      return valuesOf(headers, 'authorization').flatMap((value) => schemeValue(value, source.scheme) ?? []);
    case 'basic':
      return valuesOf(headers, 'authorization').flatMap((value) => basicPart(value, source.part) ?? []);
    case 'query':
      return query === '' ? [] : new URLSearchParams(query).getAll(source.name);
    case 'cookie':
      return valuesOf(headers, 'cookie').flatMap((value) => cookieValues(value, source.name));
  }
}

/** All values of a header, by lower-case name. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (lowerName(headers[i] as string) === name) values.push(headers[i + 1] as string);
  }
  return values;
}

function schemeValue(value: string, scheme: string): string | undefined {
  if (value.length <= scheme.length || value.charCodeAt(scheme.length) !== 0x20) return undefined;
  if (value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase()) return undefined;
  return value.slice(scheme.length + 1).trim();
}

function basicPart(value: string, part: 'username' | 'password' | 'both'): string | undefined {
  const encoded = schemeValue(value, 'Basic');
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  if (part === 'both') return text;
  return part === 'username' ? text.slice(0, colon) : text.slice(colon + 1);
}

function cookieValues(value: string, name: string): string[] {
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'));
}

/** Whether a header line holds the credential of `source`. */
export function holdsCredential(source: CredentialSource, name: string, value: string): boolean {
  switch (source.in) {
    case 'header':
      return name === source.name;
    case 'authorization':
      return name === 'authorization' && schemeValue(value, source.scheme) !== undefined;
    case 'basic':
      return name === 'authorization' && schemeValue(value, 'Basic') !== undefined;
    case 'query':
    case 'cookie':
      return false;
  }
}

/** The query without the parameter `name`; everything else byte for byte. */
export function withoutParameter(query: string, name: string): string {
  if (query === '') return '';
  const kept = query
    .slice(1)
    .split('&')
    .filter((pair) => !new URLSearchParams(pair).has(name));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

/** A Cookie value without the cookie `name`; undefined when nothing is left. */
export function withoutCookie(value: string, name: string): string | undefined {
  const kept = value.split(';').filter((pair) => !pair.trim().startsWith(`${name}=`));
  return kept.length === 0 ? undefined : kept.join(';').trim();
}
