import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { drawnProvider } from './drawn-provider.js';
import type { Provider } from './provider.js';
import { Random } from './random.js';
import { newWorld } from './world.js';

/**
 * `npm run world -- --seed 1 --days 28 --keys 165 --out DIR`: traffic.ndjson, and labels.ndjson beside it. --drawn CATALOG:
 * of a provider drawn from a catalog's operations, in place of the one written by hand.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '28' },
    keys: { type: 'string', default: '165' },
    out: { type: 'string', default: 'world-data' },
    drawn: { type: 'string' },
  },
});
const number = (name: 'seed' | 'days' | 'keys', least: number) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least) {
    console.error(`world: --${name} must be a whole number from ${least} on.`);
    process.exit(2);
  }
  return value;
};
const seed = number('seed', 0);
const world = newWorld({
  ...{ seed, days: number('days', 7), keys: number('keys', 20) },
  ...(values.drawn === undefined ? {} : { provider: drawn(values.drawn) }),
});

function drawn(catalog: string): Provider {
  try {
    return drawnProvider(new Random(seed, 1), catalog);
  } catch (error) {
    console.error(`world: --drawn ${catalog}: ${(error as Error).message}`);
    process.exit(2);
  }
}

mkdirSync(values.out, { recursive: true });
const traffic = createWriteStream(path.join(values.out, 'traffic.ndjson'));
const labels = createWriteStream(path.join(values.out, 'labels.ndjson'));
const lines = new Map<string, number[]>();
let line = 0;
for (const { timeMs, episode, operation: _, ...call } of world.calls) {
  line += 1;
  if (episode !== undefined) lines.set(episode, [...(lines.get(episode) ?? []), line]);
  if (!traffic.write(`${JSON.stringify({ time: new Date(timeMs).toISOString(), ...call })}\n`))
    await once(traffic, 'drain');
}
for (const episode of world.episodes)
  labels.write(`${JSON.stringify({ ...episode, lines: lines.get(episode.id) ?? [] })}\n`);
await Promise.all([traffic, labels].map((stream) => new Promise((done) => stream.end(done))));
console.log(`${world.calls.length} calls, ${world.episodes.length} episodes in ${values.out}`);
