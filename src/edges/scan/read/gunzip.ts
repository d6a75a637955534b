import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { ByteReader } from './byte-reader.js';

/** Compressed bytes that are inflated at once: what they hold is what damage among them costs. */
const INPUT_BYTES = 1024;
const OUTPUT_BYTES = 32 * 1024;
/** Flags of a member's header (RFC 1952, section 2.3.1). */
const CHECKED = 2;
const EXTRA = 4;
const NAMED = 8;
const COMMENTED = 16;
const DEFLATE = 8;

const CUT_OFF = 'the gzip file ends too early; what could be read was used';
const DAMAGED = 'the gzip file is damaged; what came before was used';
const MISMATCH = 'the gzip file is damaged, its checksum says; what it gave was used';
const GARBAGE = 'what follows the gzip data is no gzip; it was left out';

/** What is wrong with gzip data. */
export class GzipFault extends Error {
  override readonly name = 'GzipFault';
}

export function beginsGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Inflates the members of a gzip file (RFC 1952), one after the other. zlib's own stream keeps to itself what it has not
 * handed on when it meets damage, and takes garbage behind the last member for damage.
 * @throws {GzipFault} after everything that could be inflated
 */
export async function* gunzipped(zipped: ByteReader): AsyncGenerator<Buffer> {
  do yield* member(zipped);
  while (beginsGzip(await zipped.peek(2)));
  // Zeros fill up blocks of disks and tapes.
  for await (const rest of zipped.all()) if (rest.some((byte) => byte !== 0)) throw new GzipFault(GARBAGE);
}

async function* member(zipped: ByteReader): AsyncGenerator<Buffer> {
  await skipHeader(zipped);
  const inflater = new Inflater();
  let sum = 0;
  let size = 0;
  try {
    while (!inflater.ended) {
      const input = await zipped.some(INPUT_BYTES);
      if (input.length === 0) throw new GzipFault(CUT_OFF);
      for (const output of await inflater.inflate(input)) {
        sum = crc32(output, sum);
        size += output.length;
        yield output;
      }
      if (inflater.failed) throw new GzipFault(DAMAGED);
      zipped.giveBack(inflater.unused);
    }
  } finally {
    inflater.close();
  }
  const trailer = await needed(zipped, 8);
  if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== size % 2 ** 32)
    throw new GzipFault(MISMATCH);
}

async function skipHeader(zipped: ByteReader): Promise<void> {
  const fixed = await needed(zipped, 10);
  const flags = fixed[3] as number;
  if (fixed[2] !== DEFLATE) throw new GzipFault(DAMAGED);
  if ((flags & EXTRA) !== 0) await needed(zipped, (await needed(zipped, 2)).readUInt16LE());
  for (const text of [NAMED, COMMENTED]) if ((flags & text) !== 0) while ((await needed(zipped, 1))[0] !== 0);
  if ((flags & CHECKED) !== 0) await needed(zipped, 2);
}

async function needed(zipped: ByteReader, count: number): Promise<Buffer> {
  const bytes = await zipped.exactly(count);
  if (bytes.length < count) throw new GzipFault(CUT_OFF);
  return bytes;
}

/** Inflates deflate data piece by piece; what came before damage comes out. */
class Inflater {
  readonly #stream: InflateRaw = createInflateRaw({ chunkSize: OUTPUT_BYTES });
  #output: Buffer[] = [];
  #done: () => void = () => undefined;
  failed = false;
  /** The data is at its end: it leaves bytes of a piece unused, and asks for another piece to know. */
  ended = false;
  unused = 0;

  constructor() {
    this.#stream.on('data', (output: Buffer) => this.#output.push(output));
    this.#stream.on('error', () => {
      this.failed = true;
      this.#done();
    });
  }

  async inflate(input: Buffer): Promise<readonly Buffer[]> {
    const before = this.#stream.bytesWritten;
    await new Promise<void>((done) => {
      this.#done = done;
      this.#stream.write(input, () => done());
    });
    this.unused = this.failed ? 0 : input.length - (this.#stream.bytesWritten - before);
    this.ended = this.unused > 0;
    const output = this.#output;
    this.#output = [];
    return output;
  }

  close(): void {
    this.#stream.destroy();
  }
}
