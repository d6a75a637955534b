import { RecordSplitter } from '../../../wire/logs/record-splitter.js';
import { LINE_BYTES_MAX, LineSplitter } from './lines.js';

/** Looked at to tell what a log is. */
export const PROBE_BYTES = 256 * 1024;
const NEWLINE = 10;
const OPEN_OBJECT = 123;
const OPEN_ARRAY = 91;
/** Before each text of a JSON text sequence (RFC 7464). */
const RECORD_SEPARATOR = 0x1e;

/** The beginning of a log, and whether it is all of it. */
export interface Head {
  readonly bytes: Buffer;
  readonly whole: boolean;
}

/** The first line of JSON tells how it is laid out: it is wanted whole, as far as a line may be long. */
export function isHeadEnough(bytes: Buffer): boolean {
  if (bytes.length < PROBE_BYTES) return false;
  const start = begin(bytes);
  return bytes.length > LINE_BYTES_MAX || !opens(bytes[start]) || bytes.indexOf(NEWLINE, start) >= 0;
}

/**
 * Whether a log holds JSON documents rather than a record a line: when the first thing in it is an array, an object over
 * several lines, one that holds records and is none, or the mark of a sequence. Where that is broken, lines win if they make more sense.
 * @param isKnown whether a text is a record
 */
export function holdsDocuments({ bytes, whole }: Head, isKnown: (text: string) => boolean): boolean {
  const start = begin(bytes);
  if (bytes[start] === RECORD_SEPARATOR) return true;
  if (!opens(bytes[start])) return false;
  const end = bytes.indexOf(NEWLINE, start);
  const line = bytes.subarray(start, end < 0 ? undefined : end);
  const first = split(line, isKnown);
  if (end < 0 && !whole) return first.records.length > 0;
  if (first.complete && first.records.length === 1 && first.records[0] === line.toString().trimEnd())
    return false;
  const all = end < 0 ? first : split(bytes, isKnown);
  if (all.complete || (all.open && !whole)) return true;
  const splitter = new LineSplitter();
  const blocks = [splitter.push(bytes), splitter.end()];
  const lines = blocks.flatMap((block) => block.lines).filter(isKnown).length;
  return lines === 0 || all.records.filter(isKnown).length > lines;
}

/** What is found in the beginning of a log as JSON, and whether it comes to its end or is still open there. */
function split(bytes: Buffer, isKnown: (text: string) => boolean) {
  const splitter = new RecordSplitter(isKnown);
  const some = splitter.push(bytes);
  const sound = splitter.damages === 0;
  const open = sound && splitter.inside;
  const records: string[] = [];
  for (const { bytes: from, spans } of [some, splitter.end()])
    for (let i = 0; i < spans.length; i += 2)
      if ((spans[i] as number) >= 0) records.push(from.toString('utf8', spans[i], spans[i + 1]));
  return { complete: sound && !open, open, records };
}

/** Where the text begins, after white space and a byte order mark. */
function begin(bytes: Buffer): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length && ' \t\r\n'.includes(String.fromCharCode(bytes[at] as number))) at += 1;
  return at;
}

function opens(byte: number | undefined): boolean {
  return byte === OPEN_OBJECT || byte === OPEN_ARRAY;
}
