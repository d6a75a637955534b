import { lowerName } from './http-head.js';

/** What a server may take a header name for. */
interface Reading {
  /** Lower case, every sign a dash. */
  readonly dashed: string;
  /** Whether that is another name. */
  readonly other: boolean;
}

// Names recur: remembering what they may be taken for saves making it again.
const NAMES_MAX = 2048;
const readings = new Map<string, Reading>();

/**
 * CGI and what descends from it (RFC 3875 section 4.1.18, WSGI, Rack, PHP) turn dashes, and some turn every other sign,
 * into the same underscore: `X_Api_Key` is `X-Api-Key` there.
 */
export function readingOf(name: string): Reading {
  const known = readings.get(name);
  if (known !== undefined) return known;
  const lower = lowerName(name);
  const dashed = lower.replace(/[^a-z0-9]/g, '-');
  const reading = { dashed, other: dashed !== lower };
  if (readings.size < NAMES_MAX) readings.set(name, reading);
  return reading;
}

/** Whether a server may take both for the same header. */
export function mayBeSame(name: string, other: string): boolean {
  return readingOf(name).dashed === readingOf(other).dashed;
}
