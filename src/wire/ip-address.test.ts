import { describe, expect, it } from 'vitest';
import { parseIp } from './ip-address.js';

describe('parseIp', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseIp(text)?.text).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '01.2.3.4',
    '0x1.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '16909060',
    '::ffff:010.0.0.1',
    '1::2::3',
    ':::',
    'fe80::1%',
    'fe80::1%a b',
    '1.2.3.4%eth0',
    '1:2:3:4:5:6:7:8:9',
    '[::1]',
    '::g',
    'localhost',
  ])('refuses "%s"', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it('keeps the top bit unsigned', () => {
    expect(parseIp('255.0.0.1')).toMatchObject({ value: 4278190081 });
    expect(parseIp('ffff::1')).toMatchObject({ words: [4294901760, 0, 0, 1] });
  });
});
