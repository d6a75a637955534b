import type { Admission } from '../../engine/admission.js';
import type { Injected } from '../../keys/sealed-service.js';
import {
  type CredentialSource,
  holdsCredential,
  withoutCookie,
  withoutParameter,
} from '../../wire/credentials.js';
import { mayBeSame } from '../../wire/header-names.js';
import { isHopByHop, lowerName, type RequestHead } from '../../wire/http-head.js';
import type { ProxyUpstream } from './gateway.js';

export interface HopFacts {
  /** Address of the connection's other end. */
  readonly peer: string;
  readonly peerTrusted: boolean;
  readonly scheme: 'http' | 'https';
  /** HTTP version the request came in. */
  readonly version: '1.0' | '1.1' | '2';
}

/** Headers by which the upstream learns who calls; a caller's own are never passed on. */
const IDENTITY = /^x-keyward-/;

/**
 * The request head as the upstream gets it: every line as it came, but for hop-by-hop fields, the caller's
 * credential where Keyward issued it, and what a gateway must add (RFC 9110 section 7.6).
 */
export function forwardedHead(
  head: RequestHead,
  admission: Admission<ProxyUpstream>,
  injection: Injected | undefined,
  hop: HopFacts,
  upgrade: string | undefined,
): string {
  const { upstream, target } = admission;
  // Wherever it may be: the same key may have been sent in two places.
  const stripped = stripsCredential(admission, injection) ? upstream.credentials : [];
  const query = stripped.reduce(
    (text, source) => (source.in === 'query' ? withoutParameter(text, source.name) : text),
    target.query,
  );
  let text = `${head.method} ${target.path}${query} HTTP/1.1\r\n`;
  let forwardedFor = '';
  let hostSent = false;
  const { headers } = head;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = lowerName(name);
    if (lower === 'host') {
      text += `${name}: ${hostValue(upstream, target.authority ?? value)}\r\n`;
      hostSent = true;
      continue;
    }
    if (isHopByHop(name, head.connection) || IDENTITY.test(lower)) continue;
    if (lower === 'x-forwarded-for') {
      if (hop.peerTrusted) forwardedFor += `${value}, `;
      continue;
    }
    if (injection !== undefined && mayBeSame(name, injection.header)) continue;
    const kept = withoutCredentials(stripped, lower, value);
    if (kept !== undefined) text += `${name}: ${kept}\r\n`;
  }
  if (!hostSent) text += `Host: ${hostValue(upstream, '')}\r\n`;
  if (injection !== undefined) text += `${injection.header}: ${injection.value}\r\n`;
  text += `X-Forwarded-For: ${forwardedFor}${hop.peer}\r\nVia: ${hop.version} keyward\r\n`;
  if (upstream.identityHeaders && admission.key !== undefined) text += identityLines(admission.key.key);
  if (upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  return `${text}\r\n`;
}

/** What Keyward issued means nothing upstream; foreign and imported keys are the upstream's own. */
function stripsCredential(admission: Admission<ProxyUpstream>, injection: Injected | undefined): boolean {
  return injection !== undefined || admission.key?.key.kind === 'issued';
}

function hostValue(upstream: ProxyUpstream, received: string): string {
  return upstream.hostHeader === 'preserve' && received !== '' ? received : upstream.authority;
}

/** A header value without credentials; undefined where nothing is left. */
function withoutCredentials(
  sources: readonly CredentialSource[],
  lower: string,
  value: string,
): string | undefined {
  let kept: string | undefined = value;
  for (const source of sources) {
    if (kept === undefined || holdsCredential(source, lower, kept)) return undefined;
    if (source.in === 'cookie' && lower === 'cookie') kept = withoutCookie(kept, source.name);
  }
  return kept;
}

function identityLines(key: { id: string; tenant: string; principal: string }): string {
  return `X-Keyward-Key: ${key.id}\r\nX-Keyward-Tenant: ${headerSafe(key.tenant)}\r\nX-Keyward-Principal: ${headerSafe(key.principal)}\r\n`;
}

function headerSafe(text: string): string {
  return /^[ -~]*$/.test(text) ? text : encodeURIComponent(text);
}
