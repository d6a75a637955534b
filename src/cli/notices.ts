import type { Command } from 'commander';
import { verifyNotice } from '../notices/sign.js';
import { type AdminClient, connect, type RemoteOptions, remoteCommand } from './client.js';
import { parseCount, readDocument, readText } from './input.js';
import { ago, printFacts, printJson, printTable } from './output.js';
import { printable } from './printable.js';
import type { DeliveryView, NoticePreview, NoticeView } from './views.js';

interface Where extends RemoteOptions {
  readonly incident?: string;
  readonly tenant?: string;
  readonly state?: string;
}

/** `keyward notices`: what tenants are told of incidents, and whether it arrived. */
export function noticeCommands(program: Command): void {
  const notices = program.command('notices').description('signed notices to tenants, and their delivery');
  readingCommands(notices);
  publicKeyCommand(notices);
  decidingCommands(notices);
  deliveryCommands(notices);
  notices
    .command('verify <file>')
    .description('check a notice file, offline; - reads standard input')
    .option('--public-key <key>', 'the key that you noted before the notice came')
    .option('--json', 'the signed document as JSON, for programs')
    .action((file: string, options: { publicKey?: string; json?: boolean }) => verify(file, options));
}

function pathOf(id: string, rest = ''): string {
  return `/v1/notices/${encodeURIComponent(id)}${rest}`;
}

async function find(client: AdminClient, { incident, tenant, state }: Where): Promise<NoticeView[]> {
  return (await client.get<{ notices: NoticeView[] }>('/v1/notices', { incident, tenant, state })).notices;
}

function readingCommands(notices: Command): void {
  remoteCommand(notices, 'list', 'list notices, newest first')
    .option('--incident <id>')
    .option('--tenant <id>')
    .option('--state <state>', 'draft, approved, delivering, delivered, failed or withdrawn')
    .action(async (options: Where) => {
      const all = await find(connect(options), options);
      if (options.json) return printJson(all);
      printTable(
        ['ID', 'INCIDENT', 'TENANT', 'KIND', 'STATE', 'KEYS', 'DELIVERED', 'DRAFTED', 'PROBLEM'],
        all.map((each) => [
          ...[each.id, each.incident, each.tenant, each.kind, each.state, String(each.keys.length)],
          `${each.deliveries.filter(({ state }) => state === 'delivered').length}/${each.deliveries.length}`,
          ...[ago(each.draftedAt), each.problem ?? ''],
        ]),
        'There are no notices.',
      );
    });
  remoteCommand(notices, 'show <id>', 'show a notice and its deliveries').action(
    async (id: string, options: RemoteOptions) => {
      const notice = await connect(options).get<NoticeView>(pathOf(id));
      if (options.json) return printJson(notice);
      printFacts([
        ['notice', notice.id],
        ['incident', notice.incident],
        ['tenant', notice.tenant],
        ['kind', notice.kind],
        ['state', notice.state],
        ['keys', notice.keys.join(', ')],
        ['drafted', `${notice.draftedAt} by ${notice.draftedBy}`],
        ['approved', notice.approved && `${notice.approved.at} by ${notice.approved.by}`],
        [
          'withdrawn',
          notice.withdrawn && `${notice.withdrawn.at} by ${notice.withdrawn.by}: ${notice.withdrawn.why}`,
        ],
        ['codes', notice.codes === 0 ? undefined : String(notice.codes)],
        ['would go to', notice.recipients.map(({ recipient }) => recipient).join(', ') || undefined],
        ['problem', notice.problem],
      ]);
      if (notice.deliveries.length > 0) printDeliveries(notice.deliveries);
    },
  );
  remoteCommand(notices, 'preview <id>', 'print the text as it would go out, or as it went out')
    .option('--codes', 'as it is with one-time codes for replacement keys')
    .action(async (id: string, options: RemoteOptions & { codes?: boolean }) => {
      const query = { codes: String(options.codes === true) };
      const preview = await connect(options).get<NoticePreview>(pathOf(id, '/preview'), query);
      if (options.json) return printJson(preview);
      console.log(`Subject: ${printable(preview.subject)}\n`);
      printText(preview.text);
    });
  remoteCommand(notices, 'file <id>', 'print the signed file of an approved notice').action(
    async (id: string, options: RemoteOptions) => printJson(await connect(options).get(pathOf(id, '/file'))),
  );
}

function publicKeyCommand(notices: Command): void {
  remoteCommand(
    notices,
    'public-key',
    'print the key that tenants note before they ever get a notice',
  ).action(async (options: RemoteOptions) => {
    const key = await connect(options).get<{ publicKey: string }>('/v1/notice-key');
    if (options.json) printJson(key);
    else console.log(key.publicKey);
  });
}

function decidingCommands(notices: Command): void {
  remoteCommand(
    notices,
    'draft <file>',
    'draft notices from a file with {"facts": […]}; - reads standard input',
  ).action(async (file: string, options: RemoteOptions) => {
    const { notices: drafted } = await connect(options).post<{ notices: NoticeView[] }>(
      '/v1/notices',
      readDocument(file),
    );
    if (options.json) printJson(drafted);
    else
      for (const { id, tenant } of drafted) console.log(`Notice ${id} for ${printable(tenant)} is drafted.`);
  });
  remoteCommand(notices, 'approve [ids...]', 'sign notices and send them')
    .option('--incident <id>', 'all drafts of this incident that have recipients')
    .option('--codes', 'with a one-time code for each revoked or rotated key')
    .action(async (ids: string[], options: Where & { codes?: boolean }) => {
      const client = connect(options);
      const drafts =
        options.incident === undefined
          ? []
          : (await find(client, { incident: options.incident, state: 'draft' })).filter(
              ({ problem }) => problem === undefined,
            );
      const all = [...ids, ...drafts.map(({ id }) => id)];
      if (all.length === 0) throw new Error('Name notices to approve, or an incident that has drafts.');
      const approved: NoticeView[] = [];
      for (const id of all) {
        approved.push(
          await client.post<NoticeView>(pathOf(id, '/approve'), { codes: options.codes === true }),
        );
        if (!options.json) console.log(`Notice ${id} is approved.`);
      }
      if (options.json) printJson(approved);
    });
  remoteCommand(notices, 'withdraw <id>', 'send nothing more of a notice, and end its codes')
    .requiredOption('--why <text>')
    .action(async (id: string, options: RemoteOptions & { why: string }) => {
      const notice = await connect(options).post<NoticeView>(pathOf(id, '/withdraw'), { why: options.why });
      if (options.json) return printJson(notice);
      const left = notice.deliveries.filter(
        ({ state }) => state === 'delivered' || state === 'sending',
      ).length;
      console.log(`Notice ${id} is withdrawn${left === 0 ? '' : `; ${left} had left already`}.`);
    });
}

function deliveryCommands(notices: Command): void {
  remoteCommand(notices, 'deliveries', 'where everything that is sent stands')
    .option('--state <state>', 'pending, sending, delivered, failed or cancelled')
    .option('--channel <channel>', 'email, webhook, push or poll')
    .option('--after <id>', 'go on behind this one')
    .option('--limit <n>', 'how many at most', parseCount, 100)
    .action(
      async (
        options: RemoteOptions & { state?: string; channel?: string; after?: string; limit: number },
      ) => {
        const { state, channel, after, limit } = options;
        const page = await connect(options).get<{ deliveries: DeliveryView[]; next?: string }>(
          '/v1/deliveries',
          { state, channel, after, limit },
        );
        if (options.json) return printJson(page);
        printDeliveries(page.deliveries);
        if (page.next !== undefined) console.log(`There are more: --after ${page.next}`);
      },
    );
  remoteCommand(notices, 'retry <delivery>', 'try a failed or waiting delivery now').action(
    async (id: string, options: RemoteOptions) => {
      const delivery = await connect(options).post<DeliveryView>(
        `/v1/deliveries/${encodeURIComponent(id)}/retry`,
      );
      if (options.json) printJson(delivery);
      else console.log(`Delivery ${id} is tried again.`);
    },
  );
}

function printDeliveries(deliveries: readonly DeliveryView[]): void {
  printTable(
    ['DELIVERY', 'CHANNEL', 'TO', 'STATE', 'ATTEMPTS', 'IN DOUBT', 'NEXT', 'PROBLEM'],
    deliveries.map((each) => [
      ...[each.id, each.channel, each.recipient, each.state, String(each.attempts), String(each.inDoubt)],
      ...[each.nextAt ?? '', each.problem ?? ''],
    ]),
    'There are no deliveries.',
  );
}

function printText(text: string): void {
  console.log(text.split('\n').map(printable).join('\n'));
}

function verify(file: string, options: { publicKey?: string; json?: boolean }): void {
  const result = verifyNotice(readText(file), options.publicKey);
  if (!result.ok) throw new Error(`${file} is NOT a notice to trust: ${result.problem}.`);
  if (options.json) return printJson(result.document);
  printText(result.text);
  console.error(
    options.publicKey === undefined
      ? `The file agrees with itself. Whose it is, only its key says: ${result.publicKey} — compare it with the one that you noted.`
      : 'Genuine: signed with the key that you noted.',
  );
}
