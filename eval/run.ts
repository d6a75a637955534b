import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openGeo } from '../src/locations/geo.js';
import { BASELINES, baseline, keyward, TERMS } from './detectors.js';
import { linePlot } from './plot.js';
import { blockRow, commitRow, type WorldResult, worldRow } from './protocol.js';
import { type Evaluation, markdown } from './report.js';
import { commandSet, commitSet, type LabelledSet, worldSet } from './sets.js';
import { playWorld, type Score } from './worlds.js';

/**
 * `npm run eval -- [--data DIR] [--worlds 12] [--out docs]`: every detector on every set, in one run. Worlds come from
 * seeds that nothing was tuned on; DIR may hold commits/ and unix-commands/ (docs/evaluation.md gives the formats).
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: '12' },
    out: { type: 'string', default: 'docs' },
  },
});
/** Seeds below were for development, or their errors were looked at. */
const FIRST_SEED = 281;
const RATES = [0.5, 1, 2, 5, 10, 20] as const;
const BUDGET = 2;

const detectors: [string, Score][] = [
  // A block adds up by itself, so it takes the scores of the calls alone.
  [
    'Keyward',
    (sightings, blocks) => keyward(sightings, undefined, { what: blocks === true ? 'score' : 'evidence' }),
  ],
  ...Object.entries(BASELINES).map(([name, make]): [string, Score] => [
    name,
    (sightings) => baseline(make(sightings.length), sightings),
  ]),
];

const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
// One world at a time: all of them do not fit into memory.
const worlds = Array.from({ length: Number(values.worlds) }, (_, i) => {
  const seed = FIRST_SEED + i;
  console.error(`world ${seed}`);
  return { seed, ...playWorld(worldSet(seed, geo), detectors, RATES, BUDGET) };
});
const at = (name: string, rate: (typeof RATES)[number]) =>
  worlds.map(({ results }) => results.get(name)?.[RATES.indexOf(rate)] as WorldResult);
const names = detectors.map(([name]) => name);
const alarms = worlds.reduce((sum, { own }) => sum + own.alarms, 0);
const keyDays = worlds.reduce((sum, { own }) => sum + own.keyDays, 0);
const evaluation: Evaluation = {
  observations: worlds.reduce((sum, { observations }) => sum + observations, 0),
  seeds: worlds.map(({ seed }, i) => ({
    seed,
    found: worldRow([at('Keyward', BUDGET)[i] as WorldResult]).all.mean,
  })),
  budget: BUDGET,
  worldRows: names.map((name) => ({ name, ...worldRow(at(name, BUDGET)) })),
  curves: names.map((name) => ({
    name,
    points: RATES.map((rate) => [rate, worldRow(at(name, rate)).all.mean] as const),
  })),
  ownBudget: {
    ...{ perThousand: (alarms / keyDays) * 1000, keyDays },
    row: { name: 'Keyward', ...worldRow(worlds.map(({ own }) => own.result)) },
  },
  ablation: TERMS.map((term) => ({
    name: `without ${term}`,
    ...worldRow(worlds.map(({ ablation }) => ablation.get(term) as WorldResult)),
  })),
  commits: [],
  blocks: [],
};
for (const set of labelledSets(values.data)) {
  for (const [name, score] of detectors) {
    const scores = score(set.sightings, set.blocks !== undefined);
    if (set.blocks === undefined)
      evaluation.commits.push({
        ...{ set: set.name, name },
        at1: commitRow(set, scores, 1),
        at10: commitRow(set, scores, 10),
      });
    else
      evaluation.blocks.push({
        ...{ set: set.name, name },
        at1_3: blockRow(set, scores, 0.013),
        at5: blockRow(set, scores, 0.05),
      });
  }
  console.error(set.name);
}
mkdirSync(path.join(values.out, 'evaluation'), { recursive: true });
writeFileSync(path.join(values.out, 'evaluation.md'), markdown(evaluation));
writeFileSync(
  path.join(values.out, 'evaluation', 'results.json'),
  `${JSON.stringify(evaluation, null, 1)}\n`,
);
writeFileSync(
  path.join(values.out, 'evaluation', 'worlds.svg'),
  linePlot('Thefts found', 'false alarms per 1,000 key-days', 'share of thefts found', evaluation.curves),
);

function labelledSets(folder: string | undefined): LabelledSet[] {
  if (folder === undefined) return [];
  const sets: LabelledSet[] = [];
  const commits = path.join(folder, 'commits');
  if (existsSync(commits))
    for (const file of readdirSync(commits).sort())
      if (file.endsWith('.ndjson.gz')) sets.push(commitSet(commits, file.replace('.ndjson.gz', '')));
  if (existsSync(path.join(folder, 'unix-commands')))
    sets.push(commandSet(path.join(folder, 'unix-commands')));
  return sets;
}
