import type { Readable } from 'node:stream';
import {
  describeLine,
  formatOfLine,
  formatOfValue,
  lineParser,
  valueParser,
} from '../../../wire/logs/detect.js';
import { isFields } from '../../../wire/logs/fields.js';
import { LOG_FORMATS, type LogFormat } from '../../../wire/logs/formats.js';
import type { AccessLogMapping } from '../../../wire/logs/json-access.js';
import type { LogRecord } from '../../../wire/logs/record.js';
import { LINE_BYTES_MAX, type LineBlock, LineSplitter } from './lines.js';
import { open, type Reading } from './open.js';
import type { ReadReport } from './report.js';
import { type Source, SourceFault } from './sources.js';

export interface ReadOptions {
  /** In place of what the content says. */
  readonly format?: LogFormat;
  readonly mapping?: AccessLogMapping;
  /** Content of standard input; that of the process when absent. */
  readonly stdin?: Readable;
}

/** @param line of a JSON document, the record's ordinal, from 1 */
export type TakeRecord = (record: LogRecord, line: number) => void;

/** Some lines of one file, parsed as they are taken, which is once. */
export interface RecordBlock {
  readonly file: string;
  take(into: TakeRecord): void;
}

/** A JSON document is parsed as a whole: CloudTrail's are a few MB. */
const DOCUMENT_BYTES_MAX = 256 * 1024 * 1024;
/** Its records are handed on in parts. */
const DOCUMENT_BLOCK_RECORDS = 4096;
/** Lines that are looked at to tell the format. */
const PROBED_LINES = 20;

/** Reads logs of any known format, one after the other. Broken lines are counted and reported, never fatal. */
export async function* readLogs(
  sources: readonly Source[],
  report: ReadReport,
  options: ReadOptions = {},
): AsyncGenerator<RecordBlock> {
  for (const source of sources) {
    const reading = open(source, options.stdin, (bytes) => {
      report.bytes += bytes;
    });
    yield* readSource(source, reading, report, options);
    const problem = reading.problem();
    if (problem === undefined) continue;
    if (source.named && !report.formats.has(source.name)) throw new SourceFault(`${source.name} ${problem}.`);
    report.refuse(source.name, 0, problem);
  }
}

async function* readSource(
  source: Source,
  reading: Reading,
  report: ReadReport,
  options: ReadOptions,
): AsyncGenerator<RecordBlock> {
  const first = await firstChunk(reading);
  if (first === undefined) return;
  if (isDocument(first)) {
    yield* readDocument(source, first, reading, report, options);
    return;
  }
  const splitter = new LineSplitter();
  let parse: ReturnType<typeof lineParser> | undefined;
  const waiting: LineBlock[] = [];
  const take = function* (block: LineBlock, last: boolean): Generator<RecordBlock> {
    if (parse === undefined) {
      waiting.push(block);
      const format = options.format ?? formatOf(waiting, options.mapping);
      const enough = last || waiting.reduce((sum, { lines }) => sum + lines.length, 0) >= PROBED_LINES;
      if (format === undefined && !enough) return;
      if (format === undefined) throw unknownFormat(source, waiting);
      report.formats.set(source.name, format);
      parse = lineParser(format, options.mapping);
      for (const each of waiting) yield parseBlock(source.name, each, parse, report);
      return;
    }
    yield parseBlock(source.name, block, parse, report);
  };
  try {
    yield* take(splitter.push(first), false);
    for await (const chunk of reading.chunks) yield* take(splitter.push(chunk), false);
    yield* take(splitter.end(), true);
  } catch (error) {
    if (!(error instanceof SourceFault) || source.named) throw error;
    report.refuse(source.name, 0, 'not a log of a known format');
  }
}

function parseBlock(
  file: string,
  { first, lines, tooLong }: LineBlock,
  parse: ReturnType<typeof lineParser>,
  report: ReadReport,
): RecordBlock {
  const take = (into: TakeRecord) => {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string;
      if (line === '') continue;
      report.lines += 1;
      const parsed = parse(line);
      if (typeof parsed !== 'string') {
        report.records += 1;
        into(parsed, first + i);
      } else if (line.trim() !== '') report.refuse(file, first + i, parsed);
    }
    for (const line of tooLong) report.refuse(file, line, `longer than ${LINE_BYTES_MAX} bytes`);
  };
  return { file, take };
}

async function* readDocument(
  source: Source,
  first: Buffer,
  reading: Reading,
  report: ReadReport,
  options: ReadOptions,
): AsyncGenerator<RecordBlock> {
  const chunks = [first];
  let bytes = first.length;
  for await (const chunk of reading.chunks) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES_MAX) {
      report.refuse(
        source.name,
        0,
        `a JSON document of more than ${DOCUMENT_BYTES_MAX} bytes; write one record a line`,
      );
      return;
    }
    chunks.push(chunk);
  }
  let document: unknown;
  try {
    document = JSON.parse(
      Buffer.concat(chunks)
        .toString('utf8')
        .replace(/^\ufeff/, ''),
    );
  } catch {
    if (source.named)
      throw new SourceFault(`${source.name} begins like a JSON document and is not valid JSON.`);
    report.refuse(source.name, 0, 'a JSON document that is not valid JSON');
    return;
  }
  const values = recordsOf(document);
  const format = options.format ?? formatOfFirst(values, options.mapping);
  if (format === undefined || format === 'combined') {
    // Digests and other companions of logs hold no records.
    if (source.named && values.length > 0) throw unknownFormat(source, []);
    report.refuse(source.name, 0, 'a JSON document without records of a known format');
    return;
  }
  report.formats.set(source.name, format);
  const parse = valueParser(format, options.mapping);
  for (let from = 0; from < values.length; from += DOCUMENT_BLOCK_RECORDS) {
    const some = values.slice(from, from + DOCUMENT_BLOCK_RECORDS);
    const take = (into: TakeRecord) =>
      some.forEach((value, i) => {
        report.lines += 1;
        const parsed = parse(value);
        if (typeof parsed === 'string') report.refuse(source.name, from + i + 1, parsed);
        else {
          report.records += 1;
          into(parsed, from + i + 1);
        }
      });
    yield { file: source.name, take };
  }
}

async function firstChunk(reading: Reading): Promise<Buffer | undefined> {
  const { value, done } = await reading.chunks.next();
  return done === true ? undefined : value;
}

/** A JSON array, an object over several lines, or one that holds its records in a field. */
function isDocument(chunk: Buffer): boolean {
  const text = chunk
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  if (text.startsWith('[')) return true;
  if (!text.startsWith('{')) return false;
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  if (line.startsWith('{"Records":[')) return true;
  if (end < 0 && text.length >= chunk.length && chunk.length >= LINE_BYTES_MAX) return true;
  try {
    return recordsOf(JSON.parse(line)).length !== 1;
  } catch {
    // `{` alone, or the first field of a document that is written for people.
    return line.trim().length < 3 || /^\{\s*$/.test(line);
  }
}

/** The records of a document: itself an array, or an object with one in a well-known field. */
function recordsOf(document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document;
  if (!isFields(document)) return [];
  for (const name of ['Records', 'events', 'results', 'data'])
    if (Array.isArray(document[name])) return document[name];
  return [document];
}

function formatOfFirst(values: readonly unknown[], mapping?: AccessLogMapping): LogFormat | undefined {
  for (const value of values.slice(0, PROBED_LINES)) {
    const format = formatOfValue(value, mapping);
    if (format !== undefined) return format;
  }
  return undefined;
}

function formatOf(blocks: readonly LineBlock[], mapping?: AccessLogMapping): LogFormat | undefined {
  for (const { lines } of blocks) {
    for (const line of lines.slice(0, PROBED_LINES)) {
      const format = line === '' ? undefined : formatOfLine(line, mapping);
      if (format !== undefined) return format;
    }
  }
  return undefined;
}

function unknownFormat(source: Source, blocks: readonly LineBlock[]): SourceFault {
  const line = blocks.flatMap(({ lines }) => lines.slice(0, 1))[0] ?? '';
  return new SourceFault(
    `${source.name} is no log of a known format: it holds ${describeLine(line)}. ` +
      `Expected one of ${LOG_FORMATS.join(', ')}; --format names it, --fields maps the fields of a JSON access log.`,
  );
}
