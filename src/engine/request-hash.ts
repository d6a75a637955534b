import { createHash } from 'node:crypto';
import { type CredentialSource, holdsCredential } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';

/**
 * Header lines that are another's each time the same is asked again: framing, what the answer may look like, where it came
 * through, traces, time stamps. All others may change what a request does.
 */
const PASSING = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['content-length', 'expect', 'date', 'priority', 'sec-websocket-key'],
  ...['accept', 'accept-encoding', 'accept-language', 'cache-control', 'pragma'],
  ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-real-ip'],
  ...['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'newrelic', 'uber-trace-id'],
  ...['x-amzn-trace-id', 'x-cloud-trace-context', 'elastic-apm-traceparent', 'x-amz-date', 'b3'],
  ...['x-request-id', 'request-id', 'x-correlation-id', 'correlation-id', 'x-trace-id', 'x-amz-cf-id'],
  ...['x-ms-client-request-id', 'client-request-id', 'x-ms-date', 'x-azure-ref', 'x-client-trace-id'],
  ...['x-retry-count', 'x-stainless-retry-count', 'x-envoy-attempt-count', 'x-instana-t', 'x-instana-s'],
  ...['idempotency-key', 'x-idempotency-key', 'amz-sdk-invocation-id', 'amz-sdk-request'],
]);
const PASSING_PREFIXES = ['x-b3-', 'x-datadog-', 'cf-'] as const;

/** A signature over the time is another each time; whose it is stays. */
const SIGNED = /^(AWS4-[\w-]+ Credential=[^/,\s]+)\//;
/** Clients draw a boundary anew each time. Only what every server reads alike. */
const MULTIPART = /^(multipart\/form-data); ?boundary=("?)([\w'()+,./:=?-]{1,70})\2$/i;

/**
 * What only the very same request has: SHA-256 over the key, method, host, target, protocol that it changes to, header
 * lines that may change what it does, and body.
 * @param body its payload: the same in whatever chunks it comes
 */
export function requestHash(
  key: string,
  head: RequestHead,
  credentials: readonly CredentialSource[],
  body: Uint8Array,
): string {
  const lines = boundLines(head, credentials);
  const types = lines.filter((line) => line.startsWith(TYPE));
  const multipart = types.length === 1 ? MULTIPART.exec((types[0] as string).slice(TYPE.length)) : null;
  const parts = [key, head.method, head.host, head.target, head.upgrade ?? '', String(lines.length)];
  const hash = createHash('sha256');
  const add = (part: string, encoding: BufferEncoding = 'utf8') =>
    hash.update(`${Buffer.byteLength(part, encoding)}:`).update(part, encoding);
  for (const part of parts) add(part);
  if (multipart === null) {
    for (const line of lines) add(line);
    hash.update(body);
  } else {
    // Not as any header line is: no other request has the same parts.
    for (const line of lines) add(line.startsWith(TYPE) ? 'parts of a form' : line);
    for (const part of Buffer.from(body).toString('latin1').split(`--${multipart[3]}`)) add(part, 'latin1');
  }
  return hash.digest('base64url');
}

const TYPE = 'content-type:';

/** In order of name. Those that a connection keeps to itself are not forwarded (RFC 9110 section 7.6.1). */
function boundLines(
  { headers, connection }: RequestHead,
  credentials: readonly CredentialSource[],
): string[] {
  const lines: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const value = headers[at + 1] as string;
    if (name === 'host' || isPassing(name) || connection.includes(name)) continue;
    if (credentials.some((each) => holdsCredential(each, name, value))) continue;
    lines.push(`${name}:${name === 'authorization' ? (SIGNED.exec(value)?.[1] ?? value) : value}`);
  }
  return lines.sort();
}

function isPassing(name: string): boolean {
  return PASSING.has(name) || PASSING_PREFIXES.some((prefix) => name.startsWith(prefix));
}
