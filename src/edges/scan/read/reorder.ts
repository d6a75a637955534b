import type { LogRecord } from '../../../wire/logs/record.js';
import type { RecordBatch } from './read-logs.js';

/** A record and where it came from. */
export interface OriginRecord {
  readonly record: LogRecord;
  readonly file: string;
  readonly line: number;
}

/** Records held back, at most; half of them go out when it is full. */
export const REORDER_RECORDS_MAX = 100_000;

/** Records one by one, in the order they were read. */
export async function* inInputOrder(batches: AsyncIterable<RecordBatch>): AsyncGenerator<OriginRecord[]> {
  for await (const batch of batches) yield originsOf(batch);
}

/**
 * Records in order of time, as far as a bounded window reaches: what is older than the record that went out last
 * comes late and is the caller's to count. Of equal times, the one read first comes first.
 */
export async function* inTimeOrder(
  batches: AsyncIterable<RecordBatch>,
  recordsMax = REORDER_RECORDS_MAX,
): AsyncGenerator<OriginRecord[]> {
  let held: OriginRecord[] = [];
  for await (const batch of batches) {
    for (const each of originsOf(batch)) held.push(each);
    while (held.length > recordsMax) {
      held.sort(byTime);
      const out = Math.ceil(recordsMax / 2);
      yield held.slice(0, out);
      held = held.slice(out);
    }
  }
  yield held.sort(byTime);
}

function originsOf({ file, records, lines }: RecordBatch): OriginRecord[] {
  return records.map((record, i) => ({ record, file, line: lines[i] as number }));
}

/** Array.prototype.sort is stable. */
function byTime(a: OriginRecord, b: OriginRecord): number {
  return a.record.timeMs - b.record.timeMs;
}
