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

/** Reads, parses and observes in this thread. */
export function localFeed(sources: readonly Source[], observer: LogObserver, options: ReadOptions): Feed {
  const report = new ReadReport();
  return { batches: packed(readLogs(sources, report, options), observer, report), report };
}

async function* packed(
  blocks: AsyncIterable<RecordBlock>,
  observer: LogObserver,
  report: ReadReport,
): AsyncGenerator<PackedRows> {
  const packer = new Packer();
  for await (const block of blocks) {
    const full: PackedRows[] = [];
    block.take((record, line) => {
      packer.add(observer.sightingOf(record), line);
      if (packer.full) full.push(packer.take(block.file, report.bytes));
    });
    yield* full;
    yield packer.take(block.file, report.bytes);
  }
  report.known = observer.known;
}
