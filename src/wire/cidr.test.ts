import { describe, expect, it } from 'vitest';
import { type Cidr, CidrSet, parseCidr } from './cidr.js';

function cidr(text: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new Error(result.problem);
  return result.cidr;
}

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
  ])('reads %s as %s', (text, canonical) => {
    expect(cidr(text).text).toBe(canonical);
  });

  it.each([
    ['10.0.0.1/8', '"10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8?'],
    ['2001:db8::1/32', '"2001:db8::1/32" has host bits set; did you mean 2001:db8::/32?'],
    ['::ffff:10.0.0.1/104', '"::ffff:10.0.0.1/104" has host bits set; did you mean 10.0.0.0/8?'],
    ['10.0.0.0/33', '"/33" is not a prefix length from 0 to 32'],
    ['10.0.0.0/08', '"/08" is not a prefix length from 0 to 32'],
    ['::/129', '"/129" is not a prefix length from 0 to 128'],
    ['10.0.0.0/', '"/" is not a prefix length from 0 to 32'],
    ['10.0/8', '"10.0/8" is not an IP address or network'],
    ['fe80::1%eth0/64', '"fe80::1%eth0/64" is not an IP address or network'],
  ])('refuses %s', (text, problem) => {
    expect(parseCidr(text)).toEqual({ ok: false, problem });
  });
});

describe('CidrSet', () => {
  const set = new CidrSet(
    ['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8', '2001:db8::/32', '192.0.2.7'].map(cidr),
  );

  it.each(['10.0.0.0', '10.255.255.255', '11.1.1.1', '192.0.2.7', '2001:db8:ffff::1', '::ffff:10.1.2.3'])(
    'holds %s',
    (address) => expect(set.has(address)).toBe(true),
  );

  it.each(['9.255.255.255', '12.0.0.0', '192.0.2.8', '2001:db9::', '::10.0.0.1', 'nonsense'])(
    'does not hold %s',
    (address) => expect(set.has(address)).toBe(false),
  );

  it('keeps the families apart', () => {
    expect(new CidrSet([cidr('::/0')]).has('10.0.0.1')).toBe(false);
    expect(new CidrSet([cidr('0.0.0.0/0')]).has('::1')).toBe(false);
  });
});
