import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Where things lie in a meta page of LMDB (mdb.c, MDB_meta after the page's own header); little-endian. */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const PAGE_BYTES_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_BYTES = 160;

/**
 * LMDB maps its file into memory, and a file that was cut or overwritten ends the process without a word as soon as what is
 * missing is read. So its size is compared beforehand with what its last transaction says.
 * @throws {Error} where the file is damaged; one that is not there or empty begins anew
 */
export function assertWhole(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return;
  }
  try {
    const { size } = fstatSync(fd);
    if (size === 0) return;
    const first = metaOf(fd, 0);
    const second = first && metaOf(fd, first.pageBytes);
    if (first === undefined || second === undefined) throw damaged(file, 'it does not begin as one');
    const { pages, pageBytes } = first.transaction > second.transaction ? first : second;
    if (size < pages * pageBytes) throw damaged(file, `${size} of ${pages * pageBytes} bytes are there`);
  } finally {
    closeSync(fd);
  }
}

function metaOf(
  fd: number,
  at: number,
): { pageBytes: number; pages: number; transaction: bigint } | undefined {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(fd, bytes, 0, META_BYTES, at) < META_BYTES || bytes.readUInt32LE(MAGIC_AT) !== MAGIC)
    return undefined;
  return {
    pageBytes: bytes.readUInt32LE(PAGE_BYTES_AT),
    pages: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)) + 1,
    transaction: bytes.readBigUInt64LE(TRANSACTION_AT),
  };
}

function damaged(file: string, what: string): Error {
  return new Error(
    `The store ${file} is damaged: ${what}. Put back a copy of the data directory, or move the file away and issue keys anew.`,
  );
}
