/** Bounds on what is kept of one field, in characters and items. */
export const KEY_CHARS_MAX = 256;
export const AGENT_CHARS_MAX = 1_024;
export const PATH_CHARS_MAX = 4_096;
export const OBJECT_CHARS_MAX = 256;
export const OBJECTS_MAX = 64;

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of a field, cut to its bound; undefined where it is none or empty. */
export function textOf(value: unknown, charsMax = KEY_CHARS_MAX): string | undefined {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
  if (text === '') return undefined;
  return text.length > charsMax ? owned(text.slice(0, charsMax)) : text;
}

/** A text with memory of its own: a part of another keeps the whole of that alive. */
export function owned(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}

/** A number that is finite and not negative; logs write them as text, too. */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** Logs are from 1970 to 9999; epoch numbers below `MS_FROM` are seconds. */
const TIME_MAX = 253_402_300_799_999;
const MS_FROM = 1e11;
/** An epoch as text: shorter ones are dates without their dashes. */
const EPOCH = /^\d{9,13}(?:\.\d{1,9})?$/;

/** ISO 8601 (RFC 3339 and its relatives; UTC where no offset is given), or epoch in seconds or milliseconds. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return inRange(Math.round(value < MS_FROM ? value * 1000 : value));
  if (typeof value !== 'string') return undefined;
  const common = isoTime(value);
  if (common !== undefined) return common;
  if (value.length > 40) return undefined;
  return EPOCH.test(value) ? timeOf(Number(value)) : otherTime(value);
}

/** A day and a time of that day, in ms; undefined where there is none such. @param month 1 to 12 */
export function instantOf(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second, ms]: readonly [number, number, number, number],
): number | undefined {
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 61))
    return undefined;
  if (day > 28 && day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  return inRange(Date.UTC(year, month - 1, day, hour, minute, second, ms));
}

/** The same local time `offset` east of Greenwich, as {@link offsetMs} reads it. */
export function atOffset(localMs: number | undefined, offset: string): number | undefined {
  return localMs === undefined ? undefined : inRange(localMs - offsetMs(offset));
}

function inRange(ms: number): number | undefined {
  return ms >= 0 && ms <= TIME_MAX ? ms : undefined;
}

/** `2026-11-24T08:00:00[.fff]Z`, the form almost every line has, without the cost of a pattern. */
function isoTime(text: string): number | undefined {
  const { length } = text;
  if (length < 20 || length > 30 || text.charCodeAt(length - 1) !== 90 || text.charCodeAt(10) !== 84)
    return undefined;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return undefined;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return undefined;
  let ms = 0;
  if (length > 20) {
    if (text.charCodeAt(19) !== 46) return undefined;
    const fraction = digits(text, 20, Math.min(23, length - 1));
    if (Number.isNaN(fraction)) return undefined;
    ms = fraction * 10 ** (3 - Math.min(3, length - 21));
  }
  return instantOf(
    [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)],
    [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19), ms],
  );
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/i;

function otherTime(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local = instantOf(
    [Number(year), Number(month), Number(day)],
    [Number(hour), Number(minute), Number(second), ms],
  );
  return atOffset(local, zone);
}

/** Of `+0100`, `+01:00`, `+01`; none of `Z` and `UTC`. */
function offsetMs(zone: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return 0;
  const [, sign, hours, minutes = '0'] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** A path without its query, cut to its bound. */
export function pathOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const query = value.indexOf('?');
  const end = query < 0 ? value.length : query;
  return value.slice(0, Math.min(end, PATH_CHARS_MAX));
}

/** Ids, cut to their bounds; what is no text is left out. */
export function objectsOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const objects: string[] = [];
  for (const each of value) {
    if (objects.length === OBJECTS_MAX) break;
    const text = textOf(each, OBJECT_CHARS_MAX);
    if (text !== undefined) objects.push(text);
  }
  return objects;
}

/** The first of several addresses, without a port in brackets. */
export function addressOf(value: unknown): string | undefined {
  const text = textOf(value, 64);
  if (text === undefined) return undefined;
  const comma = text.indexOf(',');
  const first = (comma < 0 ? text : text.slice(0, comma)).trim();
  if (first.startsWith('[')) return first.slice(1, first.indexOf(']') < 0 ? undefined : first.indexOf(']'));
  const colon = first.indexOf(':');
  // One colon only: an IPv4 address with a port.
  return colon > 0 && colon === first.lastIndexOf(':') ? first.slice(0, colon) : first;
}
