import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cidr, CidrSet, parseCidr } from './cidr.js';
import { clientAddress, type ForwardedHeader } from './client-address.js';
import { type IpAddress, parseIp } from './ip-address.js';

function cidrs(...texts: string[]): CidrSet {
  const list: Cidr[] = [];
  for (const text of texts) {
    const result = parseCidr(text);
    if (result.ok) list.push(result.cidr);
  }
  return new CidrSet(list);
}

const trusted = cidrs('10.0.0.0/8', 'fd00::/8');

function client(peer: string, value: string, header: ForwardedHeader = 'x-forwarded-for'): string {
  const forwardedFor = header === 'forwarded' ? ['192.0.2.99'] : [value];
  const forwarded = header === 'forwarded' ? [value] : ['for=192.0.2.99'];
  return clientAddress({ peer: parseIp(peer) as IpAddress, forwardedFor, forwarded, trusted, header }).text;
}

describe('clientAddress', () => {
  it('believes no header of a peer that is not trusted', () => {
    expect(client('203.0.113.9', '10.0.0.1')).toBe('203.0.113.9');
    expect(client('203.0.113.9', 'for=10.0.0.1', 'forwarded')).toBe('203.0.113.9');
  });

  it('believes no header where none is configured', () => {
    expect(client('10.0.0.1', '203.0.113.9', 'none')).toBe('10.0.0.1');
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['192.0.2.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['192.0.2.1, , 10.0.0.2', '10.0.0.2'],
    ['192.0.2.1, 010.0.0.1', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('X-Forwarded-For: %s', (value, expected) => {
    expect(client('10.0.0.1', value)).toBe(expected);
  });

  it('reads Forwarded where that is the header', () => {
    expect(client('fd00::1', 'for=192.0.2.1, for="[2001:db8::9]:99", for=10.1.1.1', 'forwarded')).toBe(
      '2001:db8::9',
    );
  });

  it('does not change, whatever a client puts in front', () => {
    const forged = fc.array(
      fc.oneof(
        fc.string(),
        fc.string({ unit: fc.constantFrom(...'for=",;\\ [:]10.') }),
        fc.constantFrom(
          '10.0.0.9',
          'for=10.0.0.9',
          'for="',
          '"',
          'for="\\',
          '10.0.0.9, ',
          'for=192.0.2.1;by="',
        ),
      ),
      { maxLength: 40 },
    );
    const proxies = fc.array(fc.constantFrom('10.0.0.2', '10.9.9.9', 'fd00::7'), { maxLength: 5 });
    const element = (header: ForwardedHeader, ip: string) =>
      header === 'forwarded' ? `for="${ip.includes(':') ? `[${ip}]` : ip}"` : ip;
    const header = fc.constantFrom<ForwardedHeader>('forwarded', 'x-forwarded-for');
    fc.assert(
      fc.property(forged, proxies, header, fc.boolean(), (front, chain, which, sameLine) => {
        const honest = ['203.0.113.9', ...chain].map((ip) => element(which, ip)).join(', ');
        const before = front.join(', ');
        const values = sameLine ? [`${before}, ${honest}`] : [...front, honest];
        const found = clientAddress({
          peer: parseIp('10.0.0.1') as IpAddress,
          forwardedFor: which === 'forwarded' ? front : values,
          forwarded: which === 'forwarded' ? values : front,
          trusted,
          header: which,
        });
        expect(found.text).toBe('203.0.113.9');
      }),
      { numRuns: 1000 },
    );
  });
});
