import { loadConfig } from '../config/load.js';
import { type Running, start } from '../runtime.js';

/** Starts the guard as configured and stops it cleanly on SIGINT or SIGTERM. */
export async function up(configFile: string): Promise<void> {
  const running = await start(loadConfig(configFile));
  for (const { address } of running.listeners) console.log(`guard on ${address.address}:${address.port}`);
  await untilStopped(running);
}

/** Resolves when a signal has stopped the guard. */
export async function untilStopped(running: Running): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = () => {
      // A second signal ends it at once.
      process.once('SIGINT', () => process.exit(130));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
  await running.close();
}
