import { ConfigFault, loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { type Log, openLog } from '../observability/log.js';
import { type Running, start } from '../runtime.js';

/** Starts the guard as configured; SIGHUP reloads, SIGINT and SIGTERM stop it cleanly. */
export async function up(configFile: string): Promise<void> {
  const running = await startLogged(loadConfig(configFile), configFile);
  showBootstrapToken(running);
  for (const { address } of running.listeners) console.log(`guard  ${origin(address)}`);
  if (running.reset !== undefined) console.log(`reset  ${origin(running.reset.address)}`);
  console.log(`admin  ${origin(running.admin.address)}`);
  await untilStopped(running);
}

export async function startLogged(config: Config, configFile?: string): Promise<Running> {
  const log = openLog(config.log.level);
  const running = await start(config, { log, configFile });
  log.info(
    {
      listeners: running.listeners.map(({ address }) => origin(address)),
      admin: origin(running.admin.address),
    },
    'started',
  );
  onUnforeseen(log);
  if (configFile !== undefined) reloadOnHangUp(log, () => running.reload('SIGHUP'));
  return running;
}

/** An error that nobody foresaw ends the process with a line in the log. */
export function onUnforeseen(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error({ error: error.message, stack: error.stack }, 'stopped by an error that nobody foresaw');
    process.exit(1);
  });
}

export function reloadOnHangUp(log: Log, reload: () => Promise<unknown>): void {
  process.on('SIGHUP', () => {
    reload().catch((error: unknown) => {
      const problems = error instanceof ConfigFault ? error.problems : [String(error)];
      log.error({ problems }, 'the configuration was not reloaded; the one before stays in force');
    });
  });
}

export function showBootstrapToken({ bootstrapToken, admin }: Running): void {
  if (bootstrapToken === undefined) return;
  console.log(`
First run. This token administers the guard; it is shown this once and cannot be read again.
  ${bootstrapToken}
Keep it for the commands:  echo TOKEN | keyward login --url http://${origin(admin.address)}
`);
}

export function origin({ address, port, family }: { address: string; port: number; family: string }): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Resolves when one of the signals has stopped the guard. */
export async function untilStopped(
  running: { close(): Promise<void> },
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'],
): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = () => {
      // A second signal ends it at once.
      process.once('SIGINT', () => process.exit(130));
      resolve();
    };
    for (const signal of signals) process.once(signal, stop);
  });
  await running.close();
}
