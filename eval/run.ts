import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DETECTORS } from './detectors.js';
import { linePlot } from './plot.js';
import { blockRow, commitRow, type WorldResult, worldRow } from './protocol.js';
import { type Evaluation, markdown, type WorldSection } from './report.js';
import { DRAWN_SEEDS, WRITTEN_SEEDS } from './seeds.js';
import { commandSet, commitSet, type LabelledSet } from './sets.js';
import { inThreads } from './threads.js';
import { BUDGET, type OwnOutcome, ownRow, RATES, type WorldJob, type WorldOutcome } from './worlds.js';

/**
 * `npm run eval -- [--data DIR] [--worlds 12] [--out docs]`: every detector on every set, in one run. Worlds come from
 * seeds that nothing was tuned on; DIR may hold commits/ and unix-commands/ (eval/sets.ts says in which form).
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    worlds: { type: 'string', default: '12' },
    out: { type: 'string', default: 'docs' },
  },
});
const jobs = (seeds: readonly number[], drawn: boolean) =>
  seeds.slice(0, Number(values.worlds)).map((seed): WorldJob => ({ seed, drawn }));
const written = jobs(WRITTEN_SEEDS.evaluation, false);
const drawn = jobs(DRAWN_SEEDS.evaluation, true);
const thread = new URL('world-thread.js', import.meta.url);
const outcomes = await inThreads<WorldJob, WorldOutcome>(thread, [...written, ...drawn]);
const evaluation: Evaluation = {
  budget: BUDGET,
  worlds: worldSection(written, outcomes.slice(0, written.length)),
  drawn: worldSection(drawn, outcomes.slice(written.length)),
  commits: [],
  blocks: [],
};
for (const set of labelledSets(values.data)) {
  for (const [name, score] of DETECTORS) {
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
for (const [file, { curves }] of [
  ['worlds', evaluation.worlds],
  ['drawn', evaluation.drawn],
] as const)
  writeFileSync(
    path.join(values.out, 'evaluation', `${file}.svg`),
    linePlot('Thefts found', 'false alarms per 1,000 key-days', 'share of thefts found', curves),
  );

function worldSection(jobs: readonly WorldJob[], worlds: readonly WorldOutcome[]): WorldSection {
  const at = (name: string, rate: (typeof RATES)[number]) =>
    worlds.map(({ results }) => results.get(name)?.[RATES.indexOf(rate)] as WorldResult);
  const names = DETECTORS.map(([name]) => name);
  const ownBudget = (outcomes: readonly OwnOutcome[]) => {
    const own = ownRow(outcomes);
    return { ...own, row: { name: 'Keyward', ...own.row } };
  };
  const terms = [...(worlds[0]?.ablation.keys() ?? [])];
  return {
    observations: worlds.reduce((sum, { observations }) => sum + observations, 0),
    seeds: jobs.map(({ seed }, i) => ({
      seed,
      found: worldRow([at('Keyward', BUDGET)[i] as WorldResult]).all.mean,
    })),
    rows: names.map((name) => ({ name, ...worldRow(at(name, BUDGET)) })),
    curves: names.map((name) => ({
      name,
      points: RATES.map((rate) => [rate, worldRow(at(name, rate)).all.mean] as const),
    })),
    ownBudget: ownBudget(worlds.map((each) => each.own)),
    answered: ownBudget(worlds.map((each) => each.answered)),
    ablation: terms.map((term) => ({
      name: `without ${term}`,
      ...worldRow(worlds.map(({ ablation }) => ablation.get(term) as WorldResult)),
    })),
  };
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
