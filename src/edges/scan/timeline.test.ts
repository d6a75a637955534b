import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Timeline } from './timeline.js';

it('shows all calls in few steps, however long they go on', () => {
  const call = fc.tuple(fc.integer({ min: 0, max: 5e10 }), fc.double({ min: 0, max: 30, noNaN: true }));
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 600 }), (calls) => {
      const timeline = new Timeline();
      for (const [ms, nats] of calls) timeline.note(ms, nats, nats > 25);
      const { steps, hours } = timeline;
      expect(steps.length).toBeLessThanOrEqual(240);
      expect(steps.reduce((sum, [, each]) => sum + each.calls, 0)).toBe(calls.length);
      expect(hours.reduce((sum, each) => sum + each)).toBe(calls.length);
      expect(Math.max(...steps.map(([, { peak }]) => peak))).toBe(Math.max(...calls.map(([, nats]) => nats)));
      expect(steps.some(([, { privileged }]) => privileged)).toBe(calls.some(([, nats]) => nats > 25));
      expect(steps[0]?.[0]).toBeLessThanOrEqual(Math.min(...calls.map(([ms]) => ms)));
    }),
  );
});
