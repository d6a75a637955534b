import { describe, expect, it } from 'vitest';
import { TimeOrder } from './time-order.js';

/** Positions of what is late among times in minutes. */
function late(...minutes: number[]): number[] {
  const order = new TimeOrder();
  return minutes.flatMap((each, at) => (order.isLate(each * 60_000) ? [at] : []));
}

describe('TimeOrder', () => {
  it.each([
    ['order', [0, 1, 1, 5, 9], []],
    ['what clocks explain', [0, 5, 4, 5, 4], []],
    ['a line that comes late', [0, 600, 1, 700], [2]],
    ['lines that come late', [0, 1, 600, 601, 2, 3, 4, 602], [4, 5, 6]],
    ['one line in the far future at the beginning', [4e9, 1, 2, 3, 4], [1]],
    ['one in the middle', [1, 2, 4e9, 3, 4, 5], [3]],
    ['one in the far past', [5, -4e9, 6, 7], [1]],
  ])('%s', (_, minutes, expected) => expect(late(...minutes)).toEqual(expected));
});
