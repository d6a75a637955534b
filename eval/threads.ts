import os from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * Runs jobs in as many threads as there are cores, each on the next one that is left; results are in the order of the jobs.
 * @param file module that answers each message with a result
 */
export async function inThreads<Job, Result>(file: URL, jobs: readonly Job[]): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const threads = Array.from({ length: Math.min(jobs.length, os.availableParallelism()) }, async () => {
    const worker = new Worker(file);
    try {
      while (next < jobs.length) {
        const at = next++;
        results[at] = await new Promise<Result>((resolve, reject) => {
          worker.once('error', reject);
          worker.once('message', (result: Result) => {
            worker.off('error', reject);
            resolve(result);
          });
          worker.postMessage(jobs[at]);
        });
      }
    } finally {
      await worker.terminate();
    }
  });
  await Promise.all(threads);
  return results;
}
