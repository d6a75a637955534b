import { parseIp } from '../ip-address.js';
import { AGENT_CHARS_MAX, addressOf, atOffset, instantOf, pathOf, textOf } from './fields.js';
import type { LogRecord } from './record.js';

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/**
 * One line of an access log in the common or combined format of Apache and nginx. The user of HTTP
 * authentication is the key; where there is none, the client's address stands for it.
 */
export function combinedRecord(line: string): LogRecord | string {
  const open = line.indexOf(' [');
  const close = line.indexOf('] "', open);
  if (open < 0 || close < 0) return 'not an access log line: no [time] "request"';
  const [host, , ...user] = clientAndUser(line.slice(0, open));
  const timeMs = clfTime(line.slice(open + 2, close));
  if (timeMs === undefined) return 'the time in brackets is not like 24/Nov/2026:08:00:00 +0000';
  const end = quoteEnd(line, close + 3);
  if (end < 0) return 'the request in quotes has no end';
  const [method = '', target = ''] = line.slice(close + 3, end).split(' ', 3);
  const [status, bytes] = line.slice(end + 2).split(' ', 2);
  const address = addressOf(host);
  const name = user.join(' ');
  const key = name === '-' || name === '' ? address : textOf(name);
  if (key === undefined) return 'neither client address nor user';
  return {
    timeMs,
    key,
    address,
    userAgent: agentOf(line, end + 1),
    method: /^[A-Z]{1,16}$/.test(method) ? method : 'OTHER',
    path: pathOf(target) ?? '/',
    status: /^\d{3}$/.test(status ?? '') ? Number(status) : undefined,
    bytesOut: /^\d{1,15}$/.test(bytes ?? '') ? Number(bytes) : undefined,
  };
}

/**
 * Address, identity and the words of the user. Two common additions come before them: `host:port` of the virtual host
 * (Apache's vhost_combined), and the proxies' addresses (`203.0.113.7, 10.0.0.1`), of which the first is the client's.
 */
function clientAndUser(head: string): readonly string[] {
  const words = head.split(' ', 16);
  if (words.length <= 3) return words;
  if (words[0]?.endsWith(',')) {
    const last = words.findIndex((word) => !word.endsWith(','));
    return [words[0].slice(0, -1), ...words.slice(last + 1)];
  }
  const [first, second] = [parseIp(addressOf(words[0]) ?? ''), parseIp(words[1] ?? '')];
  return first === undefined && second !== undefined ? words.slice(1) : words;
}

/** The last quoted field of the combined format, after the referrer. */
function agentOf(line: string, from: number): string | undefined {
  const referrer = line.indexOf('"', from);
  if (referrer < 0) return undefined;
  const referrerEnd = quoteEnd(line, referrer + 1);
  const start = referrerEnd < 0 ? -1 : line.indexOf('"', referrerEnd + 1);
  if (start < 0) return undefined;
  const end = quoteEnd(line, start + 1);
  const agent = line.slice(start + 1, end < 0 ? line.length : end);
  return agent === '-' ? undefined : textOf(agent, AGENT_CHARS_MAX);
}

/** Where a quoted field ends; a backslash keeps the next character from ending it. */
function quoteEnd(line: string, from: number): number {
  for (let i = from; i < line.length; i++) {
    const c = line.charCodeAt(i);
    if (c === 92) i++;
    else if (c === 34) return i;
  }
  return -1;
}

/** `24/Nov/2026:08:00:00 +0000`. */
export function clfTime(text: string): number | undefined {
  const match = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})$/.exec(text);
  if (match === null) return undefined;
  const [, day, name = '', year, hour, minute, second, zone = ''] = match;
  const month = MONTHS.indexOf(name) / 3 + 1;
  const local = instantOf(
    [Number(year), month, Number(day)],
    [Number(hour), Number(minute), Number(second), 0],
  );
  return Number.isInteger(month) ? atOffset(local, zone) : undefined;
}
