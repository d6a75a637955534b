import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Weights } from '../src/detectors/odds.js';
import { WEIGHTS } from '../src/detectors/weights.js';
import { openGeo } from '../src/locations/geo.js';
import { atAnsweredThresholds } from './answered.js';
import { keyward, TERMS, without } from './detectors.js';
import { blockRow, commitRow, type WorldResult, worldRow } from './protocol.js';
import { respliced } from './respliced.js';
import { DRAWN_SEEDS, WRITTEN_SEEDS } from './seeds.js';
import {
  CATALOGS_TRIED,
  commandSet,
  commitSet,
  drawnWorldSet,
  type LabelledSet,
  type WorldSet,
  worldSet,
} from './sets.js';
import { atOwnThresholds, atRates, BUDGET, type OwnOutcome, ownRow } from './worlds.js';

/**
 * `npm run eval:development -- --data DIR`: what weights and designs are chosen by, in a few minutes: worlds of the
 * development seeds, written (--worlds) and drawn (--drawn), and the commit sets with the take-overs they came with and
 * many others. --weights FILE takes compiled weights in place of those in use, --without TERM blinds them to one term.
 * --live plays the worlds as the guard sees them: what came back is known after a call was judged.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: WRITTEN_SEEDS.development.join() },
    drawn: { type: 'string', default: DRAWN_SEEDS.development.join() },
    weights: { type: 'string' },
    without: { type: 'string' },
    live: { type: 'boolean', default: false },
  },
});
const RATES = [0.5, 1, 2] as const;
/** Sets spliced anew: as many as give some two hundred take-overs of each kind. */
const SPLICES = { 'dev-puppetlabs': 16, 'dev-rails': 8 } as const;

const weights = blinded(
  values.weights === undefined
    ? WEIGHTS
    : ((await import(pathToFileURL(path.resolve(values.weights)).href)) as { WEIGHTS: Weights }).WEIGHTS,
);
await worlds(values.worlds.split(',').map(Number), values.drawn.split(',').map(Number));
if (values.data !== undefined) {
  commits(path.join(values.data, 'commits'));
  commands(path.join(values.data, 'unix-commands'));
}

function blinded(all: Weights): Weights {
  if (values.without === undefined) return all;
  const term = TERMS.find((each) => each === values.without);
  if (term === undefined) {
    console.error(`--without ${values.without}: no such term; there are ${TERMS.join(', ')}.`);
    process.exit(2);
  }
  return without(term, all);
}

async function worlds(seeds: readonly number[], drawn: readonly number[]): Promise<void> {
  const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
  printWorlds(
    'worlds',
    seeds.map((seed) => played(worldSet(seed, geo))),
  );
  printWorlds(
    'worlds of drawn providers',
    drawn.map((seed) => played(drawnWorldSet(seed, CATALOGS_TRIED, geo))),
  );
}

interface Played {
  /** At each of the rates. */
  readonly results: readonly WorldResult[];
  readonly own: OwnOutcome;
  readonly answered: OwnOutcome;
}

function played(world: WorldSet): Played {
  const evidence = keyward(world.sightings, weights, { live: values.live });
  return {
    ...{ results: atRates(world, evidence, RATES), own: atOwnThresholds(world, evidence) },
    answered: atAnsweredThresholds(world, BUDGET / 1000, weights),
  };
}

function printWorlds(what: string, worlds: readonly Played[]): void {
  console.log(`${worlds.length} ${what}, by false alarms in 1,000 key-days`);
  RATES.forEach((rate, i) => {
    printWorld(String(rate), worldRow(worlds.flatMap(({ results }) => results[i] ?? [])));
  });
  const printOwn = (how: string, { perThousand, row }: ReturnType<typeof ownRow>) =>
    printWorld(`${how}, ${two(perThousand)}`, row);
  printOwn('own thresholds', ownRow(worlds.map(({ own }) => own)));
  printOwn('alarms answered', ownRow(worlds.map(({ answered }) => answered)));
}

function printWorld(rate: string, row: ReturnType<typeof worldRow>): void {
  console.log(
    `  ${rate}: all ${two(row.all.mean)}, own network ${two(row.ownNetwork.mean)}, same cloud ${two(row.sameCloud.mean)}, abroad ${two(row.abroad.mean)}, exposure ${row.exposure.toFixed(3)}, changes stopped ${two(row.changesStopped.mean)}`,
  );
}

function commits(folder: string): void {
  for (const [name, splices] of Object.entries(SPLICES)) {
    const set = commitSet(folder, name);
    commitLine(name, [set]);
    commitLine(
      `${name}, ${splices} times spliced anew`,
      Array.from({ length: splices }, (_, i) => respliced(set, i + 1)),
    );
  }
}

/** Means over the sets. */
function commitLine(what: string, sets: readonly LabelledSet[]): void {
  const figures = sets.map((set) => {
    const scores = keyward(set.sightings, weights);
    const [one, ten] = [commitRow(set, scores, 1), commitRow(set, scores, 10)];
    return [one.plain, one.samePlace, ten.plain, ten.samePlace].map(({ mean }) => mean);
  });
  const mean = (n: number) => two(figures.reduce((sum, row) => sum + (row[n] ?? 0), 0) / figures.length);
  console.log(`${what}: plain ${mean(0)} @1, ${mean(2)} @10; same place ${mean(1)} @1, ${mean(3)} @10`);
}

function commands(folder: string): void {
  const set = commandSet(folder);
  const { hits, area } = blockRow(set, keyward(set.sightings, weights, { what: 'score' }), 0.013);
  console.log(`${set.name}: ${two(hits.mean)} at 1.3 % false, area ${area.toFixed(3)}`);
}

function two(share: number): string {
  return share.toFixed(2);
}
