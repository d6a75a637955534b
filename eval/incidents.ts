import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AlarmBudget } from '../src/detectors/budget.js';
import { Detector } from '../src/detectors/detector.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { rarityOf } from '../src/detectors/rarity.js';
import { changePoint } from '../src/incidents/change-point.js';
import { Correlator } from '../src/incidents/correlate.js';
import type { Lead } from '../src/incidents/incident.js';
import { networkOf } from '../src/incidents/lead.js';
import { foreignNats } from '../src/incidents/onset.js';
import { openGeo } from '../src/locations/geo.js';
import { median } from './metrics.js';
import { WRITTEN_SEEDS } from './seeds.js';
import { type WorldSet, worldSet } from './sets.js';

/**
 * `npm run eval:incidents -- [--worlds 8] [--first 321] [--out docs]`: which key goes to which incident, on seeded worlds with
 * campaigns (several tenants, waves), single thefts, a harvest and legitimate changes; beside it what one gets by grouping
 * alerts by key, by address, or by the hour. The alarm threshold is the one that the budget sets itself.
 */
const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: String(WRITTEN_SEEDS.incidents.length) },
    first: { type: 'string', default: String(WRITTEN_SEEDS.incidents[0]) },
    out: { type: 'string' },
  },
});
const WORLD = { days: 28, keys: 165, thefts: 8, changes: 30, campaigns: 4 } as const;

/** A flagged call with the incident that each way of grouping puts it into. */
interface Flagged {
  readonly key: string;
  readonly timeMs: number;
  readonly address: string;
}

interface Result {
  readonly precision: number;
  readonly recall: number;
  readonly incidents: number;
}

/** The grouping of one way: group of each flagged key. */
type Groups = ReadonlyMap<string, string>;

const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
const seeds = Array.from({ length: Number(values.worlds) }, (_, i) => Number(values.first) + i);
const rows = seeds.map((seed) => {
  const world = worldSet(seed, geo, WORLD);
  const judged = judge(world);
  const row = { seed, ...score(world, judged), onset: onsets(world, judged) };
  console.log(line(row));
  return row;
});
const table = markdown(rows);
console.log(table);
if (values.out !== undefined) {
  mkdirSync(path.join(values.out, 'evaluation'), { recursive: true });
  writeFileSync(path.join(values.out, 'evaluation', 'incidents.json'), `${JSON.stringify(rows, null, 1)}\n`);
  writeFileSync(path.join(values.out, 'incident-evaluation.md'), table);
}

interface Judged {
  readonly correlator: Correlator;
  readonly flagged: readonly Flagged[];
  readonly scores: Float64Array;
}

function judge({ sightings }: WorldSet): Judged {
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  const budget = new AlarmBudget();
  let incidents = 0;
  const correlator = new Correlator(() => `i${++incidents}`);
  const flagged: Flagged[] = [];
  const scores = new Float64Array(sightings.length).fill(Number.NaN);
  sightings.forEach((sighting, i) => {
    const { actor, observation } = sighting;
    const { timeMs, address } = observation;
    const judgement = learning.assess(sighting);
    const { evidence } = judgement;
    if (judgement.state === 'ready') scores[i] = judgement.score;
    const alarm = evidence >= budget.threshold;
    if (alarm) {
      flagged.push({ key: actor.key, timeMs, address });
      const lead: Lead = {
        ...{ timeMs, request: String(i), key: actor.key, address, evidence, reasons: [], forwarded: true },
        ...{ tenant: actor.tenant ?? '', principal: actor.principal ?? '' },
        ...{ network: networkOf(address), asn: observation.place.asn, country: observation.place.country },
        ...{
          client: observation.userAgent,
          operation: observation.operation.name,
          targets: observation.objects,
        },
        privilege: observation.operation.privilege,
        rarity: rarityOf(judgement.symbols, detector.population),
      };
      correlator.note(lead);
    }
    learning.settle(judgement, alarm ? 'alarm' : 'allowed');
    budget.note(judgement.baseline, timeMs, evidence);
  });
  return { correlator, flagged, scores };
}

function score({ episodes }: WorldSet, { correlator, flagged }: Judged) {
  const truth = new Map<string, string>();
  for (const { id, kind, keys } of episodes) if (kind === 'theft') for (const key of keys) truth.set(key, id);
  const of = (groups: Groups) => ({
    campaigns: cubed(truth, groups, (id) => id.startsWith('campaign') || id.endsWith('harvest')),
    all: cubed(truth, groups, () => true),
  });
  // A key may have been false alarm and theft in turn: it is where its strongest trail is.
  const strongest = new Map<string, { id: string; peak: number }>();
  for (const { id, state, trails } of correlator.incidents.values())
    for (const { key, peak } of state === 'merged' ? [] : trails)
      if (peak > (strongest.get(key)?.peak ?? 0)) strongest.set(key, { id, peak });
  const keyward = new Map([...strongest].map(([key, { id }]) => [key, id]));
  return {
    flaggedKeys: keyward.size,
    keyward: of(keyward),
    byKey: of(grouped(flagged, ({ key }) => key)),
    byAddress: of(grouped(flagged, ({ address }) => address)),
    byHour: of(grouped(flagged, ({ timeMs }) => String(Math.floor(timeMs / 3_600_000)))),
  };
}

/** Each key goes where its first alarm goes. */
function grouped(flagged: readonly Flagged[], group: (each: Flagged) => string): Groups {
  const groups = new Map<string, string>();
  for (const each of flagged) if (!groups.has(each.key)) groups.set(each.key, group(each));
  return groups;
}

/**
 * B-cubed precision and recall (Bagga & Baldwin 1998) over the stolen keys that count: of the keys in a key's incident, those of the same
 * episode; of the keys of its episode, those in its incident. A key that raised no alarm has a recall of 0.
 */
function cubed(
  truth: ReadonlyMap<string, string>,
  groups: Groups,
  counts: (episode: string) => boolean,
): Result {
  const members = new Map<string, string[]>();
  for (const [key, group] of groups) members.set(group, [...(members.get(group) ?? []), key]);
  const episodes = new Map<string, string[]>();
  for (const [key, episode] of truth) episodes.set(episode, [...(episodes.get(episode) ?? []), key]);
  let precision = 0;
  let found = 0;
  let recall = 0;
  let keys = 0;
  const seen = new Set<string>();
  for (const [key, episode] of truth) {
    if (!counts(episode)) continue;
    keys += 1;
    const group = groups.get(key);
    if (group === undefined) continue;
    seen.add(group);
    const mine = members.get(group) as string[];
    const right = mine.filter((each) => truth.get(each) === episode).length;
    found += 1;
    precision += right / mine.length;
    recall += right / (episodes.get(episode) as string[]).length;
  }
  return {
    precision: precision / Math.max(1, found),
    recall: recall / Math.max(1, keys),
    incidents: seen.size,
  };
}

/** Minutes between the first stolen call and the estimate, and how often the interval holds it. */
function onsets({ sightings, episodes }: WorldSet, { correlator, scores }: Judged) {
  const errors: number[] = [];
  let held = 0;
  const incidents = [...correlator.incidents.values()];
  const trails = incidents.flatMap((each) => each.trails);
  for (const episode of episodes) {
    if (episode.kind !== 'theft') continue;
    for (const key of episode.keys) {
      const first = episode.lines.find((line) => sightings[line]?.actor.key === key);
      // As an operator would: the incident in which the key's strongest trail is.
      const [strongest] = trails.filter((trail) => trail.key === key).sort((a, b) => b.peak - a.peak);
      const own = incidents.find((each) => each.trails.some((trail) => trail === strongest))?.trails ?? [];
      if (first === undefined || own.length === 0) continue;
      const startMs = sightings[first]?.observation.timeMs as number;
      const calls = sightings.flatMap(({ actor, observation }, i) =>
        actor.key === key
          ? [
              {
                ...{ timeMs: observation.timeMs, address: observation.address },
                ...{ client: observation.userAgent, score: scores[i] },
              },
            ]
          : [],
      );
      const nats = foreignNats(calls, own);
      const point = changePoint(calls.map(({ timeMs }, i) => ({ timeMs, nats: nats[i] as number })));
      if (point === undefined) continue;
      errors.push(Math.abs(point.timeMs - startMs) / 60_000);
      if (point.fromMs <= startMs && startMs <= point.toMs) held += 1;
    }
  }
  return { keys: errors.length, minutes: median(errors) ?? 0, held: held / Math.max(1, errors.length) };
}

type Row = (typeof rows)[number];

function line({ seed, keyward, flaggedKeys, onset }: Row): string {
  const { campaigns } = keyward;
  return `seed ${seed}: ${flaggedKeys} keys flagged; campaigns precision ${campaigns.precision.toFixed(2)} recall ${campaigns.recall.toFixed(2)}; onset off by ${onset.minutes.toFixed(0)} min (median of ${onset.keys}), interval holds ${onset.held.toFixed(2)}`;
}

function markdown(all: readonly Row[]): string {
  const mean = (of: (row: Row) => number) =>
    (all.reduce((sum, row) => sum + of(row), 0) / all.length).toFixed(2);
  const ways = [
    ['Keyward', 'keyward'],
    ['alerts by key', 'byKey'],
    ['alerts by address', 'byAddress'],
    ['alerts by the hour', 'byHour'],
  ] as const;
  const cells = ways.map(
    ([name, way]) =>
      `| ${name} | ${mean((row) => row[way].campaigns.precision)} | ${mean((row) => row[way].campaigns.recall)} | ${mean((row) => row[way].campaigns.incidents)} | ${mean((row) => row[way].all.precision)} | ${mean((row) => row[way].all.recall)} |`,
  );
  return `# Incidents: which key goes where

Written by \`npm run eval:incidents -- --out docs\`: ${all.length} worlds (seeds ${all[0]?.seed} to ${all.at(-1)?.seed}, which nothing was chosen by) of ${WORLD.keys} keys and ${WORLD.days} days, each with
${WORLD.campaigns} campaigns over several tenants in waves, a harvest of 14 keys, ${WORLD.thefts} single thefts and ${WORLD.changes} legitimate changes. B-cubed precision and
recall (Bagga & Baldwin 1998) of key → incident over the keys of campaigns and harvest, and over all stolen keys; a key that raised no alarm counts
as missed. Incidents: how many the stolen keys of campaigns were spread over, of ${WORLD.campaigns + 1}.

| grouped by | precision | recall | incidents | all: precision | all: recall |
| --- | --: | --: | --: | --: | --: |
${cells.join('\n')}

Time of compromise: the estimate is off by ${mean((row) => row.onset.minutes)} minutes (mean of the worlds' medians); its 95 % interval holds the first stolen call for
${mean((row) => row.onset.held)} of the keys.
`;
}
