import { cloudTrailRecord } from './cloudtrail.js';
import { combinedRecord } from './combined.js';
import { directoryInsightsRecord } from './directory-insights.js';
import { isFields } from './fields.js';
import type { LogFormat } from './formats.js';
import { genericRecord } from './generic.js';
import { ACCESS_LOG_MAPPING, type AccessLogMapping, jsonAccessRecord } from './json-access.js';
import { oktaRecord } from './okta.js';
import type { LogRecord } from './record.js';

/** How one line, or one element of a JSON array, becomes a record. */
export type LineParser = (line: string) => LogRecord | string;

/** The parser of a parsed JSON value in a format; access logs in text have none. */
export function valueParser(
  format: Exclude<LogFormat, 'combined'>,
  mapping: AccessLogMapping = ACCESS_LOG_MAPPING,
): (value: unknown) => LogRecord | string {
  switch (format) {
    case 'cloudtrail':
      return cloudTrailRecord;
    case 'directory-insights':
      return directoryInsightsRecord;
    case 'okta':
      return oktaRecord;
    case 'generic':
      return genericRecord;
    case 'json-access':
      return (value) => jsonAccessRecord(value, mapping);
  }
}

export function lineParser(format: LogFormat, mapping?: AccessLogMapping): LineParser {
  if (format === 'combined') return (line) => combinedRecord(detached(line));
  const parse = valueParser(format, mapping);
  return (line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return 'not valid JSON';
    }
    return parse(value);
  };
}

/**
 * The same text with memory of its own. Fields of a text line are parts of it, and the line is part of the chunk that was
 * read: one address that is remembered would keep a megabyte. JSON.parse copies.
 */
function detached(line: string): string {
  return Buffer.from(line).toString();
}

/**
 * The format of one parsed value, by its own fields.
 * @returns undefined when it is none that is known
 */
export function formatOfValue(value: unknown, mapping?: AccessLogMapping): LogFormat | undefined {
  if (!isFields(value)) return undefined;
  // Whoever maps fields has an access log, whatever else its names look like.
  if (mapping !== undefined && typeof jsonAccessRecord(value, mapping) !== 'string') return 'json-access';
  if (('eventTime' in value && 'eventSource' in value) || typeof value.CloudTrailEvent === 'string')
    return 'cloudtrail';
  if ('event_type' in value && 'timestamp' in value) return 'directory-insights';
  if ('eventType' in value && 'published' in value) return 'okta';
  if (typeof genericRecord(value) !== 'string') return 'generic';
  return typeof jsonAccessRecord(value, mapping) === 'string' ? undefined : 'json-access';
}

/** The format of one line of text. */
export function formatOfLine(line: string, mapping?: AccessLogMapping): LogFormat | undefined {
  if (!opensObject(line)) return typeof combinedRecord(line) === 'string' ? undefined : 'combined';
  try {
    return formatOfValue(JSON.parse(line), mapping);
  } catch {
    return undefined;
  }
}

function opensObject(line: string): boolean {
  return line.trimStart().startsWith('{');
}

/** What a refused line looks like, for the message; its content is not repeated. */
export function describeLine(line: string): string {
  if (opensObject(line)) {
    try {
      const fields = Object.keys(JSON.parse(line) as object).slice(0, 6);
      return `JSON objects with the fields ${fields.map((name) => name.slice(0, 32)).join(', ')}`;
    } catch {
      return 'lines that begin like JSON and are not';
    }
  }
  return 'lines of text that are no access log';
}
