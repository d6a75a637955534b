import { readFile } from 'node:fs/promises';
import { type Cidr, CidrSet, parseCidr } from '../wire/cidr.js';
import type { IpAddress } from '../wire/ip-address.js';

/** Networks that an operator names, by address or by AS number. */
export interface AddressList {
  has(address: IpAddress, asn: number | undefined): boolean;
}

const PROBLEMS_MAX = 10;

/** One CIDR, address or `AS123` a line; `#` begins a comment. Throws an error that names `file:line` of each problem. */
export function parseAddressList(text: string, file: string): AddressList {
  const cidrs: Cidr[] = [];
  const asns = new Set<number>();
  const problems: string[] = [];
  text.split('\n').forEach((line, index) => {
    const entry = (line.split('#', 1)[0] ?? '').trim();
    if (entry === '') return;
    const asn = /^AS([1-9]\d{0,9})$/i.exec(entry)?.[1];
    const result = asn === undefined ? parseCidr(entry) : undefined;
    if (asn !== undefined && Number(asn) <= 0xffffffff) asns.add(Number(asn));
    else if (result?.ok) cidrs.push(result.cidr);
    else problems.push(`${file}:${index + 1}: ${result?.problem ?? `"${entry}" is not an AS number`}`);
  });
  if (problems.length > 0) throw new Error(problems.slice(0, PROBLEMS_MAX).join('\n'));
  const networks = new CidrSet(cidrs);
  return { has: (address, asn) => networks.has(address) || (asn !== undefined && asns.has(asn)) };
}

export async function readAddressList(file: string): Promise<AddressList> {
  return parseAddressList(await readFile(file, 'utf8'), file);
}
