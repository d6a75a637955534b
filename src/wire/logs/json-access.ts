import { clfTime } from './combined.js';
import { AGENT_CHARS_MAX, addressOf, countOf, isFields, pathOf, textOf, timeOf } from './fields.js';
import type { LogRecord } from './record.js';

/** Names of a JSON access log's fields; dots lead into nested objects. The first that is there counts. */
export interface AccessLogMapping {
  readonly time: readonly string[];
  readonly key: readonly string[];
  readonly tenant: readonly string[];
  readonly principal: readonly string[];
  readonly ip: readonly string[];
  readonly userAgent: readonly string[];
  readonly method: readonly string[];
  readonly path: readonly string[];
  readonly status: readonly string[];
  readonly bytesIn: readonly string[];
  readonly bytesOut: readonly string[];
  readonly latencyMs: readonly string[];
}

/** What nginx (as commonly configured), Caddy, Traefik, Envoy and load balancers write. */
export const ACCESS_LOG_MAPPING: AccessLogMapping = {
  time: [
    'time',
    'ts',
    'timestamp',
    '@timestamp',
    'time_iso8601',
    'time_local',
    'StartUTC',
    'start_time',
    'msec',
  ],
  key: ['key', 'key_id', 'api_key_id', 'request.user_id', 'user_id', 'remote_user', 'ClientUsername', 'user'],
  tenant: ['tenant', 'org', 'organization'],
  principal: ['principal'],
  ip: [
    'ip',
    'client_ip',
    'remote_addr',
    'request.client_ip',
    'request.remote_ip',
    'ClientHost',
    'downstream_remote_address',
    'clientip',
  ],
  userAgent: [
    'userAgent',
    'user_agent',
    'http_user_agent',
    'request.headers.User-Agent.0',
    'request_User-Agent',
    'agent',
  ],
  method: ['method', 'request_method', 'request.method', 'RequestMethod', 'verb'],
  path: ['path', 'request_uri', 'uri', 'request.uri', 'RequestPath', 'url', 'request'],
  status: ['status', 'response_code', 'DownstreamStatus', 'OriginStatus', 'elb_status_code'],
  bytesIn: ['bytesIn', 'bytes_read', 'request_length', 'bytes_received', 'RequestContentSize'],
  bytesOut: ['bytesOut', 'size', 'body_bytes_sent', 'bytes_sent', 'DownstreamContentSize', 'bytes'],
  latencyMs: ['latencyMs', 'latency_ms'],
};

export const MAPPED_FIELDS = Object.keys(ACCESS_LOG_MAPPING) as readonly (keyof AccessLogMapping)[];

/** One line of a JSON access log. The client's address stands for the key where the log has none. */
export function jsonAccessRecord(value: unknown, mapping = ACCESS_LOG_MAPPING): LogRecord | string {
  if (!isFields(value)) return 'not a JSON object';
  const get = (field: keyof AccessLogMapping) => first(value, mapping[field]);
  const timeMs = timeOf(get('time')) ?? localTime(get('time'));
  if (timeMs === undefined) return `no time in any of ${mapping.time.join(', ')}`;
  const address = addressOf(get('ip'));
  const named = textOf(get('key'));
  const key = named === undefined || named === '-' ? address : named;
  if (key === undefined)
    return `no key and no client address in any of ${[...mapping.key, ...mapping.ip].join(', ')}`;
  const [verb, target] = requestLine(get('path'));
  const path = pathOf(target);
  if (path === undefined) return `no path in any of ${mapping.path.join(', ')}`;
  return {
    timeMs,
    key,
    tenant: textOf(get('tenant')),
    principal: textOf(get('principal')),
    address,
    userAgent: textOf(get('userAgent'), AGENT_CHARS_MAX),
    method: (verb ?? textOf(get('method'), 32))?.toUpperCase() ?? 'GET',
    path,
    status: countOf(get('status')),
    bytesIn: countOf(get('bytesIn')),
    bytesOut: countOf(get('bytesOut')),
    latencyMs: countOf(get('latencyMs')),
  };
}

/** As nginx writes it: `24/Nov/2026:08:00:00 +0000`. */
function localTime(value: unknown): number | undefined {
  return typeof value === 'string' ? clfTime(value) : undefined;
}

/** Method and target of `GET /x HTTP/1.1`; of all else, no method and the value itself. */
function requestLine(value: unknown): readonly [string | undefined, unknown] {
  const match = typeof value === 'string' ? /^([A-Za-z]{1,16}) (\S+) HTTP\//.exec(value) : null;
  return match === null ? [undefined, value] : [match[1], match[2]];
}

function first(value: unknown, names: readonly string[]): unknown {
  for (const name of names) {
    const found = name.includes('.') ? nested(value, name) : own(value, name);
    if (found !== undefined && found !== null && found !== '') return found;
  }
  return undefined;
}

function nested(value: unknown, name: string): unknown {
  let at = value;
  for (const part of name.split('.')) at = own(at, part);
  return at;
}

function own(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
