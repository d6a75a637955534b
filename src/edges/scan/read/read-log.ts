import type { Readable } from 'node:stream';
import { formatOfLine, type LineParser, lineParser } from '../../../wire/logs/detect.js';
import { LOG_FORMATS, type LogFormat } from '../../../wire/logs/formats.js';
import type { AccessLogMapping } from '../../../wire/logs/json-access.js';
import type { LogRecord } from '../../../wire/logs/record.js';
import { foreignKind } from './foreign.js';
import { FormatProbe } from './format-probe.js';
import { type Head, holdsDocuments, isHeadEnough } from './layout.js';
import { open, prepended } from './open.js';
import type { ReadReport } from './report.js';
import type { SeenIds } from './seen-ids.js';
import type { Source } from './sources.js';
import { linesOf, recordsOf, type TextBlock } from './texts.js';

export interface ReadOptions {
  /** In place of what the content says. */
  readonly format?: LogFormat;
  readonly mapping?: AccessLogMapping;
  /** Content of standard input; that of the process when absent. */
  readonly stdin?: Readable;
  /**
   * Files are read in the order of their first times, in place of that of their names, and an event that comes again is
   * left out.
   */
  readonly byTime?: boolean;
  /** Of a log that are read at once, about. */
  readonly chunkBytes?: number | undefined;
}

/** @param line of a JSON document, the record's ordinal, from 1 */
export type TakeRecord = (record: LogRecord, line: number) => void;

/** Some lines of one file, parsed as they are taken, which is once. */
export interface RecordBlock {
  readonly file: string;
  readonly format: LogFormat;
  take(into: TakeRecord): void;
}

/** Why a source is of no use: in a few words, and as a sentence for whoever named it. */
interface Refusal {
  readonly short: string;
  readonly whole: string;
}

/** What one log gave. */
interface Tally {
  records: number;
  bad: number;
  /** Of all logs. */
  readonly ids?: SeenIds | undefined;
}

/**
 * Reads one source; gives why it could not be used.
 * @param ids of the events so far, where one that comes again is left out
 */
export async function* readLog(
  source: Source,
  report: ReadReport,
  options: ReadOptions,
  ids?: SeenIds,
): AsyncGenerator<RecordBlock, string | undefined> {
  const { name } = source;
  if (source.problem !== undefined) {
    report.refuse(name, 0, source.problem);
    return `${name} ${source.problem}.`;
  }
  const count = (bytes: number) => {
    report.bytes += bytes;
  };
  const reading = open(source, options.stdin, count, options.chunkBytes);
  const tally: Tally = { records: 0, bad: 0, ids };
  const refusal = yield* readSource(name, reading.chunks, report, tally, options);
  if (refusal !== undefined) report.refuse(name, 0, refusal.short);
  const problem = reading.problem();
  if (problem !== undefined) report.refuse(name, 0, problem);
  if (report.formats.has(name))
    return tally.records === 0 && tally.bad > 0 ? `${name} has no line that can be used.` : undefined;
  if (refusal === undefined) return problem === undefined ? undefined : `${name} ${problem}.`;
  return problem === undefined ? refusal.whole : `${refusal.whole} Also, ${problem}.`;
}

async function* readSource(
  name: string,
  chunks: AsyncGenerator<Buffer>,
  report: ReadReport,
  tally: Tally,
  { format: given, mapping, chunkBytes }: ReadOptions,
): AsyncGenerator<RecordBlock, Refusal | undefined> {
  try {
    const head = await headOf(chunks);
    if (head.bytes.length === 0) return undefined;
    const foreign = foreignKind(head.bytes);
    if (foreign !== undefined) return { short: `is ${foreign}`, whole: `${name} is ${foreign}.` };
    const isRecord = recognition(given, mapping);
    const documents = given !== 'combined' && holdsDocuments(head, isRecord);
    const texts = (documents ? recordsOf(isRecord) : linesOf)(prepended(head.bytes, chunks, chunkBytes));
    const probe = new FormatProbe(given, mapping);
    const seen = await probed(texts, probe);
    const { format } = probe;
    if (format === undefined) return refusalOf(name, probe, documents);
    report.formats.set(name, format);
    const take = taker(name, lineParser(format, mapping), report, tally);
    for (const block of seen) yield { file: name, format, take: take(block) };
    for await (const block of texts) yield { file: name, format, take: take(block) };
    return undefined;
  } finally {
    await chunks.return(undefined);
  }
}

/** Whether a text is a record: of the format that was given, or of any. */
function recognition(given: LogFormat | undefined, mapping: AccessLogMapping | undefined) {
  if (given === undefined) return (text: string) => formatOfLine(text, mapping) !== undefined;
  const parse = lineParser(given, mapping);
  return (text: string) => typeof parse(text) !== 'string';
}

async function headOf(chunks: AsyncGenerator<Buffer>): Promise<Head> {
  const pieces: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let whole = false;
  while (!whole && !isHeadEnough(bytes)) {
    const next = await chunks.next();
    if (next.done === true) whole = true;
    else {
      pieces.push(next.value);
      bytes = Buffer.concat(pieces);
      pieces.splice(0, pieces.length, bytes);
    }
  }
  return { bytes, whole };
}

/** The first blocks: as many as it takes to tell the format, or that there is none. */
async function probed(texts: AsyncGenerator<TextBlock>, probe: FormatProbe): Promise<readonly TextBlock[]> {
  const seen: TextBlock[] = [];
  while (probe.format === undefined && !probe.hopeless) {
    const next = await texts.next();
    if (next.done === true) break;
    seen.push(next.value);
    probe.look(next.value);
  }
  return seen;
}

/** How the records of a block are parsed, as they are taken. */
function taker(
  file: string,
  parse: LineParser,
  report: ReadReport,
  tally: Tally,
): (block: TextBlock) => RecordBlock['take'] {
  const refuse = (line: number, reason: string) => {
    tally.bad += 1;
    report.refuse(file, line, reason);
  };
  return (block) => (into) =>
    block.each((text, line) => {
      report.lines += 1;
      const record = parse(text);
      if (typeof record !== 'string') {
        tally.records += 1;
        if (tally.ids?.isNew(record) === false) {
          report.copies += 1;
          return;
        }
        report.records += 1;
        into(record, line);
      } else if (text.trim() !== '') refuse(line, record);
    }, refuse);
}

/** Nothing is wrong with a log that is empty. */
function refusalOf(
  name: string,
  { description, fault }: FormatProbe,
  documents: boolean,
): Refusal | undefined {
  if (description === undefined) return undefined;
  if (documents && fault !== undefined)
    return {
      short: `a JSON document of which nothing can be used: ${fault}`,
      whole: `${name} begins like a JSON document of which nothing can be used: ${fault}.`,
    };
  return {
    short: documents ? 'a JSON document without records of a known format' : 'not a log of a known format',
    whole:
      `${name} is no log of a known format: it holds ${description}. ` +
      `Expected one of ${LOG_FORMATS.join(', ')}; --format names it, --fields maps the fields of a JSON access log.`,
  };
}
