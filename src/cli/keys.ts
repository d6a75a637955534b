import type { Command } from 'commander';
import { counted } from '../core/counted.js';
import { findKeys, type SearchReport } from '../leaks/find.js';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { gather, parseCount, parseSpan, parseTime, readSecret } from './input.js';
import { type LimitOptions, limitOptions, limitsFrom } from './limits.js';
import { ago, printFacts, printJson, printSecret, printTable } from './output.js';
import { printable } from './printable.js';
import { revocationSummary } from './receipts.js';
import type { IssuedView, KeyView, ReceiptView } from './views.js';

interface IssueOptions extends RemoteOptions, LimitOptions {
  readonly name: string;
  readonly tenant?: string;
  readonly principal?: string;
  readonly env?: string;
  readonly upstream?: string[];
  readonly sealed?: string;
  readonly issuedWith?: string;
  readonly expires?: string;
  readonly idle?: number;
}

/** `keyward keys`: the life of keys. */
export function keyCommands(program: Command): void {
  const keys = program.command('keys').description('issue, limit, rotate and revoke keys');
  listing(keys);
  creating(keys);
  changing(keys);
  ending(keys);
  searching(keys);
}

/** Exit code 1 says that there were keys. */
class FoundFault extends Error {
  override readonly name = 'FoundFault';
}

function searching(keys: Command): void {
  keys
    .command('scan <path>')
    .description('find keys of this format, by their checksum, in files and git history; offline')
    .option('--no-history', 'only the files as they are')
    .option('--json', 'one finding a line')
    .action(async (from: string, { history, json }: { history: boolean; json?: boolean }) => {
      const report: SearchReport = { files: 0, blobs: 0, unreadable: [] };
      let count = 0;
      for await (const { where, line, env, id } of findKeys(from, report, history)) {
        count += 1;
        // Never the key itself: the output may end in a log of its own.
        console.log(
          json ? JSON.stringify({ where, line, env, id }) : printable(`${where}:${line}: key ${id} (${env})`),
        );
      }
      for (const file of report.unreadable) console.error(printable(`${file}: cannot be read`));
      console.error(
        `Looked at ${counted(report.files, 'file')} and ${counted(report.blobs, 'version')} in the history.`,
      );
      if (count > 0)
        throw new FoundFault(
          `${counted(count, 'key')} found. Revoke ${count === 1 ? 'it' : 'them'}: keyward keys revoke ID --why leaked.`,
        );
    });
}

function listing(keys: Command): void {
  remoteCommand(keys, 'list', 'list keys with their state and last use')
    .option('--tenant <id>')
    .option('--principal <id>')
    .option('--state <state>', 'active, frozen, suspended, revoked, rotated, overlapping or expired')
    .option('--after <id>', 'go on after this key')
    .option('--limit <n>', 'at most so many', parseCount, 100)
    .action(async ({ url, json, ...query }: RemoteOptions & Record<string, string>) => {
      const page = await connect({ url }).get<{ keys: KeyView[]; next?: string }>('/v1/keys', query);
      if (json) return printJson(page);
      printTable(
        ['ID', 'NAME', 'TENANT', 'PRINCIPAL', 'STATE', 'LAST USED', 'FROM', 'CLIENT'],
        page.keys.map((key) => [
          key.id,
          key.name,
          key.tenant,
          key.principal,
          key.state,
          ago(key.usage.lastUsedAt),
          key.usage.lastAddress ?? '',
          (key.usage.lastUserAgent ?? '').slice(0, 32),
        ]),
        'There is no such key.',
      );
      if (page.next !== undefined) console.log(`More: --after ${page.next}`);
    });
  remoteCommand(keys, 'show <id>', 'show one key').action(async (id: string, options: RemoteOptions) => {
    const key = await connect(options).get<KeyView>(`/v1/keys/${encodeURIComponent(id)}`);
    if (options.json) printJson(key);
    else printKey(key);
  });
  remoteCommand(keys, 'usage', 'last use by tenant or principal')
    .option('--by <what>', 'tenant or principal', 'tenant')
    .action(async (options: RemoteOptions & { by: string }) => {
      type Row = { id: string; keys: number; usage: KeyView['usage']; lastKey?: string };
      const { rows } = await connect(options).get<{ rows: Row[] }>('/v1/usage', { by: options.by });
      if (options.json) return printJson(rows);
      printTable(
        [options.by.toUpperCase(), 'KEYS', 'ACCEPTED', 'REFUSED', 'LAST USED', 'KEY', 'FROM', 'CLIENT'],
        rows.map(({ id, keys: count, usage, lastKey }) => [
          id,
          String(count),
          String(usage.accepted),
          String(usage.refused),
          ago(usage.lastUsedAt),
          lastKey ?? '',
          usage.lastAddress ?? '',
          (usage.lastUserAgent ?? '').slice(0, 32),
        ]),
        'There are no keys.',
      );
    });
}

function identityOptions(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'what it is for')
    .option('--tenant <id>', 'organisation that owns it')
    .option('--principal <id>', 'person, service account or script that uses it')
    .option('--expires <time>', 'when it ends', (text) => parseTime(text))
    .option('--idle <span>', 'ends when unused for so long, like 30d', parseSpan);
}

function inputOf(options: IssueOptions) {
  const { name, tenant, principal, env, upstream, sealed, issuedWith, expires, idle } = options;
  return {
    ...{ name, tenant, principal, env, upstreams: upstream, sealed, issuedWith, expires },
    idleSeconds: idle,
    limits: limitsFrom(options),
  };
}

function creating(keys: Command): void {
  limitOptions(identityOptions(remoteCommand(keys, 'issue', 'issue a key; prints it once')))
    .option('--env <env>', 'environment in its text (default: live)')
    .option('--upstream <name>', 'upstream it opens; repeatable (default: all)', gather)
    .option('--sealed <name>', 'sealed upstream credential to send in its place')
    .option('--issued-with <id>', 'key that it was asked for with: suspect together with it')
    .action(async (options: IssueOptions) => {
      printIssued(await connect(options).post<IssuedView>('/v1/keys', inputOf(options)), options);
    });
  limitOptions(
    identityOptions(remoteCommand(keys, 'import', 'take over a key of another system by its hash')),
  )
    .requiredOption('--algorithm <name>', 'sha256 or sha512')
    .requiredOption('--hash <hex>', 'digest of the key')
    .option('--upstream <name>', 'upstream it opens; repeatable (default: all)', gather)
    .action(async (options: IssueOptions & { algorithm: string; hash: string }) => {
      const { algorithm, hash } = options;
      const key = await connect(options).post<KeyView>('/v1/keys/import', {
        ...{ ...inputOf(options), algorithm, hash },
      });
      if (options.json) printJson(key);
      else printKey(key);
    });
  limitOptions(
    identityOptions(
      remoteCommand(keys, 'register', "make a key of the upstream's own known; reads it from standard input"),
    ),
  )
    .requiredOption('--upstream <name>', 'the upstream that issued it')
    .action(async (options: Omit<IssueOptions, 'upstream'> & { upstream: string }) => {
      const credential = await readSecret('Key of the upstream');
      const { upstream } = options;
      const { upstreams: _u, sealed: _s, env: _e, ...input } = inputOf({ ...options, upstream: undefined });
      const key = await connect(options).post<KeyView>('/v1/keys/register', {
        ...input,
        upstream,
        credential,
      });
      if (options.json) printJson(key);
      else printKey(key);
    });
}

function changing(keys: Command): void {
  limitOptions(remoteCommand(keys, 'change <id>', 'change a key; limits are replaced as a whole'))
    .option('--name <name>')
    .option('--tenant <id>')
    .option('--principal <id>')
    .option('--upstream <name>', 'repeatable', gather)
    .option('--expires <time>', 'when it ends; never removes it', (text) =>
      text === 'never' ? null : parseTime(text),
    )
    .option('--idle <span>', 'never removes it', (text) => (text === 'never' ? null : parseSpan(text)))
    .option('--no-limits', 'remove all limits')
    .option('--force', 'even if it would be refused where it was last used')
    .action(async (id: string, options: ChangeOptions) => {
      const { name, tenant, principal, upstream, expires, idle, force } = options;
      const limits =
        options.limits === false ? {} : limitsFrom({ ...options, limits: textOnly(options.limits) });
      const query = force ? '?force=true' : '';
      const key = await connect(options).patch<KeyView>(`/v1/keys/${encodeURIComponent(id)}${query}`, {
        ...{ name, tenant, principal, upstreams: upstream, expires, idleSeconds: idle, limits },
      });
      if (options.json) printJson(key);
      else printKey(key);
    });
  remoteCommand(keys, 'rotate <id>', 'replace a key by a new one with the same limits; prints it once')
    .option(
      '--overlap <span>',
      'how long both work, like 24h (default: the old one ends at once)',
      parseSpan,
      0,
    )
    .action(async (id: string, options: RemoteOptions & { overlap: number }) => {
      printIssued(
        await connect(options).post<IssuedView>(`/v1/keys/${encodeURIComponent(id)}/rotate`, {
          overlapSeconds: options.overlap,
        }),
        options,
      );
    });
}

interface ChangeOptions extends RemoteOptions, Omit<LimitOptions, 'limits'> {
  readonly name?: string;
  readonly tenant?: string;
  readonly principal?: string;
  readonly upstream?: string[];
  readonly expires?: string | null;
  readonly idle?: number | null;
  readonly limits?: string | boolean;
  readonly force?: boolean;
}

/** Commander gives true for the absent negatable option. */
function textOnly(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function ending(keys: Command): void {
  remoteCommand(keys, 'suspend <id>', 'refuse a key until it is resumed')
    .requiredOption('--why <text>', 'reason, kept in the journal')
    .action(async (id: string, options: RemoteOptions & { why: string }) => {
      const { why } = options;
      const key = await connect(options).post<KeyView>(`/v1/keys/${encodeURIComponent(id)}/suspend`, { why });
      if (options.json) printJson(key);
      else console.log(`${key.id} (${key.name}) is ${key.state}.`);
    });
  remoteCommand(keys, 'revoke <id...>', 'refuse keys for good, all or none; their tombstones stay')
    .requiredOption('--why <text>', 'reason, kept in the journal')
    .action(async (ids: string[], options: RemoteOptions & { why: string }) => {
      const { why } = options;
      const client = connect(options);
      const { receipts } = await client.post<{ receipts: ReceiptView[] }>('/v1/keys/revoke', {
        keys: ids,
        why,
      });
      if (options.json) printJson(receipts);
      else for (const receipt of receipts) console.log(revocationSummary(receipt));
    });
  remoteCommand(keys, 'resume <id>', 'let a suspended key work again').action(
    async (id: string, options: RemoteOptions) => {
      const key = await connect(options).post<KeyView>(`/v1/keys/${encodeURIComponent(id)}/resume`);
      if (options.json) printJson(key);
      else console.log(`${key.id} (${key.name}) is ${key.state}.`);
    },
  );
}

function printIssued(issued: IssuedView, options: RemoteOptions): void {
  if (options.json) printJson(issued);
  else printSecret(`Key ${issued.key.id} (${issued.key.name}).`, issued.credential);
  warn(issued.key);
}

/** On standard error: what is piped is the credential. */
function warn({ unmatched = [] }: KeyView): void {
  for (const rule of unmatched)
    console.error(`Warning: no catalog has an operation that ${printable(rule)} names: is it misspelt?`);
}

function printKey(key: KeyView): void {
  const { usage } = key;
  const act = (event: { at: string; by: string; why: string } | undefined) =>
    event === undefined ? undefined : `${event.at} by ${event.by}: ${event.why}`;
  printFacts([
    ['id', key.id],
    ['name', key.name],
    ['kind', key.kind],
    ['state', key.state],
    ['tenant', key.tenant],
    ['principal', key.principal],
    ['upstreams', key.upstreams.length === 0 ? 'all' : key.upstreams.join(', ')],
    ['sealed', key.sealed],
    ['created', `${key.createdAt} by ${key.createdBy}`],
    ['expires', key.expiresAt],
    ['idle expiry', key.idleSeconds === undefined ? undefined : `${key.idleSeconds} s without use`],
    ['suspended', act(key.suspended)],
    ['revoked', act(key.revoked)],
    ['replaces', key.replaces],
    [
      'replaced',
      key.replaced === undefined
        ? undefined
        : `by ${key.replaced.by}; both work until ${key.replaced.overlapUntil}; used ${counted(usage.acceptedSinceReplaced ?? 0, 'time')} since`,
    ],
    ['limits', Object.keys(key.limits).length === 0 ? 'none' : JSON.stringify(key.limits)],
    ['accepted', String(usage.accepted)],
    ['last used', lastUse(usage.lastUsedAt, usage.lastAddress, usage.lastUserAgent)],
    ['operation', usage.lastOperation],
    ['refused', String(usage.refused)],
    ['last refused', lastUse(usage.lastRefusedAt, usage.lastRefusedAddress, usage.lastRefusedUserAgent)],
    ['quota used', usage.quotaUsed === undefined ? undefined : `${usage.quotaUsed} in ${usage.quotaPeriod}`],
  ]);
  warn(key);
}

function lastUse(at?: string, address?: string, client?: string): string | undefined {
  return at === undefined
    ? undefined
    : `${at} (${ago(at)}) from ${address} by ${client || 'an unnamed client'}`;
}
