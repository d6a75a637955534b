import { describe, expect, it } from 'vitest';
import { Baseline, Clock } from './baseline.js';
import { AlarmBudget } from './budget.js';

const DAY_MS = 86_400_000;
const LEAST_THRESHOLD = 4;

/** Deterministic draws, uniform in (0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 4_294_967_296;
  };
}

/** Days of `keys` keys whose highest evidence is exponential; `thieves` of them are a thief's. */
function live(budget: AlarmBudget, days: number, keys: number, thieves: number): { alarms: number } {
  const draw = uniform(7);
  const baselines = Array.from({ length: keys }, () => new Baseline());
  let alarms = 0;
  for (let day = 0; day < days; day++)
    for (let key = 0; key < keys; key++) {
      const thief = draw() < thieves;
      const evidence = thief ? 9 + 6 * draw() : -1.1 * Math.log(draw());
      if (!thief && day > days / 4 && evidence >= budget.threshold) alarms += 1;
      budget.note(baselines[key] as Baseline, day * DAY_MS, evidence);
    }
  return { alarms };
}

describe('AlarmBudget', () => {
  it.each([
    [2, 0],
    [10, 0],
    [2, 0.01],
  ])('spends what it was given: %d in 1,000, with %d of the days a thief’s', (perThousand, thieves) => {
    const budget = new AlarmBudget(perThousand / 1000);
    const { alarms } = live(budget, 120, 200, thieves);
    const allowed = (0.75 * 120 * 200 * perThousand) / 1000;
    expect(alarms).toBeGreaterThan(allowed * 0.4);
    expect(alarms).toBeLessThan(allowed * 1.7);
  });

  it('does not let thieves buy leniency: neither their days nor the days after them count as the owners', () => {
    const budget = new AlarmBudget();
    const draw = uniform(3);
    const keys = Array.from({ length: 150 }, () => ({ baseline: new Baseline(), shadow: 0 }));
    for (let day = 0; day < 60; day++)
      for (const key of keys) {
        const thief = draw() < 0.01;
        // What a thief leaves behind keeps the owner's next days odd.
        const owner = key.shadow > 0 ? 5.5 + 2.5 * draw() : -1.1 * Math.log(draw());
        key.shadow = thief ? 3 : key.shadow - 1;
        budget.note(key.baseline, day * DAY_MS, thief ? 9 + 6 * draw() : owner);
      }
    // Where an exponential tail of this scale crosses one day in 500.
    expect(budget.threshold).toBeCloseTo(1.1 * Math.log(500), 0);
  });

  it.each([
    ['far beyond what the fit looks at', (draw: () => number) => (draw() < 0.02 ? 9 + 6 * draw() : 0)],
    ['in two steps', (draw: () => number) => (draw() < 0.3 ? 6 : draw() < 0.05 ? 12 : 0)],
    ['each day more', (draw: () => number, day: number) => (draw() < 0.05 ? 5 + day / 8 : 0)],
  ])(
    'where alarms are called false, few come in excess of the budget, though the tail lies %s',
    (_, evidenceOf) => {
      const budget = new AlarmBudget();
      const draw = uniform(11);
      const baselines = Array.from({ length: 200 }, () => new Baseline());
      let highest = 0;
      for (let day = 0; day < 80; day++)
        for (const baseline of baselines) {
          const evidence = evidenceOf(draw, day);
          highest = Math.max(highest, evidence);
          const alarm = evidence >= budget.threshold;
          budget.note(baseline, day * DAY_MS, evidence);
          if (alarm) budget.falseAlarm(baseline, day * DAY_MS);
        }
      const { falseAlarms, spent, allowed } = budget.standing;
      expect(falseAlarms).toBe(spent);
      expect(falseAlarms - allowed).toBeLessThan((highest - LEAST_THRESHOLD) / 0.5 + 1);
      // Nor is it lenient without need.
      expect(falseAlarms).toBeGreaterThan(allowed / 4);
    },
  );

  it('takes one alarm of a key and day for false, and what was allowed and did not come for saved', () => {
    const budget = new AlarmBudget();
    const baseline = new Baseline();
    for (let day = 0; day < 1_001; day++) budget.note(baseline, day * DAY_MS, 0);
    const { threshold } = budget;
    for (let n = 0; n < 9; n++) budget.falseAlarm(baseline, 1_000 * DAY_MS + n);
    budget.falseAlarm(new Baseline(), 1_000 * DAY_MS);
    expect(budget.standing.falseAlarms).toBe(2);
    // Two had been saved up.
    expect(budget.threshold).toBe(threshold);
    budget.falseAlarm(new Baseline(), 1_000 * DAY_MS);
    expect(budget.threshold).toBeCloseTo(threshold + 0.5, 9);
  });

  it('counts a day with alarms once', () => {
    const budget = new AlarmBudget();
    const baseline = new Baseline();
    for (let n = 0; n < 5; n++) budget.note(baseline, n, 50);
    budget.note(baseline, DAY_MS, 50);
    expect(budget.standing).toMatchObject({ keyDays: 1, spent: 2 });
    expect(baseline.clock[Clock.alarmDays]).toBe(2);
  });

  it('takes another rate: what was allowed so far stays', () => {
    const budget = new AlarmBudget(2 / 1_000);
    const baseline = new Baseline();
    for (let day = 0; day <= 10; day++) budget.note(baseline, day * DAY_MS, 0);
    const { threshold } = budget;
    budget.alarmsPerKeyDay = 20 / 1_000;
    expect(budget.threshold).toBeLessThan(threshold);
    for (let day = 11; day <= 20; day++) budget.note(baseline, day * DAY_MS, 0);
    expect(budget.standing.allowed).toBeCloseTo(0.02 + 0.2, 10);
    expect(baseline.clock[Clock.keyDays]).toBe(20);
  });

  it('comes back from a snapshot', () => {
    const budget = new AlarmBudget();
    live(budget, 30, 50, 0.01);
    for (let n = 0; n < 6; n++) budget.falseAlarm(new Baseline(), 30 * DAY_MS);
    const again = new AlarmBudget();
    again.restore(budget.snapshot());
    expect(again.standing).toEqual(budget.standing);
    expect(() => again.restore({ tail: [1] })).toThrow(RangeError);
  });
});
