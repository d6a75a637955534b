import { createHash } from 'node:crypto';
import type { CredentialSource } from '../wire/credentials.js';
import { holdsCredential } from '../wire/credentials.js';
import type { RequestHead } from '../wire/http-head.js';

/**
 * Header lines that are another's each time the same is asked again: framing, what the answer may look like, where it came
 * through, traces, time stamps. All others may change what a request does.
 */
const PASSING = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['content-length', 'expect', 'date', 'authorization', 'priority'],
  ...['accept', 'accept-encoding', 'accept-language', 'cache-control', 'pragma'],
  ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-real-ip'],
  ...['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'newrelic', 'uber-trace-id'],
  ...['x-amzn-trace-id', 'x-cloud-trace-context', 'elastic-apm-traceparent', 'x-amz-date', 'b3'],
  ...['x-request-id', 'request-id', 'x-correlation-id', 'correlation-id'],
  ...['idempotency-key', 'x-idempotency-key', 'amz-sdk-invocation-id', 'amz-sdk-request'],
]);
const PASSING_PREFIXES = ['x-b3-', 'x-datadog-', 'cf-'] as const;

/**
 * What only the very same request has: SHA-256 over the key, method, host, target, header lines that may change what it
 * does, and body.
 * @param body its payload: the same in whatever chunks it comes
 */
export function requestHash(
  key: string,
  { method, host, target, headers }: RequestHead,
  credentials: readonly CredentialSource[],
  body: Uint8Array,
): string {
  const lines: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const value = headers[at + 1] as string;
    if (name === 'host' || isPassing(name) || credentials.some((each) => holdsCredential(each, name, value)))
      continue;
    lines.push(`${name}:${value}`);
  }
  const hash = createHash('sha256');
  const parts = [key, method, host, target, String(lines.length), ...lines.sort()];
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.update(body).digest('base64url');
}

function isPassing(name: string): boolean {
  return PASSING.has(name) || PASSING_PREFIXES.some((prefix) => name.startsWith(prefix));
}
