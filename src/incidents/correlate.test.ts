import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Correlator, IncidentFault } from './correlate.js';
import { keysOf, type Lead } from './incident.js';

const HOUR = 3_600_000;
let requests = 0;

function lead(key: string, timeMs: number, from: Partial<Lead> = {}): Lead {
  const network = from.network ?? '203.0.113.0/24';
  return {
    ...{ key, timeMs, request: `r${++requests}`, tenant: `t-${key}`, principal: `p-${key}` },
    ...{ address: '203.0.113.9', network, asn: 9009, country: 'RO', client: 'python-httpx/0.24.1' },
    ...{ operation: 'systemusers.list', targets: [], privilege: 1, forwarded: true, evidence: 9 },
    rarity: { network: 8, asn: 6, client: 5, operation: 2 },
    reasons: [{ term: 'network', nats: 5, text: 'AS9009 never used by this key' }],
    ...from,
  };
}

function correlator(): Correlator {
  let n = 0;
  return new Correlator(() => `i${++n}`);
}

const open = (of: Correlator) => [...of.incidents.values()].filter(({ state }) => state === 'open');

describe('Correlator', () => {
  it('makes one incident of a harvest', () => {
    const one = correlator();
    for (let n = 0; n < 100; n++) one.note(lead(`k${n}`, n * 60_000));
    expect(open(one)).toHaveLength(1);
    expect(keysOf(open(one)[0] as never)).toHaveLength(100);
  });

  it('keeps strangers apart who share what many share', () => {
    const one = correlator();
    const common = { network: 8, asn: 0.7, client: 1, operation: 0.5 };
    one.note(lead('k1', 0, { rarity: common, network: '192.0.2.0/24' }));
    one.note(lead('k2', HOUR, { rarity: common, network: '198.51.100.0/24' }));
    expect(open(one)).toHaveLength(2);
  });

  it('joins late, when a later lead shows the tie, and says why', () => {
    const one = correlator();
    one.note(lead('k1', 0));
    one.note(lead('k2', HOUR, { network: '192.0.2.0/24', asn: 64500, client: 'curl/8' }));
    expect(open(one)).toHaveLength(2);
    one.note(lead('k2', HOUR + 1, { network: '203.0.113.0/24', client: 'curl/8' }));
    expect(open(one)).toHaveLength(1);
    expect(open(one)[0]?.history.at(-1)?.why).toContain('same network 203.0.113.0/24');
  });

  it('does not put together what an operator took apart, until he merges it', () => {
    const one = correlator();
    for (const key of ['k1', 'k2', 'k3']) one.note(lead(key, 0));
    const [whole] = open(one);
    const part = one.split(whole?.id as string, ['k2'], 'anna', 'a test of ours', HOUR);
    one.note(lead('k2', 2 * HOUR));
    one.note(lead('k1', 2 * HOUR));
    expect(open(one).map(keysOf)).toEqual([['k1', 'k3'], ['k2']]);
    one.merge(whole?.id as string, part.id, 'anna', 'it was no test', 3 * HOUR);
    expect(open(one).map(keysOf)).toEqual([['k1', 'k3', 'k2']]);
  });

  it('reopens a theft that goes on, and is silent about a false alarm', () => {
    const one = correlator();
    one.note(lead('k1', 0));
    one.note(lead('k9', 0, { network: '192.0.2.0/24', asn: 1, client: 'x' }));
    const [theft, alarm] = open(one).map(({ id }) => id) as [string, string];
    one.close(theft, 'theft', 'anna', 'revoked', 1);
    one.close(alarm, 'false_alarm', 'anna', 'moved house', 1);
    one.note(lead('k1', HOUR));
    one.note(lead('k9', HOUR, { network: '192.0.2.0/24', asn: 1, client: 'x' }));
    expect(one.incidents.get(theft)?.state).toBe('open');
    expect(one.incidents.get(alarm)?.state).toBe('closed');
    expect(() => one.reopen('nothing', 'anna', 'why', 2)).toThrow(IncidentFault);
  });

  it('has each key in one place, whatever comes, and gives the same twice', () => {
    const any = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      at: fc.integer({ min: 0, max: 60 * 24 * HOUR }),
      net: fc.integer({ min: 0, max: 5 }),
      client: fc.constantFrom('x', 'y', ''),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (given) => {
        const run = () => {
          const one = correlator();
          for (const { key, at, net, client } of given)
            one.note({
              ...lead(key, at, { network: `10.0.${net}.0/24`, asn: net, client }),
              request: `${at}`,
            });
          return one;
        };
        const one = run();
        const trails = open(one).flatMap((each) => each.trails);
        expect(new Set(trails).size).toBe(trails.length);
        expect(trails.reduce((sum, { leads }) => sum + leads, 0)).toBe(given.length);
        for (const { state, mergedInto } of one.incidents.values())
          if (state === 'merged') expect(one.incidents.has(mergedInto as string)).toBe(true);
        expect([...run().incidents.values()].map(keysOf)).toEqual([...one.incidents.values()].map(keysOf));
      }),
    );
  });
});
