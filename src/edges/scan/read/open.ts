import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Source } from './sources.js';

const CHUNK_BYTES = 1024 * 1024;

/** What became of the bytes of one source. */
export interface Reading {
  /** Chunks of the log itself, decompressed. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** Set when the source ended early: what could be read was given. */
  problem(): string | undefined;
}

/** Opens a source; gzip is known by its first bytes. `read` is told of every byte of the file itself. */
export function open(source: Source, stdin: Readable | undefined, read: (bytes: number) => void): Reading {
  let problem: string | undefined;
  const raw: Readable =
    source.name === '-'
      ? (stdin ?? process.stdin)
      : createReadStream(source.name, { highWaterMark: CHUNK_BYTES });
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of raw as AsyncIterable<Buffer>) {
      read(chunk.length);
      yield chunk;
    }
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    const bytes = counted();
    try {
      const first = await bytes.next();
      if (first.done === true) return;
      const zipped = first.value[0] === 0x1f && first.value[1] === 0x8b;
      const all = prepended(first.value, bytes);
      yield* zipped ? unzipped(all) : all;
    } catch (error) {
      problem = describe(error as NodeJS.ErrnoException);
    } finally {
      raw.destroy();
    }
  }
  return { chunks: chunks(), problem: () => problem };
}

/** Chunks with one more before them. */
export async function* prepended(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* unzipped(zipped: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // What goes wrong comes out of the stream itself, after what could be read.
  const feeding = pipeline(zipped, gunzip).catch(() => undefined);
  yield* gunzip as AsyncIterable<Buffer>;
  await feeding;
}

function describe(error: NodeJS.ErrnoException): string {
  if (error.code === 'Z_BUF_ERROR') return 'the gzip file ends too early; what could be read was used';
  if (error.code?.startsWith('Z_')) return 'the gzip file is damaged; what came before was used';
  return `cannot be read to its end (${error.code ?? error.message})`;
}
