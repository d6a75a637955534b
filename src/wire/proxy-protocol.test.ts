import { describe, expect, it } from 'vitest';
import { decodeProxyHeader, type ProxyHeader } from './proxy-protocol.js';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

function summary(header: ProxyHeader): string {
  if (header.kind !== 'done') return header.kind === 'more' ? 'more' : header.why;
  const from = header.source === undefined ? '-' : `${header.source.address.text} ${header.source.port}`;
  return `${header.consumed} ${from}${header.local ? ' local' : ''}`;
}

const v1 = (text: string) => summary(decodeProxyHeader(Buffer.from(text, 'latin1')));
const v2 = (hex: string) =>
  summary(decodeProxyHeader(Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex')));

describe('PROXY v1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /', '45 192.0.2.1 56324'],
    ['PROXY TCP6 2001:DB8::1 2001:db8::2 0 65535\r\n', '44 2001:db8::1 0'],
    ['PROXY UNKNOWN\r\n', '15 -'],
    ['PROXY UNKNOWN ffff::1 whatever\r\n', '32 -'],
    ['PROXY TCP4 192.0.2.1', 'more'],
    ['PRO', 'more'],
    ['', 'more'],
    ['PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n', 'PROXY v1: a port is not valid'],
    ['PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n', 'PROXY v1: a port is not valid'],
    ['PROXY TCP4 ::1 198.51.100.1 1 443\r\n', 'PROXY v1: an address is not TCP4'],
    ['PROXY TCP6 192.0.2.1 ::1 1 443\r\n', 'PROXY v1: an address is not TCP6'],
    [
      'PROXY TCP4  192.0.2.1 198.51.100.1 1 443\r\n',
      'PROXY v1: the line is not "TCP4|TCP6 from to port port" or "UNKNOWN"',
    ],
    ['GET / HTTP/1.1\r\n', 'the connection does not start with a PROXY protocol header'],
    [`PROXY UNKNOWN ${'x'.repeat(200)}`, 'PROXY v1: no line end within 107 bytes'],
  ])('%j', (text, expected) => {
    expect(v1(text)).toBe(expected);
  });

  it('accepts the longest line of the specification', () => {
    const ip = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    expect(v1(`PROXY UNKNOWN ${ip} ${ip} 65535 65535\r\n`)).toBe('107 -');
  });
});

describe('PROXY v2', () => {
  it.each([
    ['21 11 000c c0000201 c6336401 dc04 01bb', '28 192.0.2.1 56324'],
    ['21 11 0010 c0000201 c6336401 dc04 01bb 04 0001 00', '32 192.0.2.1 56324'],
    [`21 21 0024 ${'20010db8000000000000000000000001'.repeat(2)} 0050 01bb`, '52 2001:db8::1 80'],
    [`21 21 0024 ${'00000000000000000000ffffc0000201'.repeat(2)} 0050 01bb`, '52 192.0.2.1 80'],
    ['20 00 0000', '16 - local'],
    ['21 00 0000', '16 -'],
    ['21 11 000c c0000201', 'more'],
    ['21', 'more'],
    ['21 11 0004 c0000201', 'PROXY v2: too short for IPv4 addresses'],
    ['31 11 000c', 'PROXY v2: version 3 is not 2'],
    ['22 11 000c', 'PROXY v2: command 2 is not LOCAL or PROXY'],
    ['21 12 0000', 'PROXY v2: family and transport 0x12 are not a TCP connection'],
    ['21 11 0801', 'PROXY v2: 2049 bytes of addresses and TLVs; at most 2048 are read'],
  ])('%s', (hex, expected) => {
    expect(v2(hex)).toBe(expected);
  });
});
