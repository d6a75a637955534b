import { JournalFault } from './fault.js';
import {
  type BatchLine,
  isBatchLine,
  listSegments,
  parseBatch,
  parseHeader,
  rootOf,
  segmentName,
} from './format.js';
import { inclusionPath, leafHash } from './merkle.js';
import { readSegmentLines } from './segment-lines.js';

/** Shows, without the journal, that an entry is in a signed batch. `tools/verify-proof.mjs` checks it. */
export interface EntryProof {
  readonly format: 'keyward-journal-proof-v1';
  readonly seq: number;
  /** Position of the entry in its batch, from 0. */
  readonly index: number;
  /** The entry line, byte for byte. */
  readonly line: string;
  /** Audit path, hex, from the leaf upwards (RFC 6962 section 2.1.1). */
  readonly path: readonly string[];
  readonly batchLine: string;
  /** base64url SPKI. */
  readonly publicKey: string;
}

/** Finds an entry and proves it; rejects with `journal_entry_missing` when the journal does not hold it. */
export async function proveEntry(dir: string, seq: number): Promise<EntryProof> {
  for (const segment of listSegments(dir).reverse()) {
    const proof = await proveIn(dir, segment, seq);
    if (proof !== undefined) return proof;
  }
  throw new JournalFault('journal_entry_missing', `The journal has no entry ${seq}.`);
}

/**
 * Proves many entries in one pass, in the order of the journal. Missing ones are left out.
 * @throws {JournalFault} where a batch does not verify
 */
export async function* proveEntries(dir: string, seqs: ReadonlySet<number>): AsyncGenerator<EntryProof> {
  if (seqs.size === 0) return;
  let left = seqs.size;
  for (const segment of listSegments(dir)) {
    for await (const { batch, batchLine, publicKey, leaves } of batchesOf(dir, segment)) {
      const wanted = leaves.map((_, i) => i).filter((i) => seqs.has(batch.first + i));
      if (wanted.length === 0) continue;
      const hashes = leaves.map(leafHash);
      for (const index of wanted) {
        left -= 1;
        yield proofOf(leaves, hashes, index, { seq: batch.first + index, batchLine, publicKey });
      }
      if (left === 0) return;
    }
  }
}

interface ReadBatch {
  readonly batch: BatchLine;
  readonly batchLine: string;
  readonly publicKey: string;
  readonly leaves: Buffer[];
}

/** Batches of a segment whose entries are what their line says. */
async function* batchesOf(dir: string, segment: number): AsyncGenerator<ReadBatch> {
  let publicKey: string | undefined;
  let leaves: Buffer[] = [];
  for await (const { number, lines } of readSegmentLines(dir, segment)) {
    for (const [offset, line] of lines.entries()) {
      if (number + offset === 1) publicKey = parseHeader(line)?.publicKey;
      else if (!isBatchLine(line)) leaves.push(line);
      else {
        const batch = parseBatch(line);
        if (batch === undefined || publicKey === undefined || rootOf(leaves) !== batch.root)
          throw damaged(segment, number + offset);
        yield { batch, batchLine: line.toString('utf8'), publicKey, leaves };
        leaves = [];
      }
    }
  }
}

async function proveIn(dir: string, segment: number, seq: number): Promise<EntryProof | undefined> {
  for await (const { batch, batchLine, publicKey, leaves } of batchesOf(dir, segment)) {
    if (seq < batch.first) return undefined;
    const index = seq - batch.first;
    if (index < batch.count)
      return proofOf(leaves, leaves.map(leafHash), index, { seq, batchLine, publicKey });
  }
  return undefined;
}

function proofOf(
  leaves: readonly Buffer[],
  hashes: Parameters<typeof inclusionPath>[0],
  index: number,
  rest: Pick<EntryProof, 'seq' | 'batchLine' | 'publicKey'>,
): EntryProof {
  const path = inclusionPath(hashes, index).map((node) => Buffer.from(node).toString('hex'));
  const line = (leaves[index] as Buffer).toString('utf8');
  return { format: 'keyward-journal-proof-v1', index, line, path, ...rest };
}

function damaged(segment: number, line: number): JournalFault {
  return new JournalFault(
    'journal_damaged',
    `${segmentName(segment)}:${line} does not verify; nothing is proved.`,
  );
}
