import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { EffectsFault } from './effects-fault.js';
import { report } from './errors.js';

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, found: 3 } as const;

/** Runs the command line; returns the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const program = await programFor(argv[2]);
    await program.parseAsync(argv as string[]);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    report(error);
    return error instanceof EffectsFault ? EXIT.found : EXIT.failed;
  }
}

type Register = (program: Command) => void;

/** Commands by the module that has them, in the order in which help lists them. */
const GROUPS: readonly (readonly [names: readonly string[], load: () => Promise<Register>])[] = [
  [['up', 'gateway', 'quickstart', 'demo'], async () => (await import('./servers.js')).serverCommands],
  [['keys'], async () => (await import('./keys.js')).keyCommands],
  [['receipts'], async () => (await import('./receipts.js')).receiptCommands],
  [['tenants'], async () => (await import('./tenants.js')).tenantCommands],
  [['sealed'], async () => (await import('./sealed.js')).sealedCommands],
  [['login', 'operators'], async () => (await import('./operators.js')).operatorCommands],
  [['holds', 'baseline'], async () => (await import('./holds.js')).holdCommands],
  [['incidents', 'contain'], async () => (await import('./incidents.js')).incidentCommands],
  [['drill'], async () => (await import('./drill.js')).drillCommand],
  [['notices'], async () => (await import('./notices.js')).noticeCommands],
  [['journal'], async () => (await import('./journal.js')).journalCommands],
  [['catalog'], async () => (await import('./catalog.js')).catalogCommands],
  [['scan'], async () => (await import('./scan.js')).scanCommand],
  [
    ['status', 'config', 'export', 'import', 'dry-run'],
    async () => (await import('./system.js')).systemCommands,
  ],
];

/** The command line as far as the command needs it: reading all of its modules takes longer than most commands. */
export async function programFor(command: string | undefined): Promise<Command> {
  const program = new Command('keyward')
    .description('The guard for privileged API keys.')
    .version(version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 found what journal effects looks for.',
    )
    .exitOverride()
    .showHelpAfterError();
  const wanted = GROUPS.filter(([names]) => command !== undefined && names.includes(command));
  for (const [, load] of wanted.length > 0 ? wanted : GROUPS) (await load())(program);
  return program;
}
