import { describe, expect, it } from 'vitest';
import type { Observation } from '../core/observation.js';
import type { Term } from './contract.js';
import { Detector } from './detector.js';
import { explanations } from './explain.js';
import { LearningGuard } from './learning-guard.js';

const T = Date.UTC(2026, 10, 2, 8);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ACTOR = { key: 'k', tenant: 't', principal: 'p' };
const PLACE = { asn: 64_500, network: 'ACME', country: 'DE', kind: 'residential' as const };

function call(timeMs: number, more: Partial<Observation> = {}): Observation {
  return {
    ...{ timeMs, upstream: 'u', method: 'GET', path: '/users', bodyBytes: 0, objects: [] },
    operation: { name: 'users.list', template: '/users', privilege: 1 },
    ...{ address: '198.51.100.7', place: PLACE, userAgent: 'python-requests/2.31.0' },
    ...more,
  };
}

/** What is said of some calls after a key was at work for 20 days. */
function said(...calls: Observation[]): Map<Term, string> {
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  for (let day = 0; day < 20; day++)
    for (let n = 0; n < 12; n++) {
      const judgement = learning.assess({ actor: ACTOR, observation: call(T + day * DAY + n * 600_000) });
      learning.settle(judgement, 'allowed');
    }
  let texts = new Map<Term, string>();
  for (const observation of calls) {
    const sighting = { actor: ACTOR, observation };
    const judgement = learning.assess(sighting);
    const reasons = explanations(detector, sighting, judgement, true);
    texts = new Map(reasons.map(({ term, text }) => [term, text]));
    learning.settle(judgement, 'allowed');
  }
  return texts;
}

const NOW = T + 20 * DAY;
const ODD: Partial<Observation> = {
  ...{ address: '203.0.113.9', place: { ...PLACE, asn: 3_215, network: 'Orange', country: 'FR' } },
  ...{ userAgent: 'curl/8.4.0', operation: { name: 'keys.create', template: '/keys', privilege: 4 } },
};

describe('reasons', () => {
  it('name a country that is new to the key as such, and one that it knows not', () => {
    expect(said(call(NOW, ODD)).get('network')).toMatch(
      /^AS3215 Orange \(FR, a country new to this key\) never used by this key in 19 days \(\d+ calls\)/,
    );
    const brazil = { address: '203.0.113.9', place: { ...PLACE, country: 'BR' } };
    expect(said(call(NOW, brazil)).get('network')).toMatch(
      /AS64500 ACME \(BR, a country new to this key\) it has used$/,
    );
    const germany = { ...ODD, place: { ...PLACE, asn: 3_320, network: 'DTAG' } };
    expect(said(call(NOW, germany)).get('network')).toMatch(/^AS3320 DTAG \(DE\) never used/);
  });

  it('say that no client or place was named where none was', () => {
    expect(said(call(NOW, { ...ODD, userAgent: '' })).get('client')).toMatch(
      /^no client is named: this key named one in \d+ hours before$/,
    );
    const nowhere = said(call(NOW, { ...ODD, address: '', place: { kind: 'unknown' } })).get('network');
    expect(nowhere ?? 'the call does not say from where').toMatch(/^the call does not say from where/);
  });

  it('count no part that is larger than its whole, and no pause below nothing', () => {
    const usual = { ...ODD, operation: call(0).operation };
    const operation = said(call(NOW, ODD), call(NOW + 1_000, usual)).get('operation');
    const [, part, whole] = /: (\d+) of this key's (\d+) calls/.exec(operation ?? '') ?? [];
    expect(Number(part)).toBeLessThanOrEqual(Number(whole));
    const setBack = said(call(NOW), call(NOW - 2 * DAY)).get('volume');
    expect(setBack).toMatch(/^1 call in this hour/);
    expect(setBack).not.toMatch(/-/);
  });
});
