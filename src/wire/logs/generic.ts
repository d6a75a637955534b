import {
  AGENT_CHARS_MAX,
  addressOf,
  countOf,
  isFields,
  KEY_CHARS_MAX,
  objectsOf,
  pathOf,
  textOf,
  timeOf,
} from './fields.js';
import type { LogRecord } from './record.js';

/** One parsed line of generic NDJSON as a record, or what is wrong with it. Unknown fields are ignored. */
export function genericRecord(value: unknown): LogRecord | string {
  if (!isFields(value)) return 'not a JSON object';
  const timeMs = timeOf(value.time);
  if (timeMs === undefined)
    return value.time === undefined ? 'no field "time"' : '"time" is neither ISO 8601 nor epoch s/ms';
  const key = textOf(value.key);
  if (key === undefined) return 'no field "key"';
  const method = textOf(value.method, 32);
  const path = pathOf(value.path);
  const operation = textOf(value.operation, KEY_CHARS_MAX);
  if (operation === undefined && path === undefined) return 'neither "operation" nor "path"';
  return {
    timeMs,
    key,
    tenant: textOf(value.tenant),
    principal: textOf(value.principal),
    address: addressOf(value.ip),
    userAgent: textOf(value.userAgent, AGENT_CHARS_MAX),
    method,
    path,
    operation,
    objects: objectsOf(value.objects),
    status: countOf(value.status),
    bytesIn: countOf(value.bytesIn),
    bytesOut: countOf(value.bytesOut),
    latencyMs: countOf(value.latencyMs),
  };
}
