import { describe, expect, it } from 'vitest';
import { type Hop, parseForwarded, parseForwardedFor } from './forwarded.js';

const texts = (hops: Hop[]) => hops.map((hop) => hop.address?.text ?? '-');

describe('parseForwarded', () => {
  it.each([
    [['for=192.0.2.60;proto=http;by=203.0.113.43'], ['192.0.2.60']],
    [['for=192.0.2.43, for=198.51.100.17'], ['198.51.100.17', '192.0.2.43']],
    [
      ['for=192.0.2.43', 'for=198.51.100.17'],
      ['198.51.100.17', '192.0.2.43'],
    ],
    [['For="[2001:db8:cafe::17]:4711"'], ['2001:db8:cafe::17']],
    [['for="192.0.2.1:_port"; host="a,b;c\\"d"'], ['192.0.2.1']],
    [['for=unknown, for=_hidden, for=192.0.2.1'], ['192.0.2.1', '-', '-']],
    [['by=192.0.2.1'], ['-']],
    [['for=192.0.2.1;for=192.0.2.2'], ['-']],
    [['for=192.0.2.1 junk'], ['-']],
    [['for="192.0.2.1, for=192.0.2.2'], ['192.0.2.2', '-']],
    [['host="\\", for=10.0.0.1", for=192.0.2.2'], ['192.0.2.2', '-']],
    [[''], ['-']],
    [[], []],
  ])('%j', (values, hops) => {
    expect(texts(parseForwarded(values))).toEqual(hops);
  });
});

describe('parseForwardedFor', () => {
  it.each([
    [['203.0.113.9, 10.0.0.1'], ['10.0.0.1', '203.0.113.9']],
    [['203.0.113.9:1234,[2001:db8::1]:80 ,2001:db8::2'], ['2001:db8::2', '2001:db8::1', '203.0.113.9']],
    [['a, ,::ffff:10.0.0.1'], ['10.0.0.1', '-', '-']],
    [[',10.0.0.1'], ['10.0.0.1', '-']],
  ])('%j', (values, hops) => {
    expect(texts(parseForwardedFor(values))).toEqual(hops);
  });

  it('keeps the nearest 32 hops', () => {
    const value = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(',');
    const hops = parseForwardedFor([value]);
    expect(hops).toHaveLength(32);
    expect(hops[0]?.address?.text).toBe('10.0.1.243');
  });
});
