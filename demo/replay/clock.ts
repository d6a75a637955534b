import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/**
 * Loaded before anything else into the processes of the replay (`node --import`), in the manner of libfaketime: weeks pass in a
 * minute, and the programs themselves are the real ones, unchanged. The parent says what time it is; in between it stands
 * still. Timers stay real.
 */
const VARIABLE = 'KEYWARD_REPLAY_NOW';
const RealDate = Date;
let nowMs = Number(process.env[VARIABLE]);

class ReplayDate extends RealDate {
  constructor(...values: []) {
    if (values.length === 0) super(nowMs);
    else super(...values);
  }

  static override now(): number {
    return nowMs;
  }
}
globalThis.Date = ReplayDate as DateConstructor;

const threads = new BroadcastChannel('replay-clock');
if (isMainThread) {
  process.on('message', (message: { readonly nowMs: number }) => {
    nowMs = message.nowMs;
    // Threads that start later read it there.
    process.env[VARIABLE] = String(nowMs);
    threads.postMessage(nowMs);
    process.send?.(nowMs);
  });
  // Who sets the time started the process, and it is of no use to anybody else. He may be gone before this line is reached.
  process.on('disconnect', end);
  if (!process.connected) end();
  process.channel?.unref();
} else {
  threads.onmessage = (event) => {
    nowMs = (event as { data: number }).data;
  };
}
threads.unref();

/** At once: `process.exit` can wait for good for a thread that compiles (nodejs/node#54918), and nobody is left to see to it. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}
