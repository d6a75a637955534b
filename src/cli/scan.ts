import { type Command, InvalidArgumentError } from 'commander';
import { bytesOf, sourcesOf } from '../edges/scan/read/sources.js';
import { LOG_FORMATS, type LogFormat } from '../wire/logs/formats.js';
import { ACCESS_LOG_MAPPING, type AccessLogMapping, MAPPED_FIELDS } from '../wire/logs/json-access.js';
import { openFeed } from './scan-feed.js';
import type { JudgeOptions } from './scan-judge.js';
import { checkOutputs } from './scan-output.js';

interface ScanOptions extends JudgeOptions {
  readonly catalog?: string;
  readonly format?: LogFormat;
  readonly fields?: string;
  readonly threads?: number;
}

/** `keyward scan`: judges what logs tell, with no guard and no permission but to read them. */
export function scanCommand(program: Command): void {
  program
    .command('scan')
    .description('find stolen keys in logs: CloudTrail, Directory Insights, Okta, access logs, NDJSON')
    .argument('<logs...>', 'files or folders, plain or gzip; - reads standard input')
    .option('--catalog <name>', 'built-in catalog or file that names operations and their privileges')
    .option('--format <format>', `in place of what the content says: ${LOG_FORMATS.join(', ')}`, parseFormat)
    .option('--fields <file>', 'JSON or YAML file that maps the fields of a JSON access log')
    .option('--scores', 'write one NDJSON line for each observation, in input order')
    .option('--alarms <n>', 'false alarms that are accepted in 1,000 days of one key', parseAlarms, 2)
    .option('--html <file>', 'write a report that opens in any browser, offline')
    .option('--ocsf <file>', 'write the findings as OCSF NDJSON')
    .option('--inject', 'play thefts that never were on the log, and say how many would be found')
    .option(
      '--threads <n>',
      '1 or 2, in place of what suits the input: with 2, one reads ahead',
      parseThreads,
    )
    .option('--json', 'machine-readable summary')
    .action((logs: string[], options: ScanOptions) => run(logs, options));
}

function parseFormat(text: string): LogFormat {
  const format = LOG_FORMATS.find((each) => each === text);
  if (format === undefined) throw new InvalidArgumentError(`Formats are ${LOG_FORMATS.join(', ')}.`);
  return format;
}

function parseThreads(text: string): number {
  if (text !== '1' && text !== '2') throw new InvalidArgumentError('Write 1 or 2.');
  return Number(text);
}

function parseAlarms(text: string): number {
  const alarms = Number(text);
  if (!(alarms >= 0.01 && alarms <= 1_000))
    throw new InvalidArgumentError('Write a number from 0.01 to 1000.');
  return alarms;
}

async function run(logs: readonly string[], options: ScanOptions): Promise<void> {
  const sources = sourcesOf(logs);
  const outputs = [options.html, options.ocsf].filter((file) => file !== undefined);
  checkOutputs(outputs, sources);
  const mapping = options.fields === undefined ? undefined : await readMapping(options.fields);
  const { catalog, format, threads } = options;
  // Scores keep the order of the input.
  const byTime = options.scores !== true;
  const feed = await openFeed({ sources, catalog, format, mapping, byTime }, threads);
  // Loaded while the other thread has begun to read.
  const { judgeLogs } = await import('./scan-judge.js');
  await judgeLogs(feed, bytesOf(sources), options);
}

/** `{"key": "request.headers.x-key-id", "ip": ["client", "peer"]}` over the built-in names. */
async function readMapping(file: string): Promise<AccessLogMapping> {
  // What reads YAML takes longer to load than most of a scan's own modules.
  const { readDocument } = await import('./input.js');
  const given = readDocument(file);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new Error(`${file}: expected an object of field names, such as {"key": "request.key_id"}.`);
  const mapping: Record<string, readonly string[]> = { ...ACCESS_LOG_MAPPING };
  for (const [field, names] of Object.entries(given)) {
    if (!MAPPED_FIELDS.includes(field as keyof AccessLogMapping))
      throw new Error(`${file}: ${field} is no field; fields are ${MAPPED_FIELDS.join(', ')}.`);
    const list = Array.isArray(names) ? names : [names];
    if (list.length === 0 || !list.every((name) => typeof name === 'string' && name !== ''))
      throw new Error(`${file}: ${field} must be a field name or a list of them.`);
    mapping[field] = list as string[];
  }
  return mapping as unknown as AccessLogMapping;
}
