import path from 'node:path';
import type { Command } from 'commander';
import { Operators } from '../admin/operators.js';
import { loadConfig } from '../config/load.js';
import { openJournal } from '../journal/writer.js';
import { Acts } from '../keys/acts.js';
import { Fingerprints } from '../keys/fingerprint.js';
import { loadSecret, loadSigningKey } from '../keys/secrets.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { AdminClient, connect, loginUrl, type RemoteOptions, remoteCommand, saveLogin } from './client.js';
import { readSecret } from './input.js';
import { printJson, printSecret, printTable } from './output.js';
import type { OperatorView } from './views.js';

/** `keyward operators` and `keyward login`: who may administer the guard. */
export function operatorCommands(program: Command): void {
  remoteCommand(program, 'login', 'keep the address and an operator token for later commands').action(
    async (options: RemoteOptions) => {
      const login = { url: loginUrl(options), token: await readSecret('Operator token') };
      const self = await new AdminClient(login).get<OperatorView>('/v1/operators/self');
      const file = saveLogin(login);
      if (options.json) printJson({ ...self, file });
      else console.log(`Logged in at ${login.url} as ${self.name} (${self.role}); kept in ${file}.`);
    },
  );
  const operators = program.command('operators').description('who may use the admin API');
  remoteCommand(operators, 'list', 'list operators').action(async (options: RemoteOptions) => {
    const { operators: all } = await connect(options).get<{ operators: OperatorView[] }>('/v1/operators');
    if (options.json) return printJson(all);
    printTable(
      ['ID', 'NAME', 'ROLE', 'ADDED', 'REVOKED'],
      all.map(({ id, name, role, createdAt, revokedAt }) => [id, name, role, createdAt, revokedAt ?? '']),
      'There are no operators.',
    );
  });
  remoteCommand(operators, 'add <name>', 'add an operator; prints the token once')
    .option('--role <role>', 'admin, or viewer: reads only', 'viewer')
    .action(async (name: string, options: RemoteOptions & { role: string }) => {
      const { role } = options;
      const added = await connect(options).post<{ operator: OperatorView; token: string }>('/v1/operators', {
        ...{ name, role },
      });
      if (options.json) printJson(added);
      else printSecret(`Token of ${added.operator.name} (${added.operator.role}).`, added.token);
    });
  remoteCommand(operators, 'revoke <id>', 'revoke the token of an operator, by id or name').action(
    async (id: string, options: RemoteOptions) => {
      const operator = await connect(options).post<OperatorView>(
        `/v1/operators/${encodeURIComponent(id)}/revoke`,
      );
      if (options.json) printJson(operator);
      else console.log(`The token of ${operator.name} is revoked.`);
    },
  );
  operators
    .command('recover <name>')
    .description('add an admin on the machine itself, with the guard stopped: when every token is lost')
    .requiredOption('-c, --config <file>', 'configuration file of the guard')
    .action((name: string, options: { config: string }) => recover(name, options.config));
}

/** Needs nothing but the files: whoever can read the secrets of the guard owns it anyway. */
async function recover(name: string, configFile: string): Promise<void> {
  const { dataDir, secrets } = loadConfig(configFile);
  const file = (of: string) => ({ file: path.join(dataDir, 'secrets', of) });
  const journal = await openJournal({
    dir: path.join(dataDir, 'journal'),
    privateKey: loadSigningKey(secrets.journalKey ?? file('journal-key.pem'), 'secrets.journalKey'),
    worker: false,
  });
  const store = EmbeddedStore.open(path.join(dataDir, 'store'));
  try {
    const operators = new Operators({
      store,
      acts: new Acts(journal, Date.now),
      fingerprints: new Fingerprints(loadSecret(secrets.pepper ?? file('pepper'), 'secrets.pepper')),
    });
    const { token } = await operators.add('recovery', name, 'admin');
    printSecret(`Token of ${name} (admin).`, token);
  } finally {
    await journal.close();
    await store.close();
  }
}
