import type { Command } from 'commander';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { readSecret } from './input.js';
import { printJson, printTable } from './output.js';
import type { SealedView } from './views.js';

/** `keyward sealed`: credentials of upstreams that callers never see. */
export function sealedCommands(program: Command): void {
  const sealed = program.command('sealed').description('upstream credentials that Keyward holds and injects');
  remoteCommand(sealed, 'list', 'list them, without their secrets').action(async (options: RemoteOptions) => {
    const { sealed: all } = await connect(options).get<{ sealed: SealedView[] }>('/v1/sealed');
    if (options.json) return printJson(all);
    printTable(
      ['NAME', 'UPSTREAM', 'HEADER', 'VALUE', 'SEALED', 'MASTER KEY'],
      all.map((each) => [
        each.name,
        each.upstream,
        each.header,
        each.template.replace('{secret}', '•••'),
        each.createdAt,
        each.masterKeyId,
      ]),
      'There are no sealed credentials.',
    );
  });
  remoteCommand(sealed, 'set <name>', 'seal a credential, or replace it; reads it from standard input')
    .requiredOption('--upstream <name>', 'the upstream it opens')
    .requiredOption('--header <name>', 'header it is sent in, like Authorization')
    .option('--template <text>', 'value of the header, like "Bearer {secret}"', '{secret}')
    .action(
      async (
        name: string,
        options: RemoteOptions & { upstream: string; header: string; template: string },
      ) => {
        const secret = await readSecret('Credential of the upstream');
        const { upstream, header, template } = options;
        const set = await connect(options).put<SealedView>(`/v1/sealed/${encodeURIComponent(name)}`, {
          ...{ upstream, header, template, secret },
        });
        if (options.json) printJson(set);
        else console.log(`${set.name} is sealed.`);
      },
    );
  remoteCommand(sealed, 'remove <name>', 'remove one that no key uses').action(
    async (name: string, options: RemoteOptions) => {
      await connect(options).delete(`/v1/sealed/${encodeURIComponent(name)}`);
      if (options.json) printJson({ removed: name });
      else console.log(`${name} is removed.`);
    },
  );
  remoteCommand(sealed, 'rewrap', 'wrap all under the master key in use').action(
    async (options: RemoteOptions) => {
      const result = await connect(options).post<{ wrapped: number }>('/v1/sealed/rewrap');
      if (options.json) printJson(result);
      else console.log(`${result.wrapped} wrapped under the master key in use.`);
    },
  );
}
