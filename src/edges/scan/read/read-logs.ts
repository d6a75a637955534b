import type { Readable } from 'node:stream';
import { formatOfLine, type LineParser, lineParser } from '../../../wire/logs/detect.js';
import { LOG_FORMATS, type LogFormat } from '../../../wire/logs/formats.js';
import type { AccessLogMapping } from '../../../wire/logs/json-access.js';
import type { LogRecord } from '../../../wire/logs/record.js';
import { FormatProbe } from './format-probe.js';
import { type Head, holdsDocuments, isHeadEnough } from './layout.js';
import { open, prepended } from './open.js';
import type { ReadReport } from './report.js';
import { type Source, SourceFault } from './sources.js';
import { linesOf, recordsOf, type TextBlock } from './texts.js';

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

/** Why a source is of no use: in a few words, and as a sentence for whoever named it. */
interface Refusal {
  readonly short: string;
  readonly whole: string | undefined;
}

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
    const refusal = yield* readSource(source, reading.chunks, report, options);
    const problem = reading.problem();
    if (refusal?.whole !== undefined && source.named)
      throw new SourceFault(problem === undefined ? refusal.whole : `${refusal.whole} Also, ${problem}.`);
    if (refusal !== undefined) report.refuse(source.name, 0, refusal.short);
    if (problem === undefined) continue;
    if (source.named && !report.formats.has(source.name)) throw new SourceFault(`${source.name} ${problem}.`);
    report.refuse(source.name, 0, problem);
  }
}

async function* readSource(
  { name }: Source,
  chunks: AsyncGenerator<Buffer>,
  report: ReadReport,
  { format: given, mapping }: ReadOptions,
): AsyncGenerator<RecordBlock, Refusal | undefined> {
  try {
    const head = await headOf(chunks);
    if (head.bytes.length === 0) return undefined;
    const isRecord = recognition(given, mapping);
    const documents = given !== 'combined' && holdsDocuments(head, isRecord);
    const texts = (documents ? recordsOf(isRecord) : linesOf)(prepended(head.bytes, chunks));
    const probe = new FormatProbe(given, mapping);
    const seen = await probed(texts, probe);
    const { format } = probe;
    if (format === undefined) return refusalOf(name, probe, documents);
    report.formats.set(name, format);
    const parse = lineParser(format, mapping);
    for (const block of seen) yield parsed(name, block, parse, report);
    for await (const block of texts) yield parsed(name, block, parse, report);
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

function parsed(file: string, block: TextBlock, parse: LineParser, report: ReadReport): RecordBlock {
  const take = (into: TakeRecord) =>
    block.each(
      (text, line) => {
        report.lines += 1;
        const record = parse(text);
        if (typeof record !== 'string') {
          report.records += 1;
          into(record, line);
        } else if (text.trim() !== '') report.refuse(file, line, record);
      },
      (line, reason) => report.refuse(file, line, reason),
    );
  return { file, take };
}

function refusalOf(name: string, probe: FormatProbe, documents: boolean): Refusal | undefined {
  const { description, fault } = probe;
  const expected = `Expected one of ${LOG_FORMATS.join(', ')}; --format names it, --fields maps the fields of a JSON access log.`;
  const whole =
    description === undefined
      ? undefined
      : `${name} is no log of a known format: it holds ${description}. ${expected}`;
  if (!documents) return whole === undefined ? undefined : { short: 'not a log of a known format', whole };
  // Digests and other companions of logs hold no records.
  if (fault === undefined) return { short: 'a JSON document without records of a known format', whole };
  return {
    short: 'a JSON document that is not valid JSON',
    whole: `${name} begins like a JSON document and is not valid JSON: ${fault}.`,
  };
}
