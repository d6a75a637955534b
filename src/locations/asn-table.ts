import { crc32 } from 'node:zlib';
import type { IpAddress, Ipv6Words } from '../wire/ip-address.js';

/** Ranges of addresses, inclusive, sorted and without overlap, each with an index into the networks. */
export interface AsnRanges {
  readonly ipv4Starts: Uint32Array;
  readonly ipv4Ends: Uint32Array;
  readonly ipv4Networks: Uint32Array;
  /** Four words an address. */
  readonly ipv6Starts: Uint32Array;
  readonly ipv6Ends: Uint32Array;
  readonly ipv6Networks: Uint32Array;
  readonly asns: Uint32Array;
  /** Where each name begins in `names`, and one more for the end. */
  readonly nameOffsets: Uint32Array;
  readonly names: Buffer;
}

export interface Network {
  readonly asn: number;
  readonly network: string;
}

const MAGIC = 0x314e5341;
const HEADER_WORDS = 6;

/**
 * The file: six words (magic `ASN1`, CRC32 of the rest behind the header, counts of IPv4 ranges, IPv6 ranges,
 * networks, and bytes of names), then the arrays of AsnRanges in their order. Little-endian, so that the arrays
 * are views of the file and nothing is parsed at start.
 */
export function encodeAsnTable(ranges: AsnRanges): Buffer {
  const body = Buffer.concat([...arraysOf(ranges).map(bytesOf), ranges.names]);
  const counts = [
    ranges.ipv4Starts.length,
    ranges.ipv6Networks.length,
    ranges.asns.length,
    ranges.names.length,
  ];
  return Buffer.concat([bytesOf(Uint32Array.from([MAGIC, crc32(body), ...counts])), body]);
}

function arraysOf(ranges: AsnRanges): Uint32Array[] {
  return [
    ranges.ipv4Starts,
    ranges.ipv4Ends,
    ranges.ipv4Networks,
    ranges.ipv6Starts,
    ranges.ipv6Ends,
    ranges.ipv6Networks,
    ranges.asns,
    ranges.nameOffsets,
  ];
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

/** Networks by address. */
export class AsnTable {
  readonly #ranges: AsnRanges;

  constructor(ranges: AsnRanges) {
    this.#ranges = ranges;
  }

  /** Throws where the bytes are not a whole table. */
  static decode(file: Buffer): AsnTable {
    // Views of 32-bit words need a start that is a multiple of four.
    const bytes = file.byteOffset % 4 === 0 ? file : Buffer.from(new Uint8Array(file).buffer);
    if (bytes.length < HEADER_WORDS * 4) throw new Error('is too short to be a table of networks');
    const [magic, sum, ipv4 = 0, ipv6 = 0, networks = 0, nameBytes = 0] = new Uint32Array(
      bytes.buffer,
      bytes.byteOffset,
      HEADER_WORDS,
    );
    const wordCounts = [ipv4, ipv4, ipv4, ipv6 * 4, ipv6 * 4, ipv6, networks, networks + 1];
    const words = wordCounts.reduce((total, count) => total + count, HEADER_WORDS);
    if (magic !== MAGIC) throw new Error('is not a table of networks');
    if (bytes.length !== words * 4 + nameBytes) throw new Error('is cut short or has bytes behind its end');
    if (crc32(bytes.subarray(HEADER_WORDS * 4)) !== sum)
      throw new Error('is damaged: its checksum does not match');
    let at = bytes.byteOffset + HEADER_WORDS * 4;
    const next = (index: number) => {
      const view = new Uint32Array(bytes.buffer, at, wordCounts[index]);
      at += view.byteLength;
      return view;
    };
    return new AsnTable({
      ipv4Starts: next(0),
      ipv4Ends: next(1),
      ipv4Networks: next(2),
      ipv6Starts: next(3),
      ipv6Ends: next(4),
      ipv6Networks: next(5),
      asns: next(6),
      nameOffsets: next(7),
      names: bytes.subarray(words * 4),
    });
  }

  lookup(address: IpAddress): Network | undefined {
    const index = address.family === 4 ? this.#ipv4(address.value) : this.#ipv6(address.words);
    if (index === undefined) return undefined;
    const { asns, nameOffsets, names } = this.#ranges;
    return {
      asn: asns[index] ?? 0,
      network: names.toString('utf8', nameOffsets[index], nameOffsets[index + 1]),
    };
  }

  #ipv4(value: number): number | undefined {
    const { ipv4Starts, ipv4Ends, ipv4Networks } = this.#ranges;
    const at = lastWhere(ipv4Starts.length, (index) => (ipv4Starts[index] as number) <= value);
    return at !== -1 && value <= (ipv4Ends[at] as number) ? ipv4Networks[at] : undefined;
  }

  #ipv6(words: Ipv6Words): number | undefined {
    const { ipv6Starts, ipv6Ends, ipv6Networks } = this.#ranges;
    const at = lastWhere(ipv6Networks.length, (index) => compareAt(ipv6Starts, index, words) <= 0);
    return at !== -1 && compareAt(ipv6Ends, at, words) >= 0 ? ipv6Networks[at] : undefined;
  }
}

/** The last index for which `holds` is true, where it is true up to some index; -1 for none. */
function lastWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function compareAt(array: Uint32Array, index: number, words: Ipv6Words): number {
  for (let at = 0; at < 4; at += 1) {
    const difference = (array[index * 4 + at] as number) - (words[at] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
