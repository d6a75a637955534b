import type { Command } from 'commander';
import type { GatewayCommand } from './gateway.js';
import { parsePort } from './input.js';

/** What runs until it is stopped. The guard is loaded only where it is started. */
export function serverCommands(program: Command): void {
  program
    .command('up')
    .description('start the guard: control process and first gateway')
    .requiredOption('-c, --config <file>', 'configuration file (YAML)')
    .action(async ({ config }: { config: string }) => (await import('./up.js')).up(config));
  program
    .command('gateway')
    .description('start a further gateway on this machine, beside `keyward up` with the same configuration')
    .requiredOption('-c, --config <file>', 'configuration file (YAML)')
    .option('-p, --port <port>', 'port to listen on (default: a free one)', parsePort, 0)
    .option('--host <address>', 'address to listen on (default: that of the first listener)')
    .option(
      '-n, --name <name>',
      'name in receipts, status and the folder of its journal (default: gateway-PORT)',
    )
    .option('--health-port <port>', 'port for /healthz, /readyz and /metrics (default: none)', parsePort)
    .action(async (options: GatewayCommand) => (await import('./gateway.js')).gateway(options));
  tryingCommands(program);
}

/** For whoever has nothing to guard yet. */
function tryingCommands(program: Command): void {
  program
    .command('quickstart')
    .description('start the guard in front of a small example API, with two keys to try')
    .option('-d, --data <directory>', 'data directory', './data/quickstart')
    .option('-p, --port <port>', 'port of the guard', '8080')
    .option('--admin-port <port>', 'port of the admin API', '7071')
    .action(async (options: { data: string; port: string; adminPort: string }) =>
      (await import('./quickstart.js')).quickstart(options),
    );
  program
    .command('demo')
    .description('replay the incident of 2023: a cloud directory without the guard and with it')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]', 'see keyward demo --help')
    .action(async (options: string[]) => (await import('./demo.js')).demo(options));
}
