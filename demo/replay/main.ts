import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closeConnections } from './ask.js';
import { pageOf } from './page.js';
import { replay } from './replay.js';
import { campaignOf } from './script.js';
import { summaryOf } from './summary.js';
import { Terminal } from './text.js';

const REPORT = './data/demo/report.html';
const USAGE = `The incident of 2023, replayed: a cloud directory, its customers' scripts and a thief, without the guard and with it.

  --seed N          who there is and what happens (default: 1)
  --days N          days in which the guard learns before the thief comes (default: 10)
  --tenants N       organisations of the directory (default: 10)
  --campaign NAME   a file of world/campaigns (default: harvest-2023)
  --report FILE     page to write (default: ${REPORT})
  --json            the outcome for programs, in place of the story
`;
const BIN = fileURLToPath(new URL('../../../bin/keyward.mjs', import.meta.url));

function whole(text: string, name: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max))
    throw new Error(`--${name} must be a whole number from ${min} to ${max}.`);
  return number;
}

/** @throws {Error} that says what is wrong with the command line */
function readOptions() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      days: { type: 'string', default: '10' },
      tenants: { type: 'string', default: '10' },
      campaign: { type: 'string', default: 'harvest-2023' },
      report: { type: 'string', default: REPORT },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { report, json, help } = values;
  return {
    ...{ report, json, help },
    seed: whole(values.seed, 'seed', 0, 999_999_999),
    days: whole(values.days, 'days', 1, 60),
    tenants: whole(values.tenants, 'tenants', 2, 100),
    campaign: campaignOf(values.campaign),
  };
}

async function main({ report, json, ...options }: ReturnType<typeof readOptions>): Promise<void> {
  // A place that cannot be written is better known now than in a minute.
  const page = openPage(report);
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-demo-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  const write = json ? () => undefined : (line: string) => console.log(line);
  const terminal = new Terminal(write, process.stdout.isTTY === true);
  const replayed = await replay({ ...options, dir, bin: BIN }, terminal);
  await closeConnections();
  const summary = summaryOf(replayed);
  terminal.report(replayed, summary);
  writeFileSync(page, pageOf(replayed, summary));
  closeSync(page);
  if (json) console.log(JSON.stringify({ ...summary, off: replayed.off, on: replayed.on }));
  else write(`\nThe whole of it, step by step: ${path.resolve(report)}`);
}

/** Makes its folder and the one above where they are missing. @throws {Error} where it cannot be written */
function openPage(file: string): number {
  const folder = path.dirname(path.resolve(file));
  try {
    // Node's own way to make all at once never ends below /proc.
    for (const each of [path.dirname(folder), folder]) if (!existsSync(each)) mkdirSync(each);
    return openSync(file, 'w');
  } catch (error) {
    throw new Error(`The report cannot be written: ${(error as Error).message}.`);
  }
}

function fail(error: unknown, code: number): never {
  console.error(`keyward demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(code);
}

// Whoever reads has seen enough: `keyward demo | head`.
process.stdout.on('error', () => process.exit(0));
// Programs that it started end with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.exit(128 + os.constants.signals[signal]));

let options: ReturnType<typeof readOptions>;
try {
  options = readOptions();
} catch (error) {
  fail(error, 2);
}
if (options.help) console.log(USAGE);
else main(options).catch((error: unknown) => fail(error, 1));
