import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { containment } from '../src/config/containment.js';
import { PRIVILEGED_FROM } from '../src/core/observation.js';
import { respond } from '../src/core/response.js';
import { AlarmBudget } from '../src/detectors/budget.js';
import { Detector } from '../src/detectors/detector.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { openGeo } from '../src/locations/geo.js';
import { type Campaign, type Play, playsOf, readCampaigns, type ThiefCall } from '../world/campaign.js';
import { DAY_MS } from '../world/traffic.js';
import { median } from './metrics.js';
import { WRITTEN_SEEDS } from './seeds.js';
import { type WorldSet, worldSet } from './sets.js';

/**
 * `npm run eval:campaigns -- [--worlds 24] [--first 401] [--out docs]`: the campaigns of `world/campaigns`, each against a key of its
 * own in the life of a whole provider, with the guard away and with the guard in `enforce`. From world to world, each campaign comes
 * from another place and at another pace. The alarm threshold is the one that the budget sets itself.
 */
const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: String(WRITTEN_SEEDS.campaigns.length) },
    first: { type: 'string', default: String(WRITTEN_SEEDS.campaigns[0]) },
    out: { type: 'string' },
  },
});
const WORLD = { days: 28, keys: 165, thefts: 0, changes: 40 } as const;
/** Evidence from which `containment.automatic` would act, as the configuration has it by default. */
const CONTAINED_FROM = containment.parse({}).evidenceFrom;

/** What became of one campaign in one world. */
interface Fate {
  readonly campaign: string;
  readonly place: string;
  readonly pause: number;
  readonly calls: number;
  /** Minutes and calls from the first stolen call to the first finding; undefined: never found. */
  readonly minutes: number | undefined;
  readonly callsBefore: number;
  /** Operations of privilege 3 and 4, and what the campaign was after: without the guard, with it, and with automatic suspension. */
  readonly privileged: readonly [number, number, number];
  readonly gains: readonly [number, number, number];
}

interface WorldFate {
  readonly seed: number;
  readonly fates: readonly Fate[];
  readonly keyDays: number;
  /** Keys of owners that were flagged, held or suspended, once a key and day. */
  readonly flagged: number;
  readonly held: number;
  readonly suspended: number;
}

const campaigns = readCampaigns(path.resolve('world/campaigns'));
const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
const worlds = Array.from({ length: Number(values.worlds) }, (_, n) => {
  const seed = Number(values.first) + n;
  const plots = campaigns.map((campaign, i) => ({ campaign, play: playOf(campaign, n + i) }));
  const fate = play(seed, worldSet(seed, geo, { ...WORLD, plots }), plots);
  console.log(
    `seed ${seed}: ${fate.fates.filter(({ minutes }) => minutes !== undefined).length} of ${plots.length} campaigns found, ${fate.flagged} false alarms in ${fate.keyDays} key-days`,
  );
  return fate;
});
const page = markdown(worlds);
console.log(page);
if (values.out !== undefined) {
  mkdirSync(path.join(values.out, 'evaluation'), { recursive: true });
  writeFileSync(
    path.join(values.out, 'evaluation', 'campaigns.json'),
    `${JSON.stringify(worlds, null, 1)}\n`,
  );
  writeFileSync(path.join(values.out, 'campaigns.md'), page);
}

function playOf(campaign: Campaign, n: number): Play {
  const plays = playsOf(campaign);
  return plays[n % plays.length] as Play;
}

/** Runs a world through the detector as the guard does, and notes what each stolen call would have come to. */
function play(
  seed: number,
  { sightings, stolen, episodes, calls }: WorldSet,
  plots: readonly { readonly campaign: Campaign; readonly play: Play }[],
): WorldFate {
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  const budget = new AlarmBudget();
  const actions = sightings.map((sighting) => {
    const { observation } = sighting;
    const judgement = learning.assess(sighting);
    const { evidence } = judgement;
    const action = respond(evidence, budget.threshold, observation.operation.privilege);
    learning.settle(judgement, action === 'allow' ? 'allowed' : 'alarm');
    budget.note(judgement.baseline, observation.timeMs, evidence);
    return { action, contained: evidence >= Math.max(CONTAINED_FROM, budget.threshold) };
  });
  const days = (of: (i: number) => boolean) =>
    new Set(
      sightings.flatMap(({ actor, observation }, i) =>
        stolen[i] !== true && of(i) ? [`${actor.key} ${Math.floor(observation.timeMs / DAY_MS)}`] : [],
      ),
    ).size;
  const fates = plots.map(({ campaign, play: { place, pause } }): Fate => {
    const lines = episodes.find(({ id }) => id === `campaign-${campaign.name}`)?.lines ?? [];
    const found = lines.findIndex((line) => actions[line]?.action !== 'allow');
    const atMs = (n: number) => sightings[lines[n] as number]?.observation.timeMs as number;
    // A key is suspended for good; the thief's others are not.
    const suspended = new Set<string>();
    const done = lines.map((line) => {
      const key = sightings[line]?.actor.key as string;
      const went = actions[line]?.action === 'allow' || actions[line]?.action === 'flag';
      if (actions[line]?.contained) suspended.add(key);
      return [true, went, went && !suspended.has(key)] as const;
    });
    const passed = (way: 0 | 1 | 2, of: (line: number) => boolean) =>
      lines.filter((line, n) => done[n]?.[way] && of(line)).length;
    const count = (of: (line: number) => boolean) => [passed(0, of), passed(1, of), passed(2, of)] as const;
    return {
      ...{ campaign: campaign.name, place, pause, calls: lines.length },
      minutes: found === -1 ? undefined : (atMs(found) - atMs(0)) / 60_000,
      callsBefore: found === -1 ? lines.length : found,
      privileged: count((line) => (sightings[line]?.observation.operation.privilege ?? 0) >= PRIVILEGED_FROM),
      gains: count((line) => (calls[line] as ThiefCall).gain !== undefined),
    };
  });
  return {
    ...{ seed, fates, keyDays: new Set(sightings.map(({ actor }) => actor.key)).size * WORLD.days },
    flagged: days((i) => actions[i]?.action !== 'allow'),
    held: days((i) => actions[i]?.action === 'hold'),
    suspended: days((i) => actions[i]?.contained === true),
  };
}

function markdown(all: readonly WorldFate[]): string {
  const fates = all.flatMap((world) => world.fates);
  const keyDays = sum(all.map((world) => world.keyDays));
  const per = (of: (world: WorldFate) => number) => ((1000 * sum(all.map(of))) / keyDays).toFixed(2);
  const rows = (names: readonly string[], of: (fate: Fate) => string) =>
    names.map((name) =>
      row(
        name,
        fates.filter((fate) => of(fate) === name),
      ),
    );
  const head = [
    '| | played | found | minutes to the first finding, median | calls before it, median | privileged operations: done without the guard | share left with it | and suspended by itself | gains without | share left with it | and suspended by itself |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  const seeds = `${all[0]?.seed} to ${all.at(-1)?.seed}`;
  return `# Campaigns

Written by \`npm run eval:campaigns -- --out docs\`. The campaigns of \`world/campaigns\`, each against keys of its own in the life of a
provider (${WORLD.keys} keys, ${WORLD.days} days, ${WORLD.changes} legitimate changes), in ${all.length} worlds (seeds ${seeds}); nothing was
trained or chosen on them. The guard enforces with the threshold that its budget sets: what is odd and privileged waits for an approval that
does not come, what is odd and not privileged goes on under a finding. "Suspended by itself" adds automatic containment from evidence ${CONTAINED_FROM}
on. A gain is what the thief came for: users read, a new administrator, a command run. Reads that pass before a finding are gains, too.
Without the guard there are counts; with it, the share of them that is left (0.00: nothing, 1.00: all).

False alarms in 1,000 key-days, counted once a key and day: ${per(({ flagged }) => flagged)} flagged, of these ${per(({ held }) => held)} with a call held,
${per(({ suspended }) => suspended)} would be suspended.

## By campaign

${[
  ...head,
  ...rows(
    campaigns.map(({ name }) => name),
    ({ campaign }) => campaign,
  ),
  row('**all**', fates),
].join('\n')}

## By where the thief calls from

${[...head, ...rows(['abroad', 'same-cloud', 'own-network'], ({ place }) => place)].join('\n')}

## Misses

${misses(fates)}
`;
}

function row(name: string, fates: readonly Fate[]): string {
  const found = fates.filter(({ minutes }) => minutes !== undefined);
  const total = (of: (fate: Fate) => readonly number[], way: number) =>
    sum(fates.map((fate) => of(fate)[way] as number));
  const shares = (of: (fate: Fate) => readonly number[]) => {
    const all = total(of, 0);
    const share = (way: number) => (all === 0 ? '-' : (total(of, way) / all).toFixed(2));
    return [String(all), share(1), share(2)];
  };
  const middle = (all: readonly number[]) => median(all)?.toFixed(0) ?? '-';
  return `| ${[
    name,
    String(fates.length),
    (found.length / fates.length).toFixed(2),
    middle(found.map(({ minutes }) => minutes as number)),
    middle(found.map(({ callsBefore }) => callsBefore)),
    ...shares(({ privileged }) => privileged),
    ...shares(({ gains }) => gains),
  ].join(' | ')} |`;
}

/** Each campaign that was never found, by how it was played. */
function misses(fates: readonly Fate[]): string {
  const missed = new Map<string, number>();
  const played = new Map<string, number>();
  for (const { campaign, place, pause, minutes } of fates) {
    const way = `${campaign}, ${place}, ${pause} s between calls`;
    played.set(way, (played.get(way) ?? 0) + 1);
    if (minutes === undefined) missed.set(way, (missed.get(way) ?? 0) + 1);
  }
  if (missed.size === 0) return 'None.';
  const lines = [...missed].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  return lines.map(([way, count]) => `- ${way}: ${count} of ${played.get(way)}`).join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
