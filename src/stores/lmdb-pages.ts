import { readSync } from 'node:fs';

/** Where things lie in a page of LMDB (mdb.c: MDB_page_header, MDB_node, MDB_db); little-endian. */
const FLAGS_AT = 18;
const LOWER_AT = 20;
const PAGE_HEADER_BYTES = 24;
const BRANCH = 0x01;
const LEAF = 0x02;
const NODE_FLAGS_AT = 4;
const KEY_BYTES_AT = 6;
const NODE_HEADER_BYTES = 8;
/** Flags of a node: its value has pages of its own, or is another tree. */
const BIG_DATA = 0x01;
const SUB_DATA = 0x02;
const ROOT_AT = 40;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** An open file, how much of it is there, and the pages that its last transaction counts. */
export interface PagedFile {
  readonly fd: number;
  readonly bytes: number;
  readonly pageBytes: number;
  readonly pages: number;
}

/** Whether all that is reached from these roots lies within the file, and is pages of a tree. */
export function reachesOnlyWhatIsThere(file: PagedFile, roots: readonly bigint[]): boolean {
  const page = Buffer.alloc(file.pageBytes);
  const open = [...roots];
  let seen = 0;
  for (let root = open.pop(); root !== undefined; root = open.pop()) {
    if (root === NO_PAGE) continue;
    seen += 1;
    if (seen > file.pages || !isThere(file, root, 1)) return false;
    readSync(file.fd, page, 0, file.pageBytes, Number(root) * file.pageBytes);
    const below = pagesBelow(file, page);
    if (below === undefined) return false;
    for (const each of below) open.push(each);
  }
  return true;
}

/** Roots of the trees that a page leads to; undefined where it is no page of a tree, or a value is not there. */
function pagesBelow(file: PagedFile, page: Buffer): bigint[] | undefined {
  const flags = page.readUInt16LE(FLAGS_AT);
  const nodesEnd = page.readUInt16LE(LOWER_AT);
  if ((flags & (BRANCH | LEAF)) === 0 || nodesEnd > page.length) return undefined;
  const below: bigint[] = [];
  for (let at = PAGE_HEADER_BYTES; at < nodesEnd; at += 2) {
    const node = page.subarray(page.readUInt16LE(at));
    if (node.length < NODE_HEADER_BYTES) return undefined;
    if ((flags & BRANCH) !== 0) below.push(BigInt(node.readUIntLE(0, 6)));
    else if (!takeValue(file, node, below)) return undefined;
  }
  return below;
}

/** @returns false where the value of this node of a leaf is not there */
function takeValue(file: PagedFile, node: Buffer, below: bigint[]): boolean {
  const flags = node.readUInt16LE(NODE_FLAGS_AT);
  if ((flags & (BIG_DATA | SUB_DATA)) === 0) return true;
  const data = node.subarray(NODE_HEADER_BYTES + node.readUInt16LE(KEY_BYTES_AT));
  if (data.length < ROOT_AT + 8 && (flags & SUB_DATA) !== 0) return false;
  if ((flags & SUB_DATA) !== 0) below.push(data.readBigUInt64LE(ROOT_AT));
  else if (data.length < 8) return false;
  else {
    const pages = Math.ceil((PAGE_HEADER_BYTES + node.readUInt32LE(0)) / file.pageBytes);
    return isThere(file, data.readBigUInt64LE(0), pages);
  }
  return true;
}

function isThere({ bytes, pageBytes }: PagedFile, page: bigint, pages: number): boolean {
  return (Number(page) + pages) * pageBytes <= bytes;
}
