import { describe, expect, it } from 'vitest';
import type { Place } from '../core/observation.js';
import { AT, type Sighting, WARM_UP } from './contract.js';
import { Detector, type Judgement } from './detector.js';
import { explanations } from './explain.js';
import { LearningGuard } from './learning-guard.js';
import { WEIGHTS } from './weights.js';

const HOUR = 3_600_000;
const MONDAY = Date.UTC(2026, 5, 1);
const KEYS = 24;
const ALARM = 8;
const OFFICE: Place = { kind: 'residential', asn: 3320, country: 'DE' };
const ABROAD: Place = { kind: 'hosting', asn: 9009, country: 'RO' };

interface Call {
  readonly key?: string;
  readonly tenant?: string;
  readonly principal?: string;
  readonly address?: string;
  readonly place?: Place;
  readonly userAgent?: string;
  readonly operation?: string;
  readonly privilege?: 0 | 1 | 2 | 3 | 4;
  readonly objects?: readonly string[];
}

function sighting(timeMs: number, call: Call): Sighting {
  return {
    actor: { key: call.key ?? 'k', tenant: call.tenant, principal: call.principal },
    observation: {
      timeMs,
      upstream: 'api',
      method: 'GET',
      path: '/',
      operation: { name: call.operation ?? 'users.list', template: '', privilege: call.privilege ?? 1 },
      address: call.address ?? '192.0.2.10',
      place: call.place ?? OFFICE,
      userAgent: call.userAgent ?? 'python-requests/2.31.0',
      objects: call.objects ?? [],
      bodyBytes: 0,
    },
    outcome: { status: 200, bytesOut: 4000 },
  };
}

/** A provider with a few dozen keys, each with its own network, client, operations and objects. */
function provider(detector = new Detector(), days = 14) {
  const operations = [
    'users.list',
    'users.get',
    'groups.list',
    'systems.list',
    'events.list',
    'users.update',
  ];
  const clients = ['curl/8.1', 'python-requests/2.31.0', 'Terraform/1.5', 'Go-http-client/1.1'];
  const learning = new LearningGuard(detector, true);
  const owner = (i: number, n: number): Call => ({
    key: `k${i}`,
    tenant: `t${i % 8}`,
    principal: `p${i}`,
    address: `198.51.${i}.7`,
    place: { kind: 'hosting', asn: 100 + (i % 5), country: 'US' },
    userAgent: clients[i % clients.length] as string,
    operation: operations[(i + (n % 3)) % operations.length] as string,
    objects: [`o${i}-${n % 5}`],
  });
  const call = (timeMs: number, given: Call): Judgement => {
    const judgement = learning.assess(sighting(timeMs, given));
    learning.settle(judgement, judgement.evidence >= ALARM ? 'alarm' : 'allowed');
    return judgement;
  };
  let timeMs = MONDAY;
  for (let hour = 0; hour < days * 24; hour++) {
    timeMs = MONDAY + hour * HOUR;
    for (let i = 0; i < KEYS; i++) call(timeMs + i * 60_000, owner(i, hour));
  }
  return { detector, learning, call, owner, endMs: timeMs + HOUR };
}

const thief: Call = {
  address: '203.0.113.66',
  place: ABROAD,
  userAgent: 'axios/1.6',
  operation: 'admins.create',
  privilege: 4,
  objects: ['stranger'],
};

describe('Detector', () => {
  it('warms up before its evidence means anything, and still scores against everybody', () => {
    const { call, endMs } = provider();
    for (let n = 0; n < WARM_UP; n++) {
      const judgement = call(endMs + n * HOUR, { ...thief, key: 'new' });
      expect(judgement.state).toBe('warming');
      expect(judgement.score).not.toBe(0);
    }
    expect(call(endMs + WARM_UP * HOUR, { ...thief, key: 'new' }).state).toBe('ready');
  });

  it('gives the same bytes for the same input', () => {
    const [a, b] = [provider(), provider()];
    for (const baseline of a.detector.baselines.values())
      expect(baseline.pack()).toEqual(b.detector.baselineOf(baseline.key).pack());
  });

  it('needs less doubt where the call is privileged, and does not suspect it where it is usual', () => {
    const strike = (privilege: 2 | 3) => {
      const { detector, call, owner, endMs } = provider();
      const judgement = call(endMs, { ...owner(3, 1), ...thief, privilege });
      const reasons = explanations(
        detector,
        sighting(endMs, { ...owner(3, 1), ...thief, privilege }),
        judgement,
        true,
      );
      return {
        evidence: judgement.evidence - judgement.begun,
        privilege: reasons.find(({ term }) => term === 'privilege'),
      };
    };
    const [write, access] = [strike(2), strike(3)];
    expect(access.evidence - write.evidence).toBeCloseTo(WEIGHTS.privileged, 6);
    expect(write.privilege).toBeUndefined();
    expect(access.privilege).toEqual({
      term: 'privilege',
      nats: WEIGHTS.privileged,
      text: 'admins.create is privileged (3 of 4): it needs less doubt',
    });

    const { call, owner, endMs } = provider();
    expect(call(endMs + 3 * 60_000, { ...owner(3, 14 * 24), privilege: 4 }).evidence).toBeLessThan(ALARM / 4);
  });

  it('tells a thief from the owner, and lets evidence grow', () => {
    const { call, owner, endMs } = provider();
    const usual = call(endMs, owner(3, 1));
    const stolen = [1, 2, 3, 4].map((n) => call(endMs + n * 60_000, { ...owner(3, n), ...thief }));
    expect(stolen[0]?.score).toBeGreaterThan(usual.score + 3);
    const evidence = stolen.map((each) => each.evidence);
    expect(evidence[0]).toBeGreaterThan(usual.evidence);
    expect(evidence[3]).toBeGreaterThan((evidence[0] as number) + 1);
  });

  it('does not take the owner for the thief who has just been there', () => {
    const { call, owner, endMs } = provider();
    for (const n of [1, 2, 3, 4]) call(endMs + n * 60_000, { ...owner(3, n), ...thief });
    const odd = { ...owner(3, 5), operation: 'users.list' };
    expect(provider().call(endMs + 5 * 60_000, odd).evidence).toBeGreaterThan(2);
    expect(call(endMs + 5 * 60_000, odd).evidence).toBeLessThan(ALARM);
  });

  it('explains every call of a visitor who was found out, even where he does what the owner does', () => {
    const detector = new Detector();
    const { learning, call, owner, endMs } = provider(detector);
    for (const n of [1, 2, 3, 4]) call(endMs + n * 60_000, { ...owner(3, n), ...thief });
    const visit: Call = { ...owner(3, 5), address: thief.address, place: ABROAD, userAgent: thief.userAgent };
    for (let n = 1; n < 30; n++) call(endMs + (n + 4) * 60_000, visit);
    const calm = sighting(endMs + 40 * 60_000, visit);
    const judgement = learning.assess(calm);
    const reasons = explanations(detector, calm, judgement, true);
    expect(judgement.carried).toBeGreaterThan(0);
    expect(reasons.map(({ term }) => term)).toContain('visitor');
    expect(reasons.find(({ term }) => term === 'visitor')?.text).toContain('goes on from an odd call at');
  });

  it('names the address where nobody knows whose network it is', () => {
    const detector = new Detector();
    const { learning, owner, endMs } = provider(detector);
    const why = (place: Partial<Place>): string | undefined => {
      const odd = sighting(endMs, { ...owner(3, 1), ...thief, place: { kind: 'unknown', ...place } });
      const all = explanations(detector, odd, learning.assess(odd), false);
      return all.find(({ term }) => term === 'network')?.text;
    };
    expect(why({ country: 'CN' })).toMatch(
      /^203\.0\.113\.\d+ \(CN, a country new to this key\) never used by this key/,
    );
    expect(why({})).toMatch(/^203\.0\.113\.\d+ never used by this key/);
    expect(why({ asn: 64500, network: 'Somewhere', country: 'CN' })).toMatch(
      /^AS64500 Somewhere \(CN, a country new to this key\) never/,
    );
  });

  it('weighs a change of one side far less than a change of all', () => {
    const { call, owner, endMs } = provider();
    const many = call(endMs, { ...owner(3, 1), ...thief });
    const network = call(endMs, { ...owner(4, 1), address: '192.0.2.99', place: ABROAD });
    const client = call(endMs, { ...owner(5, 1), userAgent: 'axios/1.6' });
    expect(network.evidence).toBeLessThan(many.evidence / 2);
    expect(client.evidence).toBeLessThan(many.evidence / 2);
  });

  it('lets a new key of the same owner inherit', () => {
    const { call, owner, endMs } = provider();
    const rotated = call(endMs + HOUR, { ...owner(3, 1), key: 'k3-new' });
    expect(rotated.state).toBe('ready');
    const odd = call(endMs + 2 * HOUR, { ...owner(3, 2), ...thief, key: 'k3-new' });
    expect(odd.evidence).toBeGreaterThan(rotated.evidence + 1);
  });

  it('sees one stranger who tries many keys, one call each', () => {
    const { call, owner, endMs } = provider();
    const tried = Array.from({ length: 12 }, (_, i) =>
      call(endMs + i * 60_000, { ...owner(i, 1), address: thief.address, place: ABROAD }),
    );
    expect(tried[0]?.strangers.keys).toBe(0);
    expect(tried[11]?.strangers.keys).toBe(11);
    expect(tried[11]?.evidence).toBeGreaterThan((tried[0]?.evidence as number) + 4);
  });

  it('does not take a tenant that moves with all its keys for one', () => {
    const { call, owner, endMs } = provider();
    const spread = Array.from({ length: 3 }, (_, i) =>
      call(endMs, { ...owner(i, 1), address: thief.address, place: ABROAD }),
    );
    const moved = [8, 16].map((i) =>
      call(endMs + HOUR * 100, { ...owner(i, 1), address: '192.0.2.1', place: ABROAD }),
    );
    expect(moved.at(-1)?.strangers.nats).toBeLessThan((spread.at(-1)?.strangers.nats as number) / 2);
  });

  it('does not take a vendor who moves with the keys of many tenants for one', () => {
    const { call, owner, endMs } = provider();
    const harvest = Array.from({ length: 5 }, (_, i) =>
      call(endMs + i * 60_000, { ...owner(i, 1), ...thief }),
    );
    const moved = Array.from({ length: 5 }, (_, i) =>
      call(endMs + HOUR * 100, { ...owner(8 + i, 1), address: '192.0.2.1', place: ABROAD }),
    );
    expect(moved.at(-1)?.strangers.keys).toBe(4);
    expect(moved.at(-1)?.strangers.nats).toBeLessThan((harvest.at(-1)?.strangers.nats as number) / 2);
  });

  it('does not take one visit for a habit: a place vouches the more, the more hours the owner was there', () => {
    const { detector, learning, owner, endMs } = provider();
    const hotel = { ...owner(3, 1), address: '192.0.2.99', place: ABROAD };
    const visits = Array.from({ length: 12 }, (_, i) => {
      const judgement = learning.assess(sighting(endMs + i * HOUR, hotel));
      detector.settle(judgement);
      return judgement.features[AT.network] as number;
    });
    expect(visits[0]).toBeGreaterThan(3);
    expect(visits[1]).toBeGreaterThanOrEqual(-1);
    expect(visits[11]).toBeLessThan(visits[3] as number);
    expect(visits[11]).toBeLessThan(-3);
  });
});
