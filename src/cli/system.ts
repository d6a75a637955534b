import type { Command } from 'commander';
import { stringify } from 'yaml';
import { loadConfig } from '../config/load.js';
import { configJsonSchema } from '../config/reference.js';
import { counted } from '../core/counted.js';
import { loadTemplates } from '../notices/templates.js';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { parseTime, readDocument } from './input.js';
import { type LimitOptions, limitOptions, limitsFrom } from './limits.js';
import { ago, printFacts, printJson, printTable } from './output.js';
import type { AppliedView, DryRunView, StatusView } from './views.js';

/** `keyward status`, `config`, `export`, `import` and `dry-run`: the guard as a whole. */
export function systemCommands(program: Command): void {
  remoteCommand(program, 'status', 'what runs, and how it is').action(async (options: RemoteOptions) => {
    const status = await connect(options).get<StatusView>('/v1/status');
    if (options.json) printJson(status);
    else printStatus(status);
  });
  configCommands(program.command('config').description('check, reload and describe the configuration'));
  remoteCommand(program, 'export', 'write tenants and keys as YAML, without secrets, for git').action(
    async (options: RemoteOptions) => {
      const manifest = await connect(options).get('/v1/manifest');
      if (options.json) printJson(manifest);
      else process.stdout.write(stringify(manifest));
    },
  );
  remoteCommand(program, 'import <file>', 'make tenants and keys as a manifest says; - reads standard input')
    .option('--dry-run', 'only say what would change')
    .option('--prune', 'revoke keys that the manifest does not name')
    .action(async (file: string, options: RemoteOptions & { dryRun?: boolean; prune?: boolean }) => {
      const query = `?dryRun=${options.dryRun === true}&prune=${options.prune === true}`;
      const applied = await connect(options).post<AppliedView>(`/v1/manifest${query}`, readDocument(file));
      if (options.json) printJson(applied);
      else printApplied(applied, options.dryRun === true);
    });
  dryRunCommand(program);
}

function configCommands(config: Command): void {
  config
    .command('validate <file>')
    .description('say everything that is wrong with a configuration, or that nothing is')
    .action((file: string) => {
      const { listeners, upstreams, notices } = loadConfig(file);
      loadTemplates(notices.templates);
      console.log(`${file} is valid: ${listeners.length} listeners, ${upstreams.length} upstreams.`);
    });
  config
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => printJson(configJsonSchema()));
  remoteCommand(config, 'reload', 'read the configuration again and put it in force').action(
    async (options: RemoteOptions) => {
      const { changed } = await connect(options).post<{ changed: string[] }>('/v1/config/reload');
      if (options.json) printJson({ changed });
      else console.log(changed.length === 0 ? 'Nothing changed.' : `Changed: ${changed.join(', ')}.`);
    },
  );
}

function dryRunCommand(program: Command): void {
  limitOptions(remoteCommand(program, 'dry-run', 'which past requests other limits would have refused'))
    .option('--key <id>', 'limits of this key')
    .option('--tenant <id>', 'places of this tenant')
    .option('--upstream <name>', 'places of this upstream')
    .option('--gateway <name>', 'requests at this gateway (default: at the control process)')
    .option('--since <time>', 'like monday, 7d or 2026-11-24T08:00:00Z', (text) => parseTime(text))
    .option('--until <time>', 'exclusive', (text) => parseTime(text))
    .action(async (options: DryRunOptions) => {
      const scopes = (['key', 'tenant', 'upstream'] as const).filter((each) => options[each] !== undefined);
      const [scope] = scopes;
      if (scope === undefined || scopes.length > 1)
        throw new Error('Name one of --key, --tenant and --upstream.');
      const limits = limitsFrom(options);
      if (limits === undefined) throw new Error('Say which limits to try, for example --from DE.');
      const id = options[scope] as string;
      const { since, until, gateway } = options;
      const result = await connect(options).post<DryRunView>('/v1/dry-run', {
        ...{ scope, id, limits, since, until, gateway },
      });
      if (options.json) printJson(result);
      else printDryRun(result, `${scope} ${id}`, since);
    });
}

interface DryRunOptions extends RemoteOptions, LimitOptions {
  readonly key?: string;
  readonly tenant?: string;
  readonly upstream?: string;
  readonly since?: string;
  readonly until?: string;
  readonly gateway?: string;
}

function printDryRun(result: DryRunView, whose: string, since: string | undefined): void {
  const from = since === undefined ? '' : ` since ${since}`;
  console.log(
    `These limits would have refused ${result.wouldRefuse} of ${counted(result.examined, 'request')} of ${whose}${from}.`,
  );
  if (result.wouldRefuse === 0) return;
  for (const [reason, count] of Object.entries(result.byReason)) console.log(`  ${count} ${reason}`);
  console.log();
  printTable(
    ['TIME', 'KEY', 'ADDRESS', 'OPERATION', 'WHY'],
    result.examples.map(({ at, key, address, operation, text }) => [at, key, address, operation, text]),
    '',
  );
}

function printApplied({ changes, credentials, left }: AppliedView, dryRun: boolean): void {
  printTable(
    [dryRun ? 'WOULD' : 'DONE', 'ID', 'NAME'],
    changes.map(({ action, id, name }) => [action, id, name]),
    'Everything is as the manifest says.',
  );
  for (const { id, why } of left) console.log(`Left alone: ${id}, ${why}.`);
  if (credentials.length === 0) return;
  console.error('New keys: they are shown this once.');
  for (const { credential } of credentials) console.log(credential);
}

function printStatus(status: StatusView): void {
  const { journal } = status;
  printFacts([
    ['version', status.version],
    ['started', `${status.startedAt} (${ago(status.startedAt)})`],
    ['ready', status.ready ? 'yes' : `no: ${status.problems.join(' ')}`],
    ...status.listeners.map(
      ({ host, port, tls }) => ['listener', `${host}:${port}${tls ? ' (TLS)' : ''}`] as const,
    ),
    [
      'journal',
      journal.ok
        ? `good, ${counted(journal.entries, 'entry', 'entries')}, ${journal.lagEntries} not on disk yet`
        : `REFUSES: ${journal.problem}; ${counted(journal.lost, 'entry', 'entries')} lost`,
    ],
    ...status.gateways.map(
      ({ name, pid, connected, live }) =>
        [
          'gateway',
          `${name}, process ${pid}, ${live ? 'live' : 'WITHOUT LEASE'}${connected ? '' : ', not connected'}`,
        ] as const,
    ),
    ...status.locations.warnings.map((warning) => ['locations', warning] as const),
  ]);
  printTable(
    ['UPSTREAM', 'HEALTH', 'CONNECTIONS', 'WAITING', 'WITHOUT JOURNAL'],
    status.upstreams.map(({ name, healthy, open, waiting, failPolicy }) => [
      name,
      healthy ? 'up' : 'DOWN',
      String(open),
      String(waiting),
      failPolicy === 'closed' ? 'refuses all' : 'goes on with privilege 0 to 2',
    ]),
    '',
  );
}
