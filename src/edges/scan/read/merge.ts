import type { TimedSource } from './first-time.js';
import { CHUNK_BYTES } from './open.js';
import type { RecordBlock } from './read-log.js';
import type { Source } from './sources.js';

/** Logs that are read side by side, at most: of a fleet of servers there is one each. */
const OPEN_MAX = 128;
/** A chunk of each has to fit into the window in which rows are sorted. */
const TOGETHER_BYTES = 8 * 1024 * 1024;

/** How much is read at once of each of so many logs. */
export function chunkBytesOf(logs: number): number {
  return Math.min(CHUNK_BYTES, Math.ceil(TOGETHER_BYTES / Math.min(logs, OPEN_MAX)));
}

/** A log that is being read. */
interface OpenLog {
  readonly blocks: AsyncGenerator<RecordBlock>;
  /** How far it has come. */
  timeMs: number;
}

/**
 * Reads logs side by side, going on with the one that is furthest behind, so that their records come roughly in the order
 * of time.
 * @param sources in the order of their first times
 */
export async function* mergedByTime(
  sources: readonly TimedSource[],
  read: (source: Source) => AsyncGenerator<RecordBlock>,
): AsyncGenerator<RecordBlock> {
  const waiting = sources.values();
  let next = waiting.next();
  const logs: OpenLog[] = [];
  try {
    for (;;) {
      let log = furthestBehind(logs);
      while (!next.done && logs.length < OPEN_MAX && (log === undefined || next.value.timeMs <= log.timeMs)) {
        logs.push({ blocks: read(next.value.source), timeMs: next.value.timeMs });
        next = waiting.next();
        log = furthestBehind(logs);
      }
      if (log === undefined) return;
      const { value, done } = await log.blocks.next();
      if (done === true) logs.splice(logs.indexOf(log), 1);
      else yield watched(value, log);
    }
  } finally {
    for (const { blocks } of logs) await blocks.return(undefined);
  }
}

function furthestBehind(logs: readonly OpenLog[]): OpenLog | undefined {
  let behind = logs[0];
  for (const log of logs) if (behind === undefined || log.timeMs < behind.timeMs) behind = log;
  return behind;
}

/** Tells the log how far it has come when the block is taken: a last time that stands alone, in the year 9999, is not. */
function watched({ take, ...block }: RecordBlock, log: OpenLog): RecordBlock {
  return {
    ...block,
    take: (into) => {
      let beforeMs = Number.POSITIVE_INFINITY;
      let lastMs = log.timeMs;
      take((record, line) => {
        beforeMs = lastMs;
        lastMs = record.timeMs;
        into(record, line);
      });
      log.timeMs = Math.max(log.timeMs, Math.min(beforeMs, lastMs));
    },
  };
}
