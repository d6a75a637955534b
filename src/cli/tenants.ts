import type { Command } from 'commander';
import type { Tenant, TenantContacts } from '../core/key.js';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { gather } from './input.js';
import { type LimitOptions, limitsFrom, placeOptions } from './limits.js';
import { printJson, printTable } from './output.js';

interface TenantOptions {
  readonly name: string;
  readonly force?: boolean;
  readonly email?: string[];
  readonly webhook?: string[];
}

/** `https://host/path=old,new`: what stands behind the last `=` names the secrets. */
function contactsFrom({ email, webhook }: TenantOptions): TenantContacts | undefined {
  if (email === undefined && webhook === undefined) return undefined;
  const webhooks = (webhook ?? []).map((text) => {
    const at = text.lastIndexOf('=');
    return { url: text.slice(0, at), secrets: at === -1 ? [] : text.slice(at + 1).split(',') };
  });
  return { emails: email ?? [], webhooks };
}

/** `keyward tenants`: customer organisations and the places of all their keys. */
export function tenantCommands(program: Command): void {
  const tenants = program
    .command('tenants')
    .description('organisations, and places that hold for all their keys');
  remoteCommand(tenants, 'list', 'list tenants').action(async (options: RemoteOptions) => {
    const { tenants: all } = await connect(options).get<{ tenants: Tenant[] }>('/v1/tenants');
    if (options.json) return printJson(all);
    printTable(
      ['ID', 'NAME', 'LOCATIONS', 'CONTACTS'],
      all.map(({ id, name, locations, contacts }) => [
        id,
        name,
        locations === undefined ? 'everywhere' : JSON.stringify(locations),
        [...(contacts?.emails ?? []), ...(contacts?.webhooks ?? []).map(({ url }) => url)].join(', '),
      ]),
      'There are no tenants.',
    );
  });
  placeOptions(remoteCommand(tenants, 'set <id>', 'create or replace a tenant'))
    .requiredOption('--name <name>')
    .option('--email <address>', 'is told of incidents; can be repeated', gather)
    .option('--webhook <url=secret>', 'the same, signed with a sealed credential for @webhooks', gather)
    .option('--force', 'even if a key would be refused where it was last used')
    .action(async (id: string, options: RemoteOptions & LimitOptions & TenantOptions) => {
      const { name, force } = options;
      const locations = limitsFrom(options)?.locations;
      const pathname = `/v1/tenants/${encodeURIComponent(id)}${force ? '?force=true' : ''}`;
      const tenant = await connect(options).put<Tenant>(pathname, {
        ...{ name, locations, contacts: contactsFrom(options) },
      });
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
