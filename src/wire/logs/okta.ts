import {
  AGENT_CHARS_MAX,
  addressOf,
  type Fields,
  isFields,
  OBJECT_CHARS_MAX,
  OBJECTS_MAX,
  textOf,
  timeOf,
} from './fields.js';
import type { LogRecord } from './record.js';

/** One event of the Okta System Log (LogEvent of Okta's management API). */
export function oktaRecord(value: unknown): LogRecord | string {
  if (!isFields(value)) return 'not a JSON object';
  const timeMs = timeOf(value.published);
  if (timeMs === undefined) return 'no "published" in ISO 8601';
  const operation = textOf(value.eventType);
  if (operation === undefined) return 'no "eventType"';
  const actor = fieldsOf(value.actor);
  const client = fieldsOf(value.client);
  const transaction = fieldsOf(fieldsOf(value.transaction).detail);
  const principal = textOf(actor.alternateId) ?? textOf(actor.id);
  // Calls with an API token name it; else the actor stands for the credential.
  const key = textOf(transaction.requestApiTokenId) ?? textOf(actor.id) ?? principal;
  if (key === undefined) return 'no "actor.id"';
  return {
    timeMs,
    id: textOf(value.uuid),
    key,
    principal,
    address: addressOf(client.ipAddress),
    userAgent: textOf(fieldsOf(client.userAgent).rawUserAgent, AGENT_CHARS_MAX),
    operation,
    objects: targets(value.target),
    status: statusOf(textOf(fieldsOf(value.outcome).result)),
  };
}

const NOTHING: Fields = {};

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NOTHING;
}

function targets(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, OBJECTS_MAX).flatMap((each) => textOf(fieldsOf(each).id, OBJECT_CHARS_MAX) ?? []);
}

function statusOf(result: string | undefined): number | undefined {
  if (result === undefined || result === 'UNKNOWN') return undefined;
  return result === 'FAILURE' || result === 'DENY' ? 403 : 200;
}
