import { isAscii } from 'node:buffer';
import { RECORD_FAULTS, type RecordSpans, RecordSplitter } from '../../../wire/logs/record-splitter.js';
import { LINE_BYTES_MAX, type LineBlock, LineSplitter } from './lines.js';

/** Texts that should each be one record. */
export interface TextBlock {
  /**
   * Tells of each, with its number: of the line, or in a JSON document of the record, from 1. `faulty` is told of those
   * that have no text to be used.
   */
  each(use: (text: string, line: number) => void, faulty: (line: number, reason: string) => void): void;
}

/** Cuts chunks of a log into blocks of texts. */
export type TextSplitter = (chunks: AsyncIterable<Buffer>) => AsyncGenerator<TextBlock>;

export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextBlock> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield lineTexts(splitter.push(chunk));
  yield lineTexts(splitter.end());
}

/** @param isRecord whether an object is a record although it has a field that may hold records */
export function recordsOf(isRecord: (object: string) => boolean): TextSplitter {
  return async function* (chunks) {
    const splitter = new RecordSplitter(isRecord);
    for await (const chunk of chunks) yield recordTexts(splitter.push(chunk));
    yield recordTexts(splitter.end());
  };
}

/** A block without text keeps nothing: until one tells the format, all are kept. */
function lineTexts({ first, lines: some, tooLong }: LineBlock): TextBlock {
  const lines = some.some((line) => line !== '') ? some : [];
  return {
    each: (use, faulty) => {
      for (let i = 0; i < lines.length; i++) {
        const line = lines[i] as string;
        if (line !== '') use(line, first + i);
      }
      for (const line of tooLong) faulty(line, `longer than ${LINE_BYTES_MAX} bytes`);
    },
  };
}

function recordTexts({ bytes: some, first, spans }: RecordSpans): TextBlock {
  const bytes = spans.some((start, i) => i % 2 === 0 && start >= 0) ? some : Buffer.alloc(0);
  return {
    each: (use, faulty) => {
      // Many short texts are cut faster from one that was decoded as a whole.
      const whole = spans.length > 0 && isAscii(bytes) ? bytes.toString('latin1') : undefined;
      for (let i = 0; i < spans.length; i += 2) {
        const start = spans[i] as number;
        const end = spans[i + 1];
        const line = first + i / 2;
        if (start < 0) faulty(line, RECORD_FAULTS[~start] as string);
        else use(whole === undefined ? bytes.toString('utf8', start, end) : whole.slice(start, end), line);
      }
    },
  };
}
