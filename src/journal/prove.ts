import { JournalFault } from './fault.js';
import { isBatchLine, listSegments, parseBatch, parseHeader, rootOf, segmentName } from './format.js';
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

async function proveIn(dir: string, segment: number, seq: number): Promise<EntryProof | undefined> {
  let publicKey: string | undefined;
  let leaves: Buffer[] = [];
  for await (const { number, lines } of readSegmentLines(dir, segment)) {
    for (const [offset, line] of lines.entries()) {
      if (number + offset === 1) {
        publicKey = parseHeader(line)?.publicKey;
      } else if (!isBatchLine(line)) {
        leaves.push(line);
      } else {
        const batch = parseBatch(line);
        if (batch === undefined || publicKey === undefined) throw damaged(segment, number + offset);
        if (seq < batch.first) return undefined;
        const index = seq - batch.first;
        if (index < batch.count) {
          if (rootOf(leaves) !== batch.root) throw damaged(segment, number + offset);
          return proofOf(leaves, index, { seq, batchLine: line.toString('utf8'), publicKey });
        }
        leaves = [];
      }
    }
  }
  return undefined;
}

function proofOf(
  leaves: readonly Buffer[],
  index: number,
  rest: Pick<EntryProof, 'seq' | 'batchLine' | 'publicKey'>,
): EntryProof {
  const path = inclusionPath(leaves.map(leafHash), index).map((node) => Buffer.from(node).toString('hex'));
  const line = (leaves[index] as Buffer).toString('utf8');
  return { format: 'keyward-journal-proof-v1', index, line, path, ...rest };
}

function damaged(segment: number, line: number): JournalFault {
  return new JournalFault(
    'journal_damaged',
    `${segmentName(segment)}:${line} does not verify; nothing is proved.`,
  );
}
