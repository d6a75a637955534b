import { describe, expect, it } from 'vitest';
import { inThreads } from './threads.js';

const squares = new URL(
  `data:text/javascript,${encodeURIComponent(`
import { parentPort } from 'node:worker_threads';
parentPort.on('message', (n) => {
  if (n < 0) throw new Error('no square');
  setTimeout(() => parentPort.postMessage(n * n), 5 * (n % 3));
});`)}`,
);

describe('jobs in threads', () => {
  it('give their results in their order, however many there are', async () => {
    const jobs = Array.from({ length: 20 }, (_, n) => n);
    expect(await inThreads(squares, jobs)).toEqual(jobs.map((n) => n * n));
    expect(await inThreads(squares, [])).toEqual([]);
  });

  it('end with the first that fails', async () => {
    await expect(inThreads(squares, [1, 2, -3, 4])).rejects.toThrow('no square');
  });
});
