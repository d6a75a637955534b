import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { counted } from '../core/counted.js';
import { journalsOf } from '../incidents/follow.js';
import { proveEntry } from '../journal/prove.js';
import { type EntryFilter, type NumberedEntry, readEntries } from '../journal/read.js';
import { verifyJournal } from '../journal/verify.js';
import { checkEffects, type EffectsOptions } from './effects.js';
import { noJournal } from './errors.js';
import { parseSpan, parseTime } from './input.js';
import { printable } from './printable.js';

interface FilterOptions extends Place {
  readonly since?: string;
  readonly until?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** A journal that does not verify: the exit code says so, the text where. */
class VerifyFault extends Error {
  override readonly name = 'VerifyFault';
}

/** `keyward journal`: reads the files themselves, so it needs no running guard and no permission but theirs. */
export function journalCommands(program: Command): void {
  const journal = program
    .command('journal')
    .description('read, verify and prove the record of decisions and acts');
  const command = (name: string, description: string, journals = 'that of keyward up') =>
    journal
      .command(name)
      .description(description)
      .requiredOption('-d, --data <directory>', 'data directory of the guard')
      .option('-g, --gateway <name>', `the journal of this gateway (default: ${journals})`);

  command('verify', 'check every hash, number and signature')
    .option('--public-key <key>', 'base64url key that must have signed it')
    .option('--json', 'machine-readable output')
    .action((options: Place & { publicKey?: string; json?: boolean }) => verify(options));

  for (const [name, description] of [
    ['show', 'list entries, for people'],
    ['export', 'write entries as NDJSON'],
  ] as const) {
    command(name, description)
      .option('--since <time>', 'inclusive, like 1h, monday or 2026-11-24T08:00:00Z', (text) =>
        parseTime(text),
      )
      .option('--until <time>', 'exclusive', (text) => parseTime(text))
      .option('--key <id>', 'only entries of this key')
      .option('--json', 'NDJSON, as export writes')
      .action((options: FilterOptions) => print(options, name === 'export' || options.json === true));
  }

  effectsCommand(
    command(
      'effects <file>',
      "find runs at devices, in the upstream's log, that no request explains: what was done inside the provider",
      'all',
    ),
  );
  command(
    'prove <seq>',
    'write the proof that one entry is in the journal (check it with tools/verify-proof.mjs)',
  ).action(async (seq: string, options: Place) => {
    if (!/^\d{1,15}$/.test(seq)) throw new Error(`${seq} is not the number of an entry.`);
    console.log(JSON.stringify(await proveEntry(directory(options), Number(seq)), null, 2));
  });
}

function effectsCommand(effects: Command): void {
  effects
    .option(
      '--operations <names>',
      'requests that can have such effects: names, or METHOD /path/{template}',
      'runcommand,command.trigger.*,systems.command.builtin.*',
    )
    .option('--window <span>', 'from the request to the first effect', parseSpan, 3_600)
    .option('--json', 'machine-readable output')
    .addHelpText(
      'after',
      '\nExit codes: 0 every run has its request, 3 some have none, 1 nothing could be compared.',
    )
    .action((file: string, options: Place & EffectsOptions) =>
      checkEffects(
        file,
        options.gateway === undefined ? journalsOf(options.data) : [directory(options)],
        options,
      ),
    );
}

interface Place {
  readonly data: string;
  readonly gateway?: string;
}

/** Each process writes a journal of its own. */
function directory({ data, gateway }: Place): string {
  const dir = gateway === undefined ? data : path.join(data, 'gateways', path.basename(gateway));
  const journal = path.join(dir, 'journal');
  if (!existsSync(journal)) throw noJournal(journal);
  return journal;
}

async function verify(options: Place & { publicKey?: string; json?: boolean }): Promise<void> {
  const result = await verifyJournal(directory(options), { publicKey: options.publicKey });
  const { problem } = result;
  if (options.json) console.log(JSON.stringify(result));
  else if (problem === undefined) {
    console.log(
      `good: ${counted(result.entries, 'entry', 'entries')} in ${counted(result.batches, 'batch', 'batches')}, ${counted(result.segments, 'segment')}; head ${result.head}`,
    );
    if (result.publicKey !== undefined) console.log(`signed by ${result.publicKey}`);
  }
  if (problem === undefined) return;
  const hashes =
    problem.expected === undefined ? '' : ` (expected ${problem.expected}, found ${problem.found})`;
  throw new VerifyFault(
    `BAD at ${problem.where}: ${problem.what}${hashes}; ${counted(result.entries, 'entry', 'entries')} before it good.`,
  );
}

async function print(options: FilterOptions, json: boolean): Promise<void> {
  const filter: EntryFilter = {
    ...(options.since === undefined ? {} : { sinceMs: Date.parse(options.since) }),
    ...(options.until === undefined ? {} : { untilMs: Date.parse(options.until) }),
    key: options.key,
  };
  for await (const entry of readEntries(directory(options), filter)) {
    const line = json ? JSON.stringify(entry) : lineOf(entry);
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  }
}

/** One entry for people. What came from outside is shown without control characters. */
function lineOf(entry: NumberedEntry): string {
  const head = `${String(entry.seq).padStart(8)}  ${new Date(entry.time).toISOString()}  `;
  switch (entry.kind) {
    case 'decision': {
      const verdict = entry.reason === undefined ? entry.decision : `${entry.decision} ${entry.reason}`;
      const status = entry.outcome === undefined ? '' : ` → ${entry.outcome.status}`;
      return `${head}${verdict.padEnd(24)} ${entry.key ?? '-'}  ${entry.address}  ${entry.method} ${printable(entry.path)} (${entry.operation})${status}`;
    }
    case 'outcome':
      return `${head}${'outcome'.padEnd(24)} ${entry.key ?? '-'}  ${entry.request} → ${entry.outcome.status}${entry.outcome.aborted ? ` (${entry.outcome.aborted})` : ''}`;
    case 'act':
      return `${head}${entry.action.padEnd(24)} ${printable(entry.target)}  by ${printable(entry.actor)}`;
    case 'system':
      return `${head}${entry.event.padEnd(24)} ${JSON.stringify(entry.detail ?? {})}`;
  }
}
