import { readCatalog } from '../src/catalogs/load.js';
import type { CatalogOperation } from '../src/catalogs/match.js';
import { SCRIPT_CLIENTS } from './places.js';
import { newHome } from './principals.js';
import {
  type Burst,
  type Objects,
  type Provider,
  type Service,
  type Step,
  step,
  type Unrest,
  type Workflow,
} from './provider.js';
import type { Random } from './random.js';

const STRONG_FROM = 3;
const EVERY_MINUTES = [5, 10, 15, 20, 30, 60, 90, 120, 240, 360, 720, 1440];
/** Calls of one service in four weeks, at most on average. */
const SERVICE_CALLS_MAX = 9000;
const FOUR_WEEKS_MINUTES = 28 * 1440;

/** Operations on the same things. */
interface Family {
  readonly lists: readonly string[];
  readonly gets: readonly string[];
  readonly writes: readonly string[];
}

/**
 * A provider that nobody wrote: which part of an API is used, what its services, people and thieves do and how fast is drawn
 * (domain randomization, Tobin et al., IROS 2017). What is learned from some and holds for others, of other APIs, does not
 * hang on how one world was written.
 * @throws {RangeError} where the catalog's operations have no paths
 */
export function drawnProvider(random: Random, catalog: string): Provider {
  const operations = readCatalog(catalog).operations.filter(
    ({ method, path }) => method !== undefined && path !== undefined,
  );
  const families = familiesOf(random, operations);
  if (families.length === 0) throw new RangeError('its operations have no paths that a call could have');
  const strong = operations.filter(({ privilege }) => privilege >= STRONG_FROM).map(({ name }) => name);
  const flowBy = (each: Random, most: number) => workflow(each, each.zipf(families, 0.5), most);
  const flow = (most: number) => flowBy(random, most);
  const vendors = random.between(0, 0.6);
  const services = Array.from({ length: random.int(6, 14) }, (_, n) => service(random, flow, n, vendors));
  const looking = families.flatMap(({ lists }) => lists.slice(0, 1));
  return {
    ...{ catalog, services },
    serviceShare: random.between(0.4, 0.85),
    handFlows: Array.from({ length: random.int(7, 30) }, () => flow(4)),
    unrest: unrest(random, (each) => flowBy(each, 4)),
    pauses: { service: random.logBetween(0.05, 3), person: random.logBetween(4, 60) },
    bursts: {
      'incident-night': repairs(random, families, strong),
      'access-review': review(random, families),
      onboarding: creation(random, families),
    },
    thefts: Array.from({ length: random.int(5, 9) }, (_, n) => theft(random, looking, families, strong, n)),
    reconnaissance: some(random, looking, 1, 4).map((each) => step(each, [1, 3], 0.7)),
    harvest: some(random, looking, 1, 2).map((each) => step(each)),
    newObjects: objectsBy(random, operations),
  };
}

/** A part of the API, popular families first; each is named by what its operations' names begin with. */
function familiesOf(random: Random, operations: readonly CatalogOperation[]): Family[] {
  const byName = new Map<string, CatalogOperation[]>();
  for (const operation of operations) {
    const family = operation.name.split('.').slice(0, -1).slice(0, 2).join('.');
    byName.set(family, [...(byName.get(family) ?? []), operation]);
  }
  const families: Family[] = [];
  for (const members of byName.values()) {
    const names = (of: (operation: CatalogOperation, lists: boolean) => boolean) =>
      members.filter((each) => of(each, !/\}$/.test(each.path ?? ''))).map(({ name }) => name);
    const reads = ({ method, privilege }: CatalogOperation) => method === 'GET' || privilege <= 1;
    const lists = names((each, list) => list && reads(each));
    const gets = names((each, list) => !list && reads(each));
    const writes = names((each) => !reads(each));
    if (lists.length > 0 && gets.length + writes.length > 0) families.push({ lists, gets, writes });
  }
  return random.shuffled(families).slice(0, random.int(8, 24));
}

/** Looks for something, looks at it, and now and then changes it. */
function workflow(random: Random, { lists, gets, writes }: Family, most: number): Workflow {
  const times = (least: number, longest: number) =>
    [least, Math.max(1, Math.round(random.logBetween(1, longest)))] as const;
  const steps: Step[] = some(random, lists, 1, 2).map((each) => step(each, times(1, most)));
  for (const each of some(random, gets, 0, 2)) steps.push(step(each, times(random.int(0, 1), 3 * most)));
  for (const each of some(random, writes, 0, 2))
    steps.push(step(each, times(1, 2), random.logBetween(0.03, 0.9)));
  return steps;
}

function service(random: Random, flow: (most: number) => Workflow, n: number, vendors: number): Service {
  const wide = random.chance(0.12);
  const flows = Array.from({ length: wide ? random.int(6, 14) : random.int(1, 3) }, () => flow(8));
  const calls = flows.flat().reduce((sum, { times = [1, 1] }) => sum + (times[0] + times[1]) / 2, 0);
  const least = (FOUR_WEEKS_MINUTES * calls) / flows.length / SERVICE_CALLS_MAX;
  const from = random.int(0, 16);
  const can: readonly Burst[] = ['incident-night', 'access-review', 'onboarding'];
  return {
    name: `service-${n}`,
    flows,
    everyMinutes: Math.max(random.pick(EVERY_MINUTES), Math.ceil(least)),
    jitter: random.logBetween(0.005, 1.6),
    workdays: random.chance(0.35),
    ...(random.chance(0.45) ? { hours: [from, from + random.int(4, 24 - from)] as const } : {}),
    also: can.filter(() => random.chance(0.12)),
    ...(random.chance(vendors)
      ? { vendor: { ...newHome(random), client: random.pick(SCRIPT_CLIENTS) } }
      : {}),
  };
}

/** From none to more than most providers see. */
function unrest(random: Random, anything: Unrest['anything']): Unrest {
  return {
    wandering: random.chance(0.2) ? 0 : random.logBetween(0.01, 0.3),
    networks: random.int(0, 4),
    updateDays: random.logBetween(4, 60),
    updated: random.between(0, 0.8),
    debugging: random.chance(0.3) ? 0 : random.logBetween(0.002, 0.06),
    agents: random.between(0, 0.06),
    anything,
  };
}

type Theft = Provider['thefts'][number];

function theft(
  random: Random,
  looking: readonly string[],
  families: readonly Family[],
  strong: readonly string[],
  n: number,
): Theft {
  const looks = some(random, looking, 0, 4).map((each) => step(each, [1, random.int(1, 4)], 0.8));
  const goal = random.next();
  if (goal < 0.35) {
    const strikes = some(random, strong, 2, 5).map((each) => step(each, [1, random.int(1, 4)], 0.85));
    return { name: `take-over-${n}`, flow: [...looks, ...strikes, step(random.pick(strong))] };
  }
  if (goal < 0.6) {
    const { lists, gets } = random.pick(families);
    const reads = [...new Set([...some(random, lists, 1, 2), ...some(random, gets, 0, 3)])];
    const flow = reads.map((each) => step(each, scaled(random, 5, 40)));
    return { name: `exfiltration-${n}`, flow: [...looks, ...flow] };
  }
  if (goal < 0.85) {
    const { writes } = random.pick(families.filter((each) => each.writes.length > 0));
    const footholds = [...some(random, writes, 1, 3), ...some(random, strong, 1, 3)];
    return { name: `persistence-${n}`, flow: [...looks, ...footholds.map((each) => step(each, [1, 2]))] };
  }
  return { name: `one-strike-${n}`, flow: some(random, strong, 1, 2).map((each) => step(each, [1, 3])) };
}

function repairs(random: Random, families: readonly Family[], strong: readonly string[]): Workflow {
  const { lists, gets, writes } = random.pick(families);
  return [
    ...some(random, [...lists, ...gets], 1, 2).map((each) => step(each, [2, 6])),
    ...some(random, writes.length > 0 ? writes : strong, 1, 2).map((each) => step(each, [1, 6])),
  ];
}

function review(random: Random, families: readonly Family[]): Workflow {
  const { lists, gets } = random.pick(families);
  return some(random, [...lists, ...gets], 1, 3).map((each) => step(each, scaled(random, 4, 20)));
}

function creation(random: Random, families: readonly Family[]): Workflow {
  const { writes } = random.pick(families.filter((each) => each.writes.length > 0));
  return some(random, writes, 1, 2).map((each) => step(each, [8, 30]));
}

function scaled(random: Random, from: number, to: number): readonly [number, number] {
  const least = Math.round(random.logBetween(from, to));
  return [least, least * random.int(2, 4)];
}

/** As many of the items as are drawn, each once; fewer where there are not so many. */
function some<T>(random: Random, items: readonly T[], least: number, most: number): T[] {
  const left = [...items];
  const chosen: T[] = [];
  for (let n = random.int(least, most); n > 0 && left.length > 0; n--)
    chosen.push(...left.splice(random.int(0, left.length - 1), 1));
  return chosen;
}

/** How many there are of each kind, for a tenant of one user; and how an id looks in this API. */
function objectsBy(random: Random, operations: readonly CatalogOperation[]): Provider['newObjects'] {
  const kinds = new Map<string, number>();
  for (const { path = '' } of operations) {
    const segments = path.split('/').slice(1);
    segments.forEach((segment, i) => {
      if (segment.startsWith('{')) kinds.set(segments[i - 1] ?? '', 0);
    });
  }
  for (const kind of kinds.keys()) kinds.set(kind, random.logBetween(0.005, 1.5));
  const newId = random.pick([
    (each: Random) => each.hex(24),
    (each: Random) => `${each.hex(8)}-${each.hex(4)}-4${each.hex(3)}-a${each.hex(3)}-${each.hex(12)}`,
    (each: Random) => String(each.int(1000, 9_999_999)),
    (each: Random) => `00u${BigInt(`0x1${each.hex(20)}`).toString(36)}`,
  ]);
  return (each, size): Objects =>
    Object.fromEntries(
      [...kinds].map(([kind, share]) => [
        kind,
        Array.from({ length: Math.max(1, Math.round(size * share)) }, () => newId(each)),
      ]),
    );
}
