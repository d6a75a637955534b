import type { Command } from 'commander';
import { counted } from '../core/counted.js';
import { receiptProblem } from '../keys/receipt.js';
import { connect, type RemoteOptions, remoteCommand } from './client.js';
import { readText } from './input.js';
import { ago, printFacts, printJson, printTable } from './output.js';
import type { ReceiptView } from './views.js';

/** A receipt that does not verify: the exit code says so, the text why. */
class ReceiptFault extends Error {
  override readonly name = 'ReceiptFault';
}

/** `keyward receipts`: what shows that a revoked key is accepted nowhere. */
export function receiptCommands(program: Command): void {
  const receipts = program.command('receipts').description('signed receipts of revocations');
  remoteCommand(receipts, 'list', 'list receipts, newest first')
    .option('--key <id>', 'only the receipt of this key')
    .option('--before <id>', 'go on before this receipt')
    .option('--limit <n>', 'at most so many', '100')
    .action(async ({ url, json, ...query }: RemoteOptions & Record<string, string>) => {
      const page = await connect({ url }).get<{ receipts: ReceiptView[] }>('/v1/receipts', query);
      if (json) return printJson(page.receipts);
      printTable(
        ['ID', 'COMPLETED', 'KEYS', 'BY', 'EXACT', 'GATEWAYS', 'WHY'],
        page.receipts.map((each) => [
          each.id,
          ago(each.completedAt),
          each.keys.length === 1 ? (each.keys[0] as string) : counted(each.keys.length, 'key'),
          each.by,
          each.exact ? 'yes' : 'NO',
          String(each.gateways.length),
          each.why,
        ]),
        'There are no receipts.',
      );
    });
  remoteCommand(receipts, 'show <id>', 'show a receipt; --json gives it as it was signed').action(
    async (id: string, options: RemoteOptions) => {
      const receipt = await connect(options).get<ReceiptView>(`/v1/receipts/${encodeURIComponent(id)}`);
      if (options.json) printJson(receipt);
      else printReceipt(receipt);
    },
  );
  receipts
    .command('verify <file>')
    .description('check the signature of a receipt, offline; - reads standard input')
    .option('--public-key <key>', 'base64url key that must have signed it')
    .action((file: string, { publicKey }: { publicKey?: string }) => verify(file, publicKey));
}

function verify(file: string, publicKey: string | undefined): void {
  let receipt: unknown;
  try {
    receipt = JSON.parse(readText(file));
  } catch (error) {
    throw error instanceof SyntaxError ? new ReceiptFault(`${file} is not JSON.`) : error;
  }
  const problem = receiptProblem(receipt, publicKey);
  if (problem !== undefined) throw new ReceiptFault(`BAD: ${problem}`);
  const by = publicKey === undefined ? 'the key that the receipt itself names' : 'the given key';
  console.log(`good: ${revocationSummary(receipt as ReceiptView)} Signed by ${by}.`);
}

/** One sentence; where it is not exact, that is what it says. */
export function revocationSummary(receipt: ReceiptView): string {
  const { id, keys, gateways, exact, inFlight } = receipt;
  const what = keys.length === 1 ? `${keys[0]} is` : `${counted(keys.length, 'key')} are`;
  const slowest = Math.max(...gateways.map(({ milliseconds }) => milliseconds));
  const where = exact
    ? `refused by ${gateways.length === 1 ? 'the gateway' : `all ${gateways.length} gateways`} since ${receipt.completedAt} (slowest ${slowest.toFixed(1)} ms)`
    : 'NOT SURELY refused everywhere: a gateway goes on without its lease';
  const cut = inFlight.aborted > 0 ? `, ${inFlight.aborted} exchanges cut` : '';
  const left = inFlight.leftRunning > 0 ? `, ${inFlight.leftRunning} exchanges left to finish` : '';
  return `${what} revoked, ${where}${cut}${left}; receipt ${id}.`;
}

function printReceipt(receipt: ReceiptView): void {
  printFacts([
    ['id', receipt.id],
    ['keys', receipt.keys.join(', ')],
    ['by', receipt.by],
    ['why', receipt.why],
    ['requested', receipt.requestedAt],
    ['completed', receipt.completedAt],
    ['exact', receipt.exact ? 'yes' : 'NO: a gateway goes on without its lease'],
    ['in flight', `${receipt.inFlight.leftRunning} left to finish, ${receipt.inFlight.aborted} cut`],
    ['signed by', receipt.publicKey],
  ]);
  printTable(
    ['GATEWAY', 'PROCESS', 'KNOWS SINCE', 'MS', 'LAST ACCEPTED'],
    receipt.gateways.map((each) => [
      each.name,
      String(each.pid),
      each.acknowledgedAt ?? `lease ran out ${each.leaseExpiredAt}`,
      each.milliseconds.toFixed(1),
      lastAccepted(each.lastAcceptance),
    ]),
    '',
  );
}

/** The latest of all keys. */
function lastAccepted(byKey: ReceiptView['gateways'][number]['lastAcceptance']): string {
  const known = Object.values(byKey).filter((each) => each !== null);
  const [last] = known.sort((a, b) => (a.time < b.time ? 1 : -1));
  if (last === undefined) return Object.keys(byKey).length === 0 ? 'unknown' : 'none';
  return `${last.time} ${last.request}`;
}
