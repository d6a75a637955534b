import type { LogFormat } from '../../../wire/logs/formats.js';
import type { LogObserver } from '../observe.js';
import type { ReadOptions, RecordBlock } from '../read/read-log.js';
import { readLogs } from '../read/read-logs.js';
import { ReadReport } from '../read/report.js';
import type { Source } from '../read/sources.js';
import { Packer } from './packer.js';
import type { PackedRows } from './rows.js';

/** What is to be judged, wherever it is read: in this thread or in another. */
export interface Feed {
  /** In the order of the input; taken once. */
  readonly batches: AsyncIterable<PackedRows>;
  /** Complete when the batches have come to their end. */
  readonly report: ReadReport;
}

/** Who observes what logs of a format tell. */
export type Observers = (format: LogFormat) => Promise<LogObserver>;

/** Reads, parses and observes in this thread. */
export function localFeed(sources: readonly Source[], observers: Observers, options: ReadOptions): Feed {
  const report = new ReadReport();
  return { batches: packed(readLogs(sources, report, options), observers, report), report };
}

async function* packed(
  blocks: AsyncIterable<RecordBlock>,
  observers: Observers,
  report: ReadReport,
): AsyncGenerator<PackedRows> {
  const packer = new Packer();
  const used = new Set<LogObserver>();
  for await (const block of blocks) {
    const observer = await observers(block.format);
    used.add(observer);
    const full: PackedRows[] = [];
    block.take((record, line) => {
      packer.add(observer.sightingOf(record), line);
      if (packer.full) full.push(packer.take(block.file, report.bytes));
    });
    yield* full;
    yield packer.take(block.file, report.bytes);
  }
  for (const { looked, known } of used) {
    report.looked += looked;
    report.known += known;
  }
}
