import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { repeat } from './repeat.js';

it('what takes longer than its interval does not pile up: stopping waits for one alone', async () => {
  let [begun, ended] = [0, 0];
  const stop = repeat(async () => {
    begun += 1;
    await pause(50);
    ended += 1;
  }, 1);
  await expect.poll(() => begun, { interval: 5 }).toBeGreaterThan(1);
  const before = ended;
  await stop();
  expect(ended).toBeLessThanOrEqual(before + 1);
  expect(begun).toBe(ended);
  await pause(20);
  expect(begun).toBe(ended);
});
