import type { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { counted } from '../core/counted.js';
import { parseCount } from './input.js';
import { printJson } from './output.js';

interface DrillOptions {
  readonly config: string;
  readonly keys: number;
  readonly enforce?: boolean;
  readonly json?: boolean;
}

/** The exercise showed a hole: exit code 1. */
class DrillFault extends Error {
  override readonly name = 'DrillFault';
}

/** `keyward drill`: so that an operator knows before the day comes. */
export function drillCommand(program: Command): void {
  program
    .command('drill')
    .description('steal keys on a copy of the guard, and see how soon that is noticed, contained and told')
    .requiredOption('-c, --config <file>', 'configuration file (YAML); the guard may go on running')
    .option('--keys <n>', 'keys to steal', parseCount, 3)
    .option('--enforce', 'hold what is odd, whatever the configured mode')
    .option('--json', 'the report as JSON, for programs')
    .action(async ({ config, keys, enforce = false, json }: DrillOptions) => {
      const { drill } = await import('../drill/drill.js');
      const say = (line: string) => (json ? undefined : console.log(line));
      const report = await drill(loadConfig(config), { keys, enforce, say });
      if (json) printJson(report);
      if (report.acceptedAfter > 0)
        throw new DrillFault(`${counted(report.acceptedAfter, 'call')} with revoked keys got through.`);
      if (report.found < report.keys.length)
        throw new DrillFault(
          `${report.keys.length - report.found} of the ${report.keys.length} stolen keys were not found by themselves.`,
        );
    });
}
