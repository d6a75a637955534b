import path from 'node:path';
import { parseArgs } from 'node:util';
import { WAIT_MS_MAX } from '../agent-protocol.js';
import { Agent } from './agent.js';
import { DirectoryClient } from './client.js';
import { PROGRAM_NAMES } from './command-line.js';
import { Identity } from './identity.js';
import { Journal } from './journal.js';
import { Sandbox } from './sandbox.js';

const USAGE = `A device agent of the demo directory, a process of its own.

  --directory URL       where to check in
  --connect-key KEY     of the organisation, to enrol the first time (or KEYWARD_CONNECT_KEY)
  --sandbox DIR         the folder that is the device; commands and policies act in it alone. An erase empties it
  --state DIR           its key and what it has not reported yet (default: the sandbox's name with .agent)
  --hostname NAME       of the device
  --allow A,B           programs that commands may name (default: ${PROGRAM_NAMES.join(',')})
  --check-in-ms N       how long a check-in waits for work (default: 10000)
  --inventory-ms N      how often the inventory is taken (default: 60000)
  --until-stdin-ends    stops with whoever holds the other end of standard input

Prints a line of JSON for what happens. Ends with 0 when shut down, erased or stopped, with 3 when refused.
`;

function whole(text: string, name: string, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= max)) throw new Error(`--${name} must be a whole number up to ${max}.`);
  return number;
}

function readArgs() {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string' },
      'connect-key': { type: 'string' },
      sandbox: { type: 'string' },
      state: { type: 'string' },
      hostname: { type: 'string' },
      allow: { type: 'string', default: PROGRAM_NAMES.join(',') },
      'check-in-ms': { type: 'string', default: '10000' },
      'inventory-ms': { type: 'string', default: '60000' },
      'until-stdin-ends': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

async function main(): Promise<void> {
  const values = readArgs();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const { directory, sandbox: folder, hostname } = values;
  if (directory === undefined || folder === undefined || hostname === undefined)
    throw new Error('--directory, --sandbox and --hostname are needed.');
  const absolute = path.resolve(folder);
  const state = path.resolve(values.state ?? `${absolute}.agent`);
  if (state === absolute || state.startsWith(absolute + path.sep))
    throw new Error('--state must not lie in the sandbox.');
  const programs = new Set(values.allow.split(','));
  const unknown = [...programs].find((name) => !PROGRAM_NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--allow: this agent knows no rules for ${unknown}.`);
  const sandbox = await Sandbox.open(absolute, Identity.known(state));
  const identity = await Identity.open(state, absolute);
  const say = (what: Record<string, unknown>) => console.log(JSON.stringify(what));
  const agent = new Agent(
    new DirectoryClient(new URL(directory), identity.key),
    identity,
    new Journal(path.join(state, 'runs')),
    sandbox,
    {
      ...{ hostname, programs, say },
      connectKey: values['connect-key'] ?? process.env.KEYWARD_CONNECT_KEY,
      checkInMs: whole(values['check-in-ms'], 'check-in-ms', WAIT_MS_MAX),
      inventoryMs: whole(values['inventory-ms'], 'inventory-ms', 86_400_000),
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => agent.stop());
  if (values['until-stdin-ends']) process.stdin.on('end', () => agent.stop()).resume();
  const ended = await agent.run();
  say({ event: 'ended', how: ended });
  process.exit(ended === 'refused' ? 3 : 0);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
