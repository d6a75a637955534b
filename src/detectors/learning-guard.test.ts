import { describe, expect, it } from 'vitest';
import { AlarmBudget } from './budget.js';
import type { Sighting } from './contract.js';
import { Detector } from './detector.js';
import { LearningGuard } from './learning-guard.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 1);
/** Where a new budget's alarms begin. */
const ALARM = new AlarmBudget().threshold;
const OWN = {
  operations: ['users.list', 'users.get', 'groups.list'],
  address: '198.51.100.7',
  agent: 'sync/1.0',
};
const STRANGE = {
  operations: ['admins.create', 'keys.create', 'mfa.reset'],
  address: '203.0.113.9',
  agent: 'curl/8',
};

function sighting(n: number, strange: boolean): Sighting {
  const { operations, address, agent } = strange ? STRANGE : OWN;
  return {
    actor: { key: 'k' },
    observation: {
      timeMs: START + n * HOUR,
      upstream: '',
      method: '',
      path: '',
      operation: { name: operations[n % 3] as string, template: '', privilege: strange ? 4 : 1 },
      address,
      place: { kind: 'unknown' },
      userAgent: agent,
      objects: [],
      bodyBytes: 0,
    },
  };
}

function play(askOperator: boolean) {
  const detector = new Detector();
  const guard = new LearningGuard(detector, askOperator);
  let n = 0;
  const call = (strange: boolean): number => {
    const judgement = guard.assess(sighting(n++, strange));
    guard.settle(judgement, judgement.evidence >= ALARM ? 'alarm' : 'allowed');
    return judgement.evidence;
  };
  for (let i = 0; i < 300; i++) call(false);
  return { detector, guard, call };
}

describe('LearningGuard', () => {
  it('keeps alarms until the operator says whose they were', () => {
    const { guard, call } = play(true);
    for (let i = 0; i < 40; i++) expect(call(true)).toBeGreaterThan(i === 0 ? 3 : ALARM);
    expect(guard.quarantined('k')).toBeGreaterThan(35);
    expect(guard.release('k').length).toBeGreaterThan(35);
    expect(call(true)).toBeLessThan(ALARM);
  });

  it('releases what came from one place with one tool, and leaves a stranger’s calls where they are', () => {
    const { guard, call, detector } = play(true);
    for (let i = 0; i < 20; i++) call(true);
    const waiting = guard.quarantined('k');
    const away = sighting(320, true);
    const owners = guard.assess({
      ...away,
      observation: { ...away.observation, address: '192.0.2.200', userAgent: 'terraform/1.9' },
    });
    expect(owners.evidence).toBeGreaterThan(ALARM);
    guard.settle(owners, 'alarm');
    expect(guard.release('k', owners.symbols.source)).toHaveLength(1);
    expect(guard.quarantined('k')).toBe(waiting);
    expect(call(true)).toBeGreaterThan(ALARM);
    expect(detector.seen('k')).toBe(322);
  });

  it('learns what waited behind a released alarm once its time has come', () => {
    const { guard, call } = play(true);
    const settled = (n: number, address: string, decided: 'allowed' | 'alarm') => {
      const strange = sighting(n, true);
      const judgement = guard.assess({ ...strange, observation: { ...strange.observation, address } });
      guard.settle(judgement, decided);
      return judgement.symbols.source;
    };
    const released = settled(300, '203.0.113.9', 'alarm');
    settled(301, '192.0.2.200', 'allowed');
    call(false);
    expect(guard.release('k', released)).toHaveLength(1);
    guard.assess(sighting(3_000, false));
    expect(guard.release('k')).toHaveLength(0);
  });

  it('stays calm about a key that is alone in the world and works like a clock, over weeks of forgetting', () => {
    const { call } = play(true);
    for (let i = 0; i < 1_000; i++) expect(call(false)).toBeLessThan(1.8);
  });

  it('says what becomes of each call, and why', () => {
    const { guard } = play(true);
    const settled = (strange: boolean, decided: 'allowed' | 'alarm' | 'refused') =>
      guard.settle(guard.assess(sighting(300, strange)), decided);
    expect(settled(false, 'allowed')).toEqual({ policy: 'learn', reason: 'usual' });
    expect(settled(true, 'allowed')).toEqual({ policy: 'quarantine', reason: 'odd' });
    expect(settled(true, 'alarm')).toEqual({ policy: 'quarantine', reason: 'alarm' });
    expect(settled(true, 'refused')).toEqual({ policy: 'discard', reason: 'refused' });
    // What was refused is nobody's to release.
    expect(guard.release('k')).toHaveLength(2);
  });

  it('forgets what the operator discards', () => {
    const { guard, call } = play(true);
    for (let i = 0; i < 10; i++) call(true);
    expect(guard.discard('k')).toBeGreaterThan(5);
    expect(guard.quarantined('k')).toBe(0);
    expect(call(true)).toBeGreaterThan(ALARM);
  });

  it('learns after a while where there is nobody to ask', () => {
    const { call } = play(false);
    const first = Math.max(...Array.from({ length: 5 }, () => call(true)));
    for (let i = 0; i < 200; i++) call(true);
    expect(call(true)).toBeLessThan(first / 2);
  });

  /** A thief who slips in one foreign call in so many of the owner's, for weeks, before he does what he came for. */
  it.each([
    [50, 60],
    [12, 30],
  ])('bounds slow poisoning: one foreign call in %d, for %d days', (every, days) => {
    const { guard, call } = play(true);
    let slipped = 0;
    let alarms = 0;
    for (let i = 0; i < days * 24; i++) {
      if (i % every !== 0) call(false);
      else if (call(true) >= ALARM) alarms += 1;
      else slipped += 1;
    }
    // Either he was seen on the way, or what he slipped in does not cover the attack itself.
    const attack = Math.max(...Array.from({ length: 6 }, () => call(true)));
    expect(alarms > 0 || attack >= ALARM, `slipped ${slipped}, attack at ${attack}`).toBe(true);
    expect(guard.quarantined('k')).toBeGreaterThan(0);
  });
});
