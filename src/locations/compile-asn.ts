import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AsnRanges, encodeAsnTable } from './asn-table.js';

interface Row {
  readonly start: bigint;
  readonly end: bigint;
  readonly network: number;
}

/** Networks in the order of their first appearance. */
class NetworkNames {
  readonly asns: number[] = [];
  readonly names: string[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(asn: number, name: string): number {
    const key = `${asn} ${name}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.asns.push(asn) - 1;
    this.names.push(name);
    this.#indexes.set(key, index);
    return index;
  }
}

const ROW = /^(\d+),(\d+),(\d+),(?:"((?:[^"]|"")*)"|(.*))$/;
const WORD = 0xffffffffn;

/** Makes the compact table from CSVs of `start,end,asn,"name"`, addresses as decimal numbers, ends inclusive. */
export function compileAsn(ipv4Csv: string, ipv6Csv: string): Buffer {
  const networks = new NetworkNames();
  const ipv4 = rowsOf(ipv4Csv, networks, 'IPv4');
  const ipv6 = rowsOf(ipv6Csv, networks, 'IPv6');
  const names = networks.names.map((name) => Buffer.from(name));
  const nameOffsets = new Uint32Array(names.length + 1);
  names.forEach((name, index) => {
    nameOffsets[index + 1] = (nameOffsets[index] as number) + name.length;
  });
  const ranges: AsnRanges = {
    ipv4Starts: Uint32Array.from(ipv4, (row) => Number(row.start)),
    ipv4Ends: Uint32Array.from(ipv4, (row) => Number(row.end)),
    ipv4Networks: Uint32Array.from(ipv4, (row) => row.network),
    ipv6Starts: Uint32Array.from(ipv6.flatMap((row) => wordsOf(row.start))),
    ipv6Ends: Uint32Array.from(ipv6.flatMap((row) => wordsOf(row.end))),
    ipv6Networks: Uint32Array.from(ipv6, (row) => row.network),
    asns: Uint32Array.from(networks.asns),
    nameOffsets,
    names: Buffer.concat(names),
  };
  return encodeAsnTable(ranges);
}

function wordsOf(value: bigint): number[] {
  return [value >> 96n, (value >> 64n) & WORD, (value >> 32n) & WORD, value & WORD].map(Number);
}

function rowsOf(csv: string, networks: NetworkNames, what: string): Row[] {
  const rows: Row[] = [];
  csv.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const row = ROW.exec(line.trimEnd());
    if (row === null)
      throw new Error(`${what} line ${index + 1} is not start,end,asn,name: ${line.slice(0, 80)}`);
    const [, start = '', end = '', asn = '', quoted, bare = ''] = row;
    const name = quoted?.replaceAll('""', '"') ?? bare;
    rows.push({ start: BigInt(start), end: BigInt(end), network: networks.indexOf(Number(asn), name) });
  });
  return joinNeighbours(rows, what);
}

/** Neighbours of one network become one range. Where two overlap, as a few do, the first keeps what it has. */
function joinNeighbours(rows: Row[], what: string): Row[] {
  rows.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const joined: Row[] = [];
  for (const row of rows) {
    const before = joined.at(-1);
    if (row.end < row.start) throw new Error(`${what}: a range ends before its start ${row.start}`);
    const start = before !== undefined && row.start <= before.end ? before.end + 1n : row.start;
    if (start > row.end) continue;
    if (before?.end === start - 1n && before.network === row.network) {
      joined[joined.length - 1] = { ...before, end: row.end };
    } else joined.push({ ...row, start });
  }
  return joined;
}

/** Compiles the table from the package `@ip-location-db/asn` (or a folder with the same files) to `out`. */
export async function compileAsnFile(out: string, folder = packageFolder()): Promise<void> {
  const [ipv4, ipv6] = await Promise.all(
    ['asn-ipv4-num.csv', 'asn-ipv6-num.csv'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  await mkdir(dirname(out), { recursive: true });
  // A reader must never see half a table.
  await writeFile(`${out}.new`, compileAsn(ipv4 ?? '', ipv6 ?? ''));
  await rename(`${out}.new`, out);
}

function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@ip-location-db/asn/package.json'));
}

async function main(): Promise<void> {
  const [out, folder] = process.argv.slice(2);
  if (out === undefined) {
    console.error('usage: node dist/locations/compile-asn.js OUT [FOLDER]');
    process.exitCode = 2;
    return;
  }
  await compileAsnFile(out, folder);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
