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
  return text.length > charsMax ? text.slice(0, charsMax) : text;
}

/** A number that is finite and not negative; logs write them as text, too. */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** A later instant than any log has; epoch numbers below `MS_FROM` are seconds. */
const TIME_MAX = 253_402_300_799_999;
const MS_FROM = 1e11;

/** ISO 8601, or epoch in seconds or milliseconds. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return epoch(value);
  if (typeof value !== 'string') return undefined;
  const parsed = isoTime(value);
  if (parsed !== undefined) return parsed;
  if (value.length > 40) return undefined;
  const number = Number(value);
  if (value !== '' && !Number.isNaN(number)) return epoch(number);
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

function epoch(value: number): number | undefined {
  const ms = Math.round(value < MS_FROM ? value * 1000 : value);
  return ms >= 0 && ms <= TIME_MAX ? ms : undefined;
}

/** `2026-11-24T08:00:00[.fff]Z`, the form almost every line has, without the cost of Date.parse. */
function isoTime(text: string): number | undefined {
  const { length } = text;
  if (length < 20 || length > 30 || text.charCodeAt(length - 1) !== 90 || text.charCodeAt(10) !== 84)
    return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 61))
    return undefined;
  let ms = 0;
  if (length > 20) {
    if (text.charCodeAt(19) !== 46) return undefined;
    const fraction = digits(text, 20, Math.min(23, length - 1));
    if (Number.isNaN(fraction)) return undefined;
    ms = fraction * 10 ** (3 - Math.min(3, length - 21));
  }
  const time = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  return Number.isNaN(time) ? undefined : time;
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
