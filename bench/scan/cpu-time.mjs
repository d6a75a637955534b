import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Preloaded into what is measured: leaves the CPU time of the whole process, all threads, when it ends. */
if (isMainThread)
  process.on('exit', () => writeFileSync(process.env.CPU_TIME_TO, JSON.stringify(process.cpuUsage())));
