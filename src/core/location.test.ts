import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LocationRule, LocationRules } from './key.js';
import {
  checkLocation,
  compileLocations,
  describePlace,
  type LocationLayer,
  validateLocationRules,
  wouldLockOut,
} from './location.js';
import type { Place } from './observation.js';

const ADDRESS = '203.0.113.9';
const PLACE: Place = { country: 'DE', asn: 3320, network: 'Deutsche Telekom', kind: 'residential' };
const UNKNOWN: Place = { kind: 'unknown' };

function layer(who: LocationLayer['who'], rules: LocationRules): LocationLayer {
  return { who, rules: compileLocations(rules) };
}

const check = (rules: LocationRules, place = PLACE) => checkLocation([layer('key', rules)], ADDRESS, place);

describe('checkLocation', () => {
  it.each<LocationRule>([
    { cidr: '203.0.113.0/24' },
    { country: 'DE' },
    { asn: 3320 },
    { kind: 'residential' },
  ])('matches %j, to allow and to deny', (rule) => {
    expect(check({ allow: [rule] }).allowed).toBe(true);
    expect(check({ deny: [rule] }).allowed).toBe(false);
    expect(check({ allow: [rule], deny: [rule] }).allowed).toBe(false);
  });

  it('explains a refusal in words', () => {
    expect(check({ allow: [{ country: 'FR' }] })).toEqual({
      allowed: false,
      text: "203.0.113.9 (DE, AS3320 Deutsche Telekom, residential) is not in this key's allowed places",
    });
    expect(checkLocation([layer('tenant', { deny: [{ asn: 3320 }] })], ADDRESS, PLACE)).toEqual({
      allowed: false,
      text: "203.0.113.9 (DE, AS3320 Deutsche Telekom, residential) is in this tenant's denied places (AS3320)",
    });
  });

  it('each layer with allow rules must allow', () => {
    const key = layer('key', { allow: [{ country: 'DE' }] });
    const upstream = layer('upstream', { allow: [{ cidr: '198.51.100.0/24' }] });
    expect(checkLocation([key, layer('tenant', {})], ADDRESS, PLACE).allowed).toBe(true);
    expect(checkLocation([key, upstream], ADDRESS, PLACE)).toMatchObject({
      text: expect.stringContaining("this upstream's allowed places"),
    });
  });

  it('an unknown place matches no rule on places', () => {
    expect(check({ allow: [{ country: 'DE' }, { asn: 3320 }] }, UNKNOWN).allowed).toBe(false);
    expect(check({ allow: [{ kind: 'unknown' }] }, UNKNOWN).allowed).toBe(true);
  });

  it('rules that are not valid admit nobody', () => {
    const result = check({ deny: [{ cidr: '10.0.0.1/8' }] });
    expect(result).toMatchObject({ allowed: false, text: expect.stringContaining('deny[0].cidr') });
  });

  it('adding a layer or a deny rule never admits more', () => {
    const rule = fc.constantFrom<LocationRule>(
      { cidr: '203.0.113.0/24' },
      { cidr: '0.0.0.0/0' },
      { country: 'DE' },
      { country: 'US' },
      { asn: 3320 },
      { kind: 'hosting' },
      { kind: 'residential' },
    );
    const rules = fc.record({
      allow: fc.array(rule, { maxLength: 3 }),
      deny: fc.array(rule, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(rules, rules, rule, (first, second, denied) => {
        const alone = check(first).allowed;
        const stricter = [
          checkLocation([layer('key', first), layer('tenant', second)], ADDRESS, PLACE).allowed,
          check({ ...first, deny: [...first.deny, denied] }).allowed,
        ];
        for (const each of stricter) expect(each && !alone).toBe(false);
      }),
    );
  });
});

describe('validateLocationRules', () => {
  it('names each field', () => {
    const rules = {
      allow: [
        { country: 'DE' },
        { country: 'de' },
        { cidr: '10.0.0.1/8' },
        { asn: 0 },
        { asn: 4294967296 },
        { kind: 'datacenter' },
        {},
        { asn: 1, country: 'US' },
        { city: 'Bonn' },
      ],
      deny: [{ country: 'ZZ' }, { country: 'UK' }],
    } as unknown as LocationRules;
    const one = 'a rule is exactly one of cidr, country, asn, kind';
    expect(validateLocationRules(rules)).toEqual([
      'allow[1].country: "de" is not an ISO 3166-1 alpha-2 country code; did you mean DE?',
      'allow[2].cidr: "10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8?',
      'allow[3].asn: 0 is not an AS number from 1 to 4294967295',
      'allow[4].asn: 4294967296 is not an AS number from 1 to 4294967295',
      'allow[5].kind: "datacenter" is not one of hosting, residential, tor, vpn, private, unknown',
      `allow[6]: has none; ${one}`,
      `allow[7]: has asn and country; ${one}`,
      `allow[8].city: is not a field of a rule; ${one}`,
      'deny[0].country: "ZZ" is not an ISO 3166-1 alpha-2 country code',
      'deny[1].country: "UK" is not an ISO 3166-1 alpha-2 country code; did you mean GB?',
    ]);
  });
});

describe('describePlace and wouldLockOut', () => {
  it('leaves out what is not known', () => {
    expect(describePlace(ADDRESS, UNKNOWN)).toBe('203.0.113.9 (place unknown)');
    expect(describePlace(ADDRESS, { kind: 'hosting', network: 'Example' })).toBe(
      '203.0.113.9 (Example, hosting)',
    );
  });

  it('warns only where the rules would refuse', () => {
    expect(wouldLockOut({ allow: [{ country: 'DE' }] }, ADDRESS, PLACE)).toBeUndefined();
    expect(wouldLockOut({ deny: [{ country: 'DE' }] }, ADDRESS, PLACE)).toMatch(
      /^These rules would lock it out: 203/,
    );
  });
});
