import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { reachesOnlyWhatIsThere } from './lmdb-pages.js';

/** Where things lie in a meta page of LMDB (mdb.c, MDB_meta after the page's own header); little-endian. */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const PAGE_BYTES_AT = 48;
const FREE_ROOT_AT = 88;
const MAIN_ROOT_AT = 136;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_BYTES = 160;

interface Meta {
  readonly pageBytes: number;
  /** That were ever used; free ones at the end may never have been written. */
  readonly pages: number;
  readonly transaction: bigint;
  readonly roots: readonly bigint[];
}

/**
 * LMDB maps its file into memory, and a file that was cut or overwritten ends the process without a word as soon as what is
 * missing is read. So its size is compared beforehand with what its last transaction says; where it is shorter, every page
 * in use must be there all the same.
 * @param written whether another process may be writing: then the end of the file says nothing, and that process has looked
 * @throws {Error} where the file is damaged; one that is not there or empty begins anew
 */
export function assertWhole(file: string, written = false): void {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return;
  }
  try {
    const { size: bytes } = fstatSync(fd);
    if (bytes === 0) return;
    const first = metaOf(fd, 0);
    const second = first && metaOf(fd, first.pageBytes);
    if (first === undefined || second === undefined) throw damaged(file, 'it does not begin as one');
    const { pages, pageBytes, roots } = first.transaction > second.transaction ? first : second;
    if (written || bytes >= pages * pageBytes) return;
    if (!reachesOnlyWhatIsThere({ fd, bytes, pageBytes, pages }, roots))
      throw damaged(file, `${bytes} of ${pages * pageBytes} bytes are there`);
  } finally {
    closeSync(fd);
  }
}

function metaOf(fd: number, at: number): Meta | undefined {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(fd, bytes, 0, META_BYTES, at) < META_BYTES || bytes.readUInt32LE(MAGIC_AT) !== MAGIC)
    return undefined;
  return {
    pageBytes: bytes.readUInt32LE(PAGE_BYTES_AT),
    pages: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)) + 1,
    transaction: bytes.readBigUInt64LE(TRANSACTION_AT),
    roots: [bytes.readBigUInt64LE(FREE_ROOT_AT), bytes.readBigUInt64LE(MAIN_ROOT_AT)],
  };
}

function damaged(file: string, what: string): Error {
  return new Error(
    `The store ${file} is damaged: ${what}. Put back a copy of the data directory, or move the file away and issue keys anew.`,
  );
}
