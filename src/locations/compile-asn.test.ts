import { describe, expect, it } from 'vitest';
import { type IpAddress, parseIp } from '../wire/ip-address.js';
import { AsnTable } from './asn-table.js';
import { compileAsn } from './compile-asn.js';

const ip = (text: string) => parseIp(text) as IpAddress;
const IPV4 =
  '16777216,16777471,13335,"Cloudflare, Inc."\n16777472,16777727,13335,"Cloudflare, Inc."\n4294967040,4294967295,7,A ""b\n';
const IPV6 = `${0x20010db8n << 96n},${(0x20010db9n << 96n) - 1n},64496,"Name ""x"" é"\n`;

describe('compileAsn', () => {
  const bytes = compileAsn(IPV4, IPV6);
  const table = AsnTable.decode(bytes);

  it.each([
    ['1.0.0.0', { asn: 13335, network: 'Cloudflare, Inc.' }],
    ['1.0.1.255', { asn: 13335, network: 'Cloudflare, Inc.' }],
    ['255.255.255.255', { asn: 7, network: 'A ""b' }],
    ['2001:db8::', { asn: 64496, network: 'Name "x" é' }],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', { asn: 64496, network: 'Name "x" é' }],
    ['0.255.255.255', undefined],
    ['1.0.2.0', undefined],
    ['2001:db7::', undefined],
    ['2001:db9::', undefined],
  ])('%s', (address, network) => {
    expect(table.lookup(ip(address))).toEqual(network);
  });

  it('reads bytes at any offset', () => {
    const shifted = Buffer.concat([Buffer.from([0]), bytes]).subarray(1);
    expect(AsnTable.decode(shifted).lookup(ip('1.0.0.1'))?.asn).toBe(13335);
  });

  it('refuses what is not a whole table', () => {
    const flipped = Buffer.from(bytes);
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    expect(() => AsnTable.decode(Buffer.alloc(3))).toThrow('too short');
    expect(() => AsnTable.decode(Buffer.alloc(64))).toThrow('not a table');
    expect(() => AsnTable.decode(bytes.subarray(0, -1))).toThrow('cut short');
    expect(() => AsnTable.decode(flipped)).toThrow('checksum');
  });

  it('names the line of a bad row; where ranges overlap the first keeps what it has', () => {
    expect(() => compileAsn('1,2,3,a\nx,2,3,a\n', '')).toThrow('IPv4 line 2');
    const table = AsnTable.decode(compileAsn('1,5,3,a\n5,9,4,b\n2,4,5,c\n', ''));
    expect([1, 5, 6, 9].map((value) => table.lookup(ip(`0.0.0.${value}`))?.asn)).toEqual([3, 3, 4, 4]);
  });
});
