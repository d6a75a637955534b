import { statSync } from 'node:fs';
import type { DecisionEntry, JournalEntry } from './entry.js';
import { JournalFault } from './fault.js';
import { isBatchLine, listSegments, segmentName, segmentPath } from './format.js';
import { readSegmentLines } from './segment-lines.js';

/** All conditions must hold; an absent one always does. */
export interface EntryFilter {
  readonly sinceMs?: number;
  /** Exclusive. */
  readonly untilMs?: number;
  readonly key?: string;
  readonly kind?: JournalEntry['kind'];
  readonly decision?: DecisionEntry['decision'];
}

export type NumberedEntry = JournalEntry & { readonly seq: number };

/**
 * Committed entries, oldest first. Works beside a writer: entries whose batch is not complete yet are left
 * out. Checks no hash; that is `verifyJournal`.
 */
export async function* readEntries(dir: string, filter: EntryFilter = {}): AsyncGenerator<NumberedEntry> {
  for (const segment of listSegments(dir)) {
    if (filter.sinceMs !== undefined && lastWriteMs(dir, segment) < filter.sinceMs) continue;
    let pending: { line: Buffer; number: number }[] = [];
    for await (const piece of readSegmentLines(dir, segment)) {
      let number = piece.number;
      for (const line of piece.lines) {
        if (isBatchLine(line)) {
          for (const each of pending) {
            const entry = parseEntry(each.line, `${segmentName(segment)}:${each.number}`);
            if (matches(entry, filter)) yield entry;
          }
          pending = [];
        } else if (number > 1) {
          pending.push({ line, number });
        }
        number += 1;
      }
    }
  }
}

/** A segment holds no entry from after its last write. */
function lastWriteMs(dir: string, segment: number): number {
  return statSync(segmentPath(dir, segment)).mtimeMs;
}

function parseEntry(line: Buffer, where: string): NumberedEntry {
  try {
    return JSON.parse(line.toString('utf8')) as NumberedEntry;
  } catch {
    throw new JournalFault('journal_damaged', `${where}: the line is not JSON. Verify the journal.`);
  }
}

function matches(entry: NumberedEntry, { sinceMs, untilMs, key, kind, decision }: EntryFilter): boolean {
  if (sinceMs !== undefined && entry.time < sinceMs) return false;
  if (untilMs !== undefined && entry.time >= untilMs) return false;
  if (kind !== undefined && entry.kind !== kind) return false;
  if (key !== undefined && !('key' in entry && entry.key === key)) return false;
  return decision === undefined || (entry.kind === 'decision' && entry.decision === decision);
}
