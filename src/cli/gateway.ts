import { gatewayName } from '../cluster/protocol.js';
import { loadConfig } from '../config/load.js';
import { GatewayFault, startGateway } from '../gateway-runtime.js';
import { openLog } from '../observability/log.js';
import { onUnforeseen, origin, reloadOnHangUp, untilStopped } from './up.js';

export interface GatewayCommand {
  readonly config: string;
  readonly port: number;
  readonly host?: string;
  readonly name?: string;
  readonly healthPort?: number;
}

/** Starts a further gateway; SIGHUP reloads the configuration, SIGINT and SIGTERM stop it cleanly. */
export async function gateway(options: GatewayCommand): Promise<void> {
  const { port, host, healthPort } = options;
  const name = options.name ?? `gateway-${port}`;
  if (!gatewayName.test(name) || name === 'control')
    throw new GatewayFault('--name: lower-case letters, digits and dashes, at most 32; not control.');
  const config = loadConfig(options.config);
  const log = openLog(config.log.level);
  const running = await startGateway(config, {
    ...{ name, host, port, healthPort, log, configFile: options.config },
  });
  for (const { address } of running.listeners) console.log(`gateway  ${origin(address)}`);
  if (running.admin !== undefined) console.log(`health  ${origin(running.admin.address)}`);
  onUnforeseen(log);
  reloadOnHangUp(log, running.reload);
  await untilStopped(running);
}
