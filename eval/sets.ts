import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadCatalog } from '../src/catalogs/load.js';
import type { Sighting } from '../src/detectors/contract.js';
import { LogObserver } from '../src/edges/scan/observe.js';
import type { Geo } from '../src/engine/ports.js';
import { genericRecord } from '../src/wire/logs/generic.js';
import type { Call, Episode } from '../world/call.js';
import { drawnProvider } from '../world/drawn-provider.js';
import { Random } from '../world/random.js';
import { newStream } from '../world/stream.js';
import { newWorld, type World, type WorldOptions } from '../world/world.js';

/** A stream of observations with what is known of each. */
export interface WorldSet {
  readonly sightings: readonly Sighting[];
  readonly episodes: readonly (Episode & { readonly lines: readonly number[] })[];
  /** Of a theft, per observation. */
  readonly stolen: readonly boolean[];
  readonly calls: readonly Call[];
}

export function worldSet(seed: number, geo: Geo, options: Omit<WorldOptions, 'seed'> = {}): WorldSet {
  return told(newWorld({ seed, ...options }), new LogObserver(loadCatalog('jumpcloud'), geo), (call) => call);
}

/** Whose operations drawn providers have: of those that are learned from, and of those that are tried. */
export const CATALOGS_LEARNED = ['jumpcloud', 'okta'];
export const CATALOGS_TRIED = ['keycloak', 'github'];

/**
 * A world of a drawn provider, of which the log tells more or less: fields are missing, addresses are of no known network,
 * nobody wrote a catalog.
 */
export function drawnWorldSet(seed: number, catalogs: readonly string[], geo: Geo): WorldSet {
  const random = new Random(seed, 1);
  const catalog = catalogs[seed % catalogs.length] as string;
  const world = newWorld({ seed, provider: drawnProvider(random, catalog) });
  const observer = new LogObserver(random.chance(0.8) ? loadCatalog(catalog) : undefined, geo);
  const missing = MISSING.filter(({ share }) => random.chance(share)).flatMap(({ fields }) => fields);
  const nets = random.chance(0.15) ? new Map<string, number>() : undefined;
  return told(world, observer, (call) => {
    const left = Object.fromEntries(
      Object.entries(call).filter(([field]) => !missing.includes(field as Untold)),
    );
    return { ...left, ...(nets === undefined ? {} : { ip: privateAddress(call.ip, nets) }) } as Told;
  });
}

/** What a log may not tell. */
type Untold = 'tenant' | 'principal' | 'bytesIn' | 'bytesOut' | 'latencyMs' | 'status' | 'userAgent';
type Told = Omit<Call, Untold> & Partial<Pick<Call, Untold>>;

/** How often it does not. */
const MISSING: readonly { readonly share: number; readonly fields: readonly Untold[] }[] = [
  { share: 0.25, fields: ['tenant'] },
  { share: 0.25, fields: ['principal'] },
  { share: 0.2, fields: ['bytesIn', 'bytesOut'] },
  { share: 0.2, fields: ['latencyMs'] },
  { share: 0.1, fields: ['status'] },
  { share: 0.1, fields: ['userAgent'] },
];

/** The same address in a private network: one /16 for each of the world's. */
function privateAddress(ip: string, nets: Map<string, number>): string {
  const [a, b, c, d] = ip.split('.');
  const net = nets.get(`${a}.${b}`) ?? nets.size;
  nets.set(`${a}.${b}`, net);
  return `10.${net}.${c}.${d}`;
}

function told({ calls, episodes }: World, observer: LogObserver, tells: (call: Call) => Told): WorldSet {
  const lines = new Map<string, number[]>(episodes.map(({ id }) => [id, []]));
  const thefts = new Set(episodes.filter(({ kind }) => kind === 'theft').map(({ id }) => id));
  const stolen: boolean[] = [];
  const sightings = calls.map((all, i) => {
    const { ip, episode, operation: _, ...call } = tells(all);
    if (episode !== undefined) lines.get(episode)?.push(i);
    stolen.push(episode !== undefined && thefts.has(episode));
    return observer.sightingOf({ ...call, address: ip });
  });
  return {
    ...{ sightings, stolen, calls },
    episodes: episodes.map((episode) => ({ ...episode, lines: lines.get(episode.id) ?? [] })),
  };
}

/** People at work on anything, each with a key. */
export function streamSet(seed: number): Sighting[] {
  const observer = new LogObserver(undefined, undefined);
  return newStream(seed).map((act) => observer.sightingOf(act));
}

export interface LabelledSet {
  readonly name: string;
  readonly sightings: readonly Sighting[];
  /** Id of the attack an observation belongs to; undefined for the owner's. */
  readonly attacks: readonly (string | undefined)[];
  /** Of a set in blocks: the block of each observation, and whether it is an attack. */
  readonly blocks?: readonly ({ readonly id: string; readonly attack: boolean } | undefined)[];
}

/** `commits/<name>.ndjson.gz` with `<name>.labels.csv` (line, key, attack). */
export function commitSet(folder: string, name: string): LabelledSet {
  const sightings = read(path.join(folder, `${name}.ndjson.gz`));
  const attacks: (string | undefined)[] = sightings.map(() => undefined);
  for (const [line, , attack] of csv(path.join(folder, `${name}.labels.csv`)))
    attacks[Number(line) - 1] = attack;
  return { name, sightings, attacks };
}

/** `unix-commands/commands.ndjson.gz` with `labels.csv` (line, key, segment, attack 0 or 1). */
export function commandSet(folder: string): LabelledSet {
  const sightings = read(path.join(folder, 'commands.ndjson.gz'));
  const blocks: ({ id: string; attack: boolean } | undefined)[] = sightings.map(() => undefined);
  for (const [line, key, segment, attack] of csv(path.join(folder, 'labels.csv')))
    blocks[Number(line) - 1] = { id: `${key}:${segment}`, attack: attack === '1' };
  return { name: 'unix-commands', sightings, attacks: [], blocks };
}

function read(file: string): Sighting[] {
  const observer = new LogObserver(undefined, undefined);
  return gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const record = genericRecord(JSON.parse(line));
      if (typeof record === 'string') throw new Error(`${file}: ${record}`);
      return observer.sightingOf(record);
    });
}

function csv(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}
