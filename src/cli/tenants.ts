import type { Command } from 'commander';
import type { Tenant } from '../core/key.js';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { type LimitOptions, limitsFrom, placeOptions } from './limits.js';
import { printJson, printTable } from './output.js';

/** `keyward tenants`: customer organisations and the places of all their keys. */
export function tenantCommands(program: Command): void {
  const tenants = program
    .command('tenants')
    .description('organisations, and places that hold for all their keys');
  remoteCommand(tenants, 'list', 'list tenants').action(async (options: RemoteOptions) => {
    const { tenants: all } = await connect(options).get<{ tenants: Tenant[] }>('/v1/tenants');
    if (options.json) return printJson(all);
    printTable(
      ['ID', 'NAME', 'LOCATIONS'],
      all.map(({ id, name, locations }) => [
        id,
        name,
        locations === undefined ? 'everywhere' : JSON.stringify(locations),
      ]),
      'There are no tenants.',
    );
  });
  placeOptions(remoteCommand(tenants, 'set <id>', 'create or replace a tenant'))
    .requiredOption('--name <name>')
    .option('--force', 'even if a key would be refused where it was last used')
    .action(async (id: string, options: RemoteOptions & LimitOptions & { name: string; force?: boolean }) => {
      const { name, force } = options;
      const locations = limitsFrom(options)?.locations;
      const pathname = `/v1/tenants/${encodeURIComponent(id)}${force ? '?force=true' : ''}`;
      const tenant = await connect(options).put<Tenant>(pathname, { name, locations });
      if (options.json) printJson(tenant);
      else console.log(`Tenant ${tenant.id} is set.`);
    });
  remoteCommand(tenants, 'remove <id>', 'remove a tenant without keys').action(
    async (id: string, options: RemoteOptions) => {
      await connect(options).delete(`/v1/tenants/${encodeURIComponent(id)}`);
      if (options.json) printJson({ removed: id });
      else console.log(`Tenant ${id} is removed.`);
    },
  );
}
