import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cidr, CidrSet, compareWords, parseCidr } from './cidr.js';
import { type IpAddress, ipFromValue, ipFromWords } from './ip-address.js';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const address = fc.oneof(
  uint32.map(ipFromValue),
  fc.tuple(uint32, uint32, uint32, uint32).map((words) => ipFromWords(words)),
  // A small space, so that networks meet addresses.
  fc.integer({ min: 0, max: 255 }).map((low) => ipFromValue(0x0a000000 + low)),
);

/** The network of `prefix` bits around an address, found through the parser's own suggestion. */
function networkOf(ip: IpAddress, prefix: number): Cidr {
  const result = parseCidr(`${ip.text}/${prefix}`);
  if (result.ok) return result.cidr;
  const meant = parseCidr(/did you mean (\S+)\?/.exec(result.problem)?.[1] ?? '');
  if (!meant.ok) throw new Error(meant.problem);
  return meant.cidr;
}

function within(cidr: Cidr, ip: IpAddress): boolean {
  if (cidr.family === 4) return ip.family === 4 && cidr.first <= ip.value && ip.value <= cidr.last;
  return ip.family === 6 && compareWords(cidr.first, ip.words) <= 0 && compareWords(ip.words, cidr.last) <= 0;
}

const network = fc
  .tuple(address, fc.integer({ min: 0, max: 128 }))
  .map(([ip, prefix]) => networkOf(ip, ip.family === 4 ? prefix % 33 : prefix));

describe('parseCidr on any input', () => {
  it('never throws', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abf:./') }));
    fc.assert(
      fc.property(text, (each) => {
        expect(typeof parseCidr(each).ok).toBe('boolean');
      }),
    );
  });

  it('round-trips, suggests a network that is valid, and that network holds the address', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 32 }), (ip, prefix) => {
        const cidr = networkOf(ip, prefix);
        expect(parseCidr(cidr.text)).toEqual({ ok: true, cidr });
        expect(new CidrSet([cidr]).has(ip)).toBe(true);
      }),
    );
  });

  it('a set answers like a walk over its networks', () => {
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 20 }),
        fc.array(address, { minLength: 1 }),
        (networks, probes) => {
          const set = new CidrSet(networks);
          for (const ip of probes) expect(set.has(ip)).toBe(networks.some((each) => within(each, ip)));
        },
      ),
    );
  });
});
