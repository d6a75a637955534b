import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { catalogCommands } from './catalog.js';
import { drillCommand } from './drill.js';
import { EffectsFault } from './effects.js';
import { report } from './errors.js';
import type { GatewayCommand } from './gateway.js';
import { holdCommands } from './holds.js';
import { incidentCommands } from './incidents.js';
import { parsePort } from './input.js';
import { journalCommands } from './journal.js';
import { keyCommands } from './keys.js';
import { noticeCommands } from './notices.js';
import { operatorCommands } from './operators.js';
import { receiptCommands } from './receipts.js';
import { scanCommand } from './scan.js';
import { sealedCommands } from './sealed.js';
import { systemCommands } from './system.js';
import { tenantCommands } from './tenants.js';

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, found: 3 } as const;

/** Runs the command line; returns the exit code. The guard is loaded only where it is started. */
export async function runCli(argv: readonly string[]): Promise<number> {
  // Whoever reads may stop reading (`| head`): that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
  });
  const program = new Command('keyward')
    .description('The guard for privileged API keys.')
    .version(version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 found what journal effects looks for.',
    )
    .exitOverride()
    .showHelpAfterError();
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
  keyCommands(program);
  receiptCommands(program);
  tenantCommands(program);
  sealedCommands(program);
  operatorCommands(program);
  holdCommands(program);
  incidentCommands(program);
  drillCommand(program);
  noticeCommands(program);
  journalCommands(program);
  catalogCommands(program);
  scanCommand(program);
  systemCommands(program);
  try {
    await program.parseAsync(argv as string[]);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    report(error);
    return error instanceof EffectsFault ? EXIT.found : EXIT.failed;
  }
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
