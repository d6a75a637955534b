import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ByteReader } from './byte-reader.js';
import { beginsGzip, GzipFault, gunzipped } from './gunzip.js';
import type { Source } from './sources.js';

export const CHUNK_BYTES = 1024 * 1024;
const CHUNK_BYTES_MIN = 16 * 1024;

/** What became of the bytes of one source. */
export interface Reading {
  /** Chunks of the log itself, decompressed. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** Set when the source ended early: what could be read was given. */
  problem(): string | undefined;
}

/**
 * Opens a source; gzip is known by its first bytes.
 * @param read is told of every byte of the file itself
 * @param chunkBytes of a chunk, about
 */
export function open(
  source: Source,
  stdin: Readable | undefined,
  read: (bytes: number) => void,
  chunkBytes = CHUNK_BYTES,
): Reading {
  let problem: string | undefined;
  const raw: Readable =
    source.name === '-'
      ? (stdin ?? process.stdin)
      : createReadStream(source.name, { highWaterMark: readAtOnce(source, chunkBytes) });
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of raw as AsyncIterable<Buffer>) {
      read(chunk.length);
      yield chunk;
    }
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      const bytes = new ByteReader(counted());
      const zipped = beginsGzip(await bytes.peek(2));
      yield* zipped ? gathered(gunzipped(bytes), chunkBytes) : bytes.all();
    } catch (error) {
      problem = describe(error as NodeJS.ErrnoException);
    } finally {
      raw.destroy();
    }
  }
  return { chunks: chunks(), problem: () => problem };
}

/** Of small files there are many, and a large chunk for each takes longer than to read it. */
function readAtOnce({ bytes }: Source, chunkBytes: number): number {
  return bytes === 0 ? chunkBytes : Math.min(chunkBytes, Math.max(bytes, CHUNK_BYTES_MIN));
}

/** Chunks, and before them what was taken already. */
export async function* prepended(
  taken: Buffer,
  rest: AsyncGenerator<Buffer>,
  chunkBytes = CHUNK_BYTES,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < taken.length; at += chunkBytes) yield taken.subarray(at, at + chunkBytes);
  yield* rest;
}

/** Small pieces together; what is there when they fail comes before the failure. */
async function* gathered(pieces: AsyncGenerator<Buffer>, chunkBytes: number): AsyncGenerator<Buffer> {
  let some: Buffer[] = [];
  let bytes = 0;
  let failure: unknown;
  try {
    for await (const piece of pieces) {
      some.push(piece);
      bytes += piece.length;
      if (bytes < chunkBytes) continue;
      yield Buffer.concat(some);
      some = [];
      bytes = 0;
    }
  } catch (error) {
    failure = error;
  }
  if (bytes > 0) yield Buffer.concat(some);
  if (failure !== undefined) throw failure;
}

function describe(error: NodeJS.ErrnoException): string {
  return error instanceof GzipFault
    ? error.message
    : `cannot be read to its end (${error.code ?? error.message})`;
}
