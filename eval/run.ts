import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AlarmBudget, AlarmDay } from '../src/detectors/budget.js';
import type { Sighting } from '../src/detectors/contract.js';
import { openGeo } from '../src/locations/geo.js';
import { BASELINES, baseline, keyward, TERMS, without } from './detectors.js';
import { thresholdFor } from './metrics.js';
import { linePlot } from './plot.js';
import { benignDays, blockRow, commitRow, WARM_DAYS, worldResult, worldRow } from './protocol.js';
import { type Evaluation, markdown } from './report.js';
import { commandSet, commitSet, type LabelledSet, type WorldSet, worldSet } from './sets.js';

/**
 * `npm run eval -- [--data DIR] [--worlds 4] [--out docs]`: every detector on every set, in one run. Worlds come from
 * seeds that nothing was tuned on; DIR may hold commits/ and unix-commands/ (docs/evaluation.md gives the formats).
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: '4' },
    out: { type: 'string', default: 'docs' },
  },
});
/** Seeds below were for development. */
const FIRST_SEED = 201;
const RATES = [0.5, 1, 2, 5, 10, 20] as const;
const BUDGET = 2;

type Score = (sightings: readonly Sighting[], blocks?: boolean) => Float64Array;
const detectors: [string, Score][] = [
  // A block adds up by itself, so it takes the scores of the calls alone.
  ['Keyward', (sightings, blocks) => keyward(sightings, undefined, blocks === true ? 'score' : 'evidence')],
  ...Object.entries(BASELINES).map(([name, make]): [string, Score] => [
    name,
    (sightings) => baseline(make(sightings.length), sightings),
  ]),
];

const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
const worlds = Array.from({ length: Number(values.worlds) }, (_, i) => worldSet(FIRST_SEED + i, geo));
const evaluation: Evaluation = {
  observations: worlds.reduce((sum, { sightings }) => sum + sightings.length, 0),
  worlds: worlds.length,
  budget: BUDGET,
  worldRows: [],
  curves: [],
  ownBudget: ownBudget(worlds),
  ablation: [],
  commits: [],
  blocks: [],
};
for (const [name, score] of detectors) {
  const scores = worlds.map(({ sightings }) => score(sightings));
  const atRate = (rate: number) =>
    worldRow(
      worlds.map((world, i) => {
        const days = benignDays(world, scores[i] as Float64Array);
        return worldResult(world, scores[i] as Float64Array, thresholdFor(days, (rate * days.length) / 1000));
      }),
    );
  evaluation.worldRows.push({ name, ...atRate(BUDGET) });
  evaluation.curves.push({ name, points: RATES.map((rate) => [rate, atRate(rate).all.mean] as const) });
  console.error(`worlds: ${name}`);
}
for (const term of TERMS) {
  const weights = without(term);
  const rows = worlds.map((world) => {
    const scores = keyward(world.sightings, weights);
    const days = benignDays(world, scores);
    return worldResult(world, scores, thresholdFor(days, (BUDGET * days.length) / 1000));
  });
  evaluation.ablation.push({ name: `without ${term}`, ...worldRow(rows) });
}
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

/** Alarms at the thresholds that Keyward set itself from the budget it was given. */
function ownBudget(sets: readonly WorldSet[]): { perThousand: number; keyDays: number } {
  let alarms = 0;
  let keyDays = 0;
  for (const { sightings, stolen } of sets) {
    const evidence = keyward(sightings);
    const budget = new AlarmBudget(BUDGET / 1000);
    const from = (sightings[0]?.observation.timeMs ?? 0) + WARM_DAYS * 86_400_000;
    const today = new Map<string, AlarmDay>();
    const alarmed = new Set<string>();
    const days = new Set<string>();
    sightings.forEach(({ actor, observation: { timeMs } }, i) => {
      const day = `${actor.key}|${Math.floor(timeMs / 86_400_000)}`;
      if (timeMs >= from && stolen[i] !== true) {
        days.add(day);
        if ((evidence[i] as number) >= budget.threshold) alarmed.add(day);
      }
      const own = today.get(actor.key) ?? new AlarmDay();
      today.set(actor.key, own);
      budget.note(own, timeMs, evidence[i] as number);
    });
    alarms += alarmed.size;
    keyDays += days.size;
  }
  return { perThousand: (alarms / keyDays) * 1000, keyDays };
}

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
