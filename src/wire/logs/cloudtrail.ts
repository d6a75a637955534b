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

/**
 * One CloudTrail record (AWS CloudTrail user guide, "record contents"). The key is the access key id, or what
 * stands for it; of an assumed role, whose keys change every hour, the principal is the role.
 */
export function cloudTrailRecord(record: unknown): LogRecord | string {
  const value = isFields(record) ? lookedUp(record) : undefined;
  if (!isFields(value)) return 'not a JSON object';
  const timeMs = timeOf(value.eventTime);
  if (timeMs === undefined) return 'no "eventTime" in ISO 8601';
  const name = textOf(value.eventName);
  if (name === undefined) return 'no "eventName"';
  const identity = isFields(value.userIdentity) ? value.userIdentity : NOBODY;
  const principal = principalOf(identity);
  const key = keyOf(identity, principal, value);
  const source = textOf(value.eventSource) ?? 'aws';
  return {
    timeMs,
    id: textOf(value.eventID),
    key,
    tenant: textOf(value.recipientAccountId) ?? textOf(identity.accountId),
    principal,
    address: addressOf(value.sourceIPAddress),
    userAgent: textOf(value.userAgent, AGENT_CHARS_MAX),
    operation: `${source.endsWith(AWS) ? source.slice(0, -AWS.length) : source}.${name}`,
    objects: objectsOf(value),
    status: failedSignIn(value) ? 401 : statusOf(textOf(value.errorCode)),
  };
}

/** `aws cloudtrail lookup-events` gives the record as text in a field. */
function lookedUp(record: Fields): unknown {
  if (typeof record.CloudTrailEvent !== 'string') return record;
  try {
    return JSON.parse(record.CloudTrailEvent);
  } catch {
    return undefined;
  }
}

const AWS = '.amazonaws.com';
const NOBODY: Fields = {};

/** Long-lived keys are keys; temporary ones (ASIA…) are tokens of the identity that they were made for. */
function keyOf(identity: Fields, principal: string | undefined, value: Fields): string {
  const accessKey = textOf(identity.accessKeyId);
  if (accessKey !== undefined && !accessKey.startsWith('ASIA')) return accessKey;
  return (
    principal ??
    accessKey ??
    textOf(identity.principalId) ??
    textOf(identity.invokedBy) ??
    textOf(value.sourceIPAddress) ??
    'anonymous'
  );
}

/** The ARN that outlives sessions: of the role behind a session, else of the user. */
function principalOf(identity: Fields): string | undefined {
  const context = isFields(identity.sessionContext) ? identity.sessionContext : NOBODY;
  const issuer = isFields(context.sessionIssuer) ? context.sessionIssuer : NOBODY;
  return textOf(issuer.arn) ?? roleOf(textOf(identity.arn)) ?? textOf(identity.userName);
}

/** `arn:aws:sts::1:assumed-role/NAME/SESSION` without its session, which is another every time. */
function roleOf(arn: string | undefined): string | undefined {
  return arn?.replace(/(:assumed-role\/[^/]+)\/.*$/, '$1');
}

/** ConsoleLogin has no error code: its answer says `Failure`. */
function failedSignIn({ responseElements }: Fields): boolean {
  return isFields(responseElements) && responseElements.ConsoleLogin === 'Failure';
}

function statusOf(error: string | undefined): number {
  if (error === undefined) return 200;
  if (/AccessDenied|Unauthorized|Forbidden|AuthFailure/i.test(error)) return 403;
  if (/NotFound|NoSuch/i.test(error)) return 404;
  return /Throttl|TooManyRequests|RequestLimit/i.test(error) ? 429 : 400;
}

/** Request parameters that name what is touched. */
const NAMING = /(?:name|id|arn|identifier)$/i;

function objectsOf({ requestParameters, resources }: Fields): readonly string[] {
  const objects: string[] = [];
  const add = (value: unknown) => {
    const text = textOf(value, OBJECT_CHARS_MAX);
    if (text !== undefined && objects.length < OBJECTS_MAX && !objects.includes(text)) objects.push(text);
  };
  if (Array.isArray(resources))
    for (const each of resources.slice(0, OBJECTS_MAX)) if (isFields(each)) add(each.ARN ?? each.arn);
  if (isFields(requestParameters))
    for (const name of Object.keys(requestParameters).slice(0, OBJECTS_MAX)) {
      const value = requestParameters[name];
      if (typeof value === 'string' && NAMING.test(name)) add(value);
      else if (isFields(value) && Array.isArray(value.items))
        for (const item of value.items.slice(0, OBJECTS_MAX))
          if (isFields(item))
            for (const [inner, text] of Object.entries(item)) if (NAMING.test(inner)) add(text);
    }
  return objects;
}
