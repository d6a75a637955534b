import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cause, type Effect, unexplainedRuns } from './effects.js';

const MINUTE = 60_000;
const effect = (run: string, minute: number, tenant = 'a', device = 'd1'): Effect => ({
  ...{ run, tenant, device, text: run, timeMs: minute * MINUTE },
});
const cause = (minute: number, tenant = 'a'): Cause => ({
  ...{ tenant, request: `r${minute}`, timeMs: minute * MINUTE },
});
const runs = (effects: Effect[], causes: Cause[]) =>
  unexplainedRuns(effects, causes, 15 * MINUTE).map(({ run }) => run);

describe('effects without a cause', () => {
  it('are runs that no request of the tenant explains', () => {
    expect(runs([effect('x', 10)], [cause(9)])).toEqual([]);
    expect(runs([effect('x', 10)], [])).toEqual(['x']);
    expect(runs([effect('x', 10)], [cause(9, 'b')])).toEqual(['x']);
    expect(runs([effect('x', 40)], [cause(9)])).toEqual(['x']);
    expect(runs([effect('x', 9)], [cause(12)])).toEqual(['x']);
  });

  it('one request explains one run, on however many devices', () => {
    const many = [1, 2, 3].map((n) => effect('x', 10 + n, 'a', `d${n}`));
    expect(runs(many, [cause(10)])).toEqual([]);
    expect(runs([...many, effect('y', 12)], [cause(10)])).toEqual(['y']);
    const [found] = unexplainedRuns(many, [], 5 * MINUTE);
    expect(found).toMatchObject({ devices: ['d1', 'd2', 'd3'], firstMs: 11 * MINUTE });
  });

  it('what shows long after its run is a run again, whatever name it gives itself', () => {
    expect(runs([effect('x', 10), effect('x', 12), effect('x', 40)], [cause(9)])).toEqual(['x']);
    expect(runs([effect('x', 40), effect('x', 10)], [cause(9), cause(39)])).toEqual([]);
  });

  it('a clock that is a little behind explains, too', () => {
    expect(runs([effect('x', 9)], [cause(9.5)])).toEqual([]);
  });

  it('are at least as many as there are runs more than requests, and none where each run follows its request', () => {
    const minutes = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 40 });
    fc.assert(
      fc.property(minutes, minutes, (causes, strays) => {
        const caused = causes.map((minute, n) => effect(`c${n}`, minute + 1));
        const given = causes.map((minute) => cause(minute));
        expect(runs(caused, given)).toEqual([]);
        const stray = strays.map((minute, n) => effect(`s${n}`, minute));
        expect(runs([...caused, ...stray], given).length).toBeGreaterThanOrEqual(strays.length);
      }),
    );
  });
});
