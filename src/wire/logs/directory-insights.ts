import {
  AGENT_CHARS_MAX,
  addressOf,
  type Fields,
  isFields,
  OBJECT_CHARS_MAX,
  textOf,
  timeOf,
} from './fields.js';
import type { LogRecord } from './record.js';

/** One event of JumpCloud Directory Insights. The log names no key: the initiator stands for it. */
export function directoryInsightsRecord(value: unknown): LogRecord | string {
  if (!isFields(value)) return 'not a JSON object';
  const timeMs = timeOf(value.timestamp);
  if (timeMs === undefined) return 'no "timestamp" in ISO 8601';
  const type = textOf(value.event_type);
  if (type === undefined) return 'no "event_type"';
  const who = isFields(value.initiated_by) ? value.initiated_by : NOBODY;
  const key = textOf(who.id) ?? textOf(who.email) ?? textOf(who.username) ?? textOf(value.username);
  const address = addressOf(value.client_ip) ?? addressOf(value.src_ip);
  return {
    timeMs,
    id: textOf(value.id),
    key: key ?? address ?? 'directory',
    tenant: textOf(value.organization),
    principal: textOf(who.email) ?? textOf(who.username),
    address,
    userAgent: agentOf(value.useragent),
    operation: `${textOf(value.service) ?? 'directory'}.${type}`,
    objects: objectsOf(value),
    status: value.success === false ? 403 : 200,
  };
}

const NOBODY: Fields = {};

function agentOf(value: unknown): string | undefined {
  if (!isFields(value)) return textOf(value, AGENT_CHARS_MAX);
  const parts = [value.name, value.major, value.os_name].map((each) => textOf(each, 64)).filter(Boolean);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function objectsOf(value: Fields): readonly string[] {
  const objects: string[] = [];
  for (const each of [value.resource, value.target_resource, value.application, value.system]) {
    const id = isFields(each) ? (each.id ?? each.hostname ?? each.name) : undefined;
    const text = textOf(id, OBJECT_CHARS_MAX);
    if (text !== undefined) objects.push(text);
  }
  const association = isFields(value.association) ? value.association : NOBODY;
  const connected = isFields(association.connection) ? association.connection : NOBODY;
  for (const each of [...Object.values(association).slice(0, 8), connected.from, connected.to]) {
    const text = isFields(each) ? textOf(each.object_id ?? each.id, OBJECT_CHARS_MAX) : undefined;
    if (text !== undefined) objects.push(text);
  }
  return objects;
}
