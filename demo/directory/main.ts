import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemPorts } from './ids.js';
import { ensureInternalToken, startInternal } from './internal.js';
import { seedDirectory } from './seed.js';
import { startDirectory } from './server.js';
import { DirectoryStore } from './store.js';

const USAGE = `The demo directory, a process of its own.

  --data DIR            its data (default: ./directory-data)
  --port N              on the loopback interface (default: any free one)
  --seed N              start data, where there are none yet (default: 1)
  --organisations N     how many (default: 10)
  --users N             of the smallest organisation (default: 25)
  --behind-proxy        the client's address is the last one of X-Forwarded-For
  --internal-port N     the provider's inside (docs/directory.md), on the loopback interface (default: none)
  --origin URL          where browsers find it (default: http://localhost:PORT)
  --device-ms N         how often simulated devices look for commands (default: 200)
  --until-stdin-ends    stops with whoever holds the other end of standard input

Where data are made, their keys and passwords are written to DIR/keys.json, readable by the owner alone.
`;

function whole(text: string, name: string, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= max)) throw new Error(`--${name} must be a whole number up to ${max}.`);
  return number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: './directory-data' },
      port: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      organisations: { type: 'string', default: '10' },
      users: { type: 'string', default: '25' },
      'behind-proxy': { type: 'boolean', default: false },
      'internal-port': { type: 'string' },
      origin: { type: 'string' },
      'device-ms': { type: 'string', default: '200' },
      'until-stdin-ends': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const store = DirectoryStore.open(values.data);
  if (store.fact('seed') === undefined) {
    const options = {
      seed: whole(values.seed, 'seed', 999_999_999),
      organisations: whole(values.organisations, 'organisations', 1_000),
      users: whole(values.users, 'users', 10_000),
    };
    const file = path.join(values.data, 'keys.json');
    await seedDirectory(store, options, (seeded) =>
      writeFileSync(file, `${JSON.stringify(seeded, null, 2)}\n`, { mode: 0o600 }),
    );
  }
  const running = await startDirectory(store, {
    port: whole(values.port, 'port', 65_535),
    ports: systemPorts(),
    behindProxy: values['behind-proxy'],
    origin: values.origin === undefined ? undefined : new URL(values.origin).origin,
    deviceIntervalMs: Math.max(10, whole(values['device-ms'], 'device-ms', 3_600_000)),
  });
  const internal = await startInside(store, values);
  console.log(JSON.stringify({ port: running.port, ...internal?.shown }));
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    internal?.server.close();
    running.close().then(() => process.exit(0), fail);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  if (values['until-stdin-ends']) process.stdin.on('end', stop).resume();
}

async function startInside(
  store: DirectoryStore,
  values: { readonly data: string; readonly 'internal-port'?: string | undefined },
) {
  const wanted = values['internal-port'];
  if (wanted === undefined) return undefined;
  const port = whole(wanted, 'internal-port', 65_535);
  const server = await startInternal(store, systemPorts(), ensureInternalToken(values.data), port);
  const address = server.address();
  const internalPort = typeof address === 'object' && address !== null ? address.port : port;
  return { server, shown: { internalPort } };
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

main().catch(fail);
