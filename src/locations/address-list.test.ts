import { describe, expect, it } from 'vitest';
import { type IpAddress, parseIp } from '../wire/ip-address.js';
import { parseAddressList } from './address-list.js';

const ip = (text: string) => parseIp(text) as IpAddress;

describe('parseAddressList', () => {
  it('reads networks, addresses and AS numbers', () => {
    const list = parseAddressList('# exits\n192.0.2.0/24 # lab\r\n\n2001:db8::1\nas64496\n', 'tor.txt');
    expect(list.has(ip('192.0.2.200'), undefined)).toBe(true);
    expect(list.has(ip('2001:db8::1'), undefined)).toBe(true);
    expect(list.has(ip('203.0.113.9'), 64496)).toBe(true);
    expect(list.has(ip('203.0.113.9'), 64497)).toBe(false);
  });

  it('names file and line of each problem', () => {
    expect(() => parseAddressList('10.0.0.1/8\n10.0.0.0/8\nAS99999999999\n', 'vpn.txt')).toThrow(
      'vpn.txt:1: "10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8?\nvpn.txt:3: ',
    );
  });
});
