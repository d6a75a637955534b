import { describe, expect, it } from 'vitest';
import { Baseline } from './baseline.js';
import type { Sighting } from './contract.js';
import { Detector, type Judgement } from './detector.js';
import { explanations } from './explain.js';
import { LearningGuard } from './learning-guard.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MONDAY = Date.UTC(2026, 5, 1, 9);

function sighting(timeMs: number, operation: string, privilege: 1 | 2 | 3 | 4): Sighting {
  return {
    actor: { key: 'k' },
    observation: {
      ...{ timeMs, upstream: 'api', method: 'POST', path: '/', objects: [], bodyBytes: 0 },
      operation: { name: operation, template: '', privilege },
      address: '192.0.2.10',
      place: { kind: 'hosting', asn: 3320, country: 'DE' },
      userAgent: 'terraform/1.5',
    },
  };
}

/** A key that lists users ten times a day, and begins so many privileged operations on each. */
function keyOf({ begins, days = 20 }: { begins: number; days?: number }) {
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  const call = (timeMs: number, operation: string, privilege: 1 | 2 | 3 | 4 = 4): Judgement => {
    const judgement = learning.assess(sighting(timeMs, operation, privilege));
    learning.settle(judgement, privilege > 1 && begins === 0 ? 'alarm' : 'allowed');
    return judgement;
  };
  for (let day = 0; day < days; day++) {
    for (let n = 0; n < 10; n++) call(MONDAY + day * DAY + n * MINUTE, 'users.list', 1);
    for (let n = 0; n < begins; n++) call(MONDAY + day * DAY + (20 + n) * MINUTE, `policies.own${day}.${n}`);
  }
  return { detector, learning, call, endMs: MONDAY + days * DAY };
}

describe('privileged operations newly begun', () => {
  it('add up, one being no sign, and each counts once', () => {
    const { call, endMs } = keyOf({ begins: 0 });
    const begun = ['admins.create', 'mfa.reset', 'mfa.reset', 'sso.update', 'commands.run'].map(
      (operation, n) => call(endMs + n * MINUTE, operation).begun,
    );
    const [first = 0, second = 0, again = 0, third = 0, fourth = 0] = begun;
    expect(first).toBeLessThan(1);
    expect(second).toBeGreaterThan(first + 1);
    expect(again).toBeLessThanOrEqual(second);
    expect(third).toBeGreaterThan(second + 1);
    expect(fourth).toBeGreaterThan(third + 1);
  });

  it('say nothing of what the key has always done, and little of what is not privileged', () => {
    const { call, endMs } = keyOf({ begins: 0 });
    for (let n = 0; n < 8; n++) expect(call(endMs + n * MINUTE, `reports.read${n}`, 1).begun).toBe(0);
    for (let n = 0; n < 4; n++) call(endMs + (10 + n) * MINUTE, `admins.create${n}`);
    expect(call(endMs + 20 * MINUTE, 'users.list', 1).begun).toBe(0);
  });

  it('weigh less for a key that begins some every day, and nothing for one that is hardly known', () => {
    const strike = ({ call, endMs }: ReturnType<typeof keyOf>) =>
      Math.max(...[1, 2, 3].map((n) => call(endMs + n * MINUTE, `admins.new${n}`).begun));
    expect(strike(keyOf({ begins: 2 }))).toBeLessThan(strike(keyOf({ begins: 0 })) / 3);
    expect(strike(keyOf({ begins: 0, days: 5 }))).toBe(0);
  });

  it('begin once, though they are refused each time and never learned', () => {
    const { call, endMs } = keyOf({ begins: 0 });
    call(endMs, 'admins.create');
    const later = Array.from({ length: 6 }, (_, day) => {
      for (let n = 0; n < 20; n++) call(endMs + (day + 1) * DAY + n * MINUTE, `users.list${n % 18}`, 1);
      return ['admins.create', 'mfa.reset'].map(
        (name, n) => call(endMs + (day + 1) * DAY + (30 + n) * MINUTE, name).begun,
      );
    });
    expect(Math.max(...later.slice(1).flat())).toBe(0);
  });

  it('fade: half in twelve hours', () => {
    const { call, endMs } = keyOf({ begins: 0 });
    for (let n = 0; n < 4; n++) call(endMs + n * MINUTE, `admins.create${n}`);
    expect(call(endMs + 4 * DAY, 'reports.read', 1).begun).toBe(0);
  });

  it('are said in words, and are calm once the operator has vouched for them', () => {
    const { detector, learning, call, endMs } = keyOf({ begins: 0 });
    for (let n = 0; n < 3; n++) call(endMs + n * MINUTE, `admins.create${n}`);
    const last = sighting(endMs + 5 * MINUTE, 'sso.update', 4);
    const judgement = learning.assess(last);
    expect(explanations(detector, last, judgement, true)).toContainEqual({
      term: 'beginnings',
      nats: judgement.begun,
      text: expect.stringMatching(
        /^several privileged operations .*: it begins such a one in about \d+ days at work$/,
      ),
    });
    learning.settle(judgement, 'alarm');
    learning.release('k');
    expect(call(endMs + 10 * MINUTE, 'radius.create').begun).toBeLessThan(1);
  });

  it('are kept with the baseline', () => {
    const { detector, call, endMs } = keyOf({ begins: 0 });
    for (let n = 0; n < 3; n++) call(endMs + n * MINUTE, `admins.create${n}`);
    const kept = new Detector();
    kept.adopt('k', Baseline.unpack(detector.baselineOf('k').pack()));
    const next = call(endMs + 5 * MINUTE, 'sso.update');
    expect(next.begun).toBeGreaterThan(1);
    expect(kept.judge(kept.baselineOf('k'), next.symbols).begun).toBe(next.begun);
  });
});
