import type { Episode } from './call.js';
import {
  ABROAD,
  ACCESS,
  addressIn,
  CLOUD_REGIONS,
  HAND_CLIENTS,
  SCRIPT_CLIENTS,
  THIEF_CLIENTS,
} from './places.js';
import { bumped, clientAt, newKey, type Principal, personPlace, servicePlace } from './principals.js';
import type { Burst, Home, Provider, Workflow } from './provider.js';
import type { Random } from './random.js';
import { DAY_MS, HOUR_MS, live, runFlow, type Stage } from './traffic.js';

export type ThiefPlace = 'abroad' | 'same-cloud' | 'own-network';
const PLACES: readonly ThiefPlace[] = ['abroad', 'same-cloud', 'own-network'];
const PACES = ['smash', 'hands-on', 'slow', 'hidden', 'office-hours', 'mimicry'] as const;
/** Days for which a careful thief does only what the owner does. */
const MIMICRY_DAYS = 4;

/** Plays one theft of the principal's key; the owner goes on meanwhile. */
export function playTheft(stage: Stage, who: Principal, n: number): Episode {
  const { random } = stage;
  const place = PLACES[n % PLACES.length] as ThiefPlace;
  const pace = random.pick(PACES);
  const { name, flow } = random.pick(stage.provider.thefts);
  const id = `theft-${n}`;
  const startMs = stage.startMs + random.between(stage.days * 0.45, stage.days * 0.95) * DAY_MS;
  // In the victim's own network a thief works on the victim's machine, with its tools.
  const copies = place === 'own-network' || random.chance(0.35);
  const guise = {
    ip: thiefAddress(random, who, place),
    userAgent: copies ? clientAt(who, (startMs - stage.startMs) / DAY_MS) : random.pick(THIEF_CLIENTS),
    episode: id,
    errors: random.pick([0.01, 0.05, 0.2]),
    pause: pace === 'smash' ? 0.6 : pace === 'hands-on' ? 25 : 6,
  };
  switch (pace) {
    case 'smash':
    case 'hands-on':
      runFlow(stage, who, flow, startMs, guise);
      break;
    case 'slow':
    case 'hidden':
      spread(stage, who, flow, startMs, guise, pace === 'slow' ? 30 : 6);
      break;
    case 'office-hours':
      inOwnHours(stage, who, flow, startMs, guise);
      break;
    case 'mimicry':
      for (let day = 0; day < MIMICRY_DAYS; day++)
        runFlow(stage, who, random.pick(who.flows), startMs + (day - MIMICRY_DAYS) * DAY_MS, guise);
      runFlow(stage, who, flow, startMs, guise);
  }
  return { id, kind: 'theft', what: `${place}/${name}/${pace}`, place, keys: [who.key], startMs };
}

function thiefAddress(random: Random, who: Principal, place: ThiefPlace): string {
  if (place === 'own-network') return who.place(random);
  if (place === 'abroad') return addressIn(random, random.pick(ABROAD));
  return addressIn(random, random.pick(who.region ?? [who.tenant.office.network]));
}

/** Step by step, hours apart. */
function spread(
  stage: Stage,
  who: Principal,
  flow: Workflow,
  startMs: number,
  guise: object,
  hours: number,
): void {
  let timeMs = startMs;
  for (const step of flow) {
    runFlow(stage, who, [step], timeMs, guise);
    timeMs += stage.random.exponential((hours / flow.length) * HOUR_MS);
  }
}

/** A few steps a day, at hours at which the owner's other calls came. */
function inOwnHours(stage: Stage, who: Principal, flow: Workflow, startMs: number, guise: object): void {
  const times = stage.out
    .filter(({ key, timeMs }) => key === who.key && timeMs < startMs)
    .map(({ timeMs }) => (timeMs - stage.startMs) % DAY_MS);
  const day = Math.floor((startMs - stage.startMs) / DAY_MS);
  flow.forEach((step, n) => {
    const timeMs = stage.startMs + (day + Math.floor(n / 3)) * DAY_MS + stage.random.pick(times);
    runFlow(stage, who, [step], timeMs + stage.random.exponential(HOUR_MS / 4), guise);
  });
}

/** One stranger who tries the keys of many tenants, a call or two each: the incident of 2023. */
export function playHarvest(stage: Stage, victims: readonly Principal[]): Episode {
  const { random } = stage;
  const id = 'theft-harvest';
  let timeMs = stage.startMs + random.between(stage.days * 0.6, stage.days * 0.9) * DAY_MS;
  const startMs = timeMs;
  const ip = addressIn(random, random.pick(ABROAD));
  for (const who of victims) {
    runFlow(stage, who, stage.provider.harvest, timeMs, {
      ip,
      userAgent: 'python-requests/2.31.0',
      episode: id,
      pause: 1,
    });
    timeMs += random.exponential(120_000);
  }
  return {
    ...{ id, kind: 'theft', what: 'harvest', place: 'harvest', startMs },
    keys: victims.map(({ key }) => key),
  };
}

const CHANGES = [
  'full-export',
  'rotation',
  'move-region',
  'new-address',
  'client-upgrade',
  'new-feature',
  'incident-night',
  'travel',
  'access-review',
  'onboarding',
  'new-tool',
  'holiday-return',
] as const;

type Change = (typeof CHANGES)[number];

/** Scripts do not travel and answer no incident: what happens fits who it happens to. */
function fitting(random: Random, wanted: Change, who: Principal): Change {
  const { service } = who;
  const can = (burst: Burst) => service === undefined || service.also?.includes(burst) === true;
  switch (wanted) {
    case 'travel':
      return service === undefined ? wanted : 'move-region';
    case 'move-region':
      return service === undefined ? 'travel' : wanted;
    case 'incident-night':
      return can(wanted) ? wanted : random.pick(['new-address', 'new-tool']);
    case 'onboarding':
      return can(wanted) ? wanted : random.pick(['full-export', 'rotation']);
    case 'access-review':
      return can(wanted) ? wanted : 'full-export';
    case 'full-export':
      return service === undefined ? random.pick(['access-review', 'full-export']) : wanted;
    default:
      return wanted;
  }
}

/** Plays a change in the life of a principal, and its life after it. The life before is the caller's matter. */
export function playChange(
  stage: Stage,
  who: Principal,
  n: number,
): { readonly episode: Episode; readonly endMs: number } {
  const { random } = stage;
  const what = fitting(random, CHANGES[n % CHANGES.length] as Change, who);
  const id = `change-${n}`;
  const startMs = stage.startMs + random.between(stage.days * 0.45, stage.days * 0.85) * DAY_MS;
  const lastMs = stage.startMs + who.to * DAY_MS;
  const after = (changed: Principal) => play(stage, changed, startMs, lastMs, id);
  const episode: Episode = { id, kind: 'legitimate', what, keys: [who.key], startMs };
  switch (what) {
    case 'rotation': {
      const key = newKey(random);
      after({ ...who, key });
      return { episode: { ...episode, keys: [who.key, key] }, endMs: startMs };
    }
    case 'move-region':
      after({ ...who, place: servicePlace(random, random.pick(CLOUD_REGIONS)) });
      return { episode, endMs: startMs };
    case 'new-address':
      after({
        ...who,
        place: who.region === undefined ? personPlace(random, who.tenant) : servicePlace(random, who.region),
      });
      return { episode, endMs: startMs };
    case 'client-upgrade':
      after({ ...who, client: bumped(who.client, 1) });
      return { episode, endMs: startMs };
    case 'new-tool':
      after({ ...who, client: random.pick(who.service === undefined ? HAND_CLIENTS : SCRIPT_CLIENTS) });
      return { episode, endMs: startMs };
    case 'new-feature':
      after({ ...who, flows: [...who.flows, random.pick(stage.provider.handFlows)] });
      return { episode, endMs: startMs };
    case 'holiday-return':
      // Ten days of silence, then as before.
      play(stage, who, startMs, lastMs, id);
      return { episode, endMs: startMs - 10 * DAY_MS };
    case 'travel':
      play(stage, { ...who, place: hotel(random) }, startMs, Math.min(lastMs, startMs + 4 * DAY_MS), id);
      live(stage, who, Math.min(lastMs, startMs + 4 * DAY_MS), lastMs);
      return { episode, endMs: startMs };
    case 'incident-night':
    case 'access-review':
    case 'onboarding':
      return burst(stage, who, episode, lastMs, stage.provider.bursts[what]);
    case 'full-export':
      return burst(stage, who, episode, lastMs, exported(who, stage.provider));
  }
}

/** Everything that the principal reads, once over: the end of a quarter. */
function exported(who: Principal, { bursts }: Provider): Workflow {
  const reads = new Set(
    who.flows
      .flat()
      .map(({ operation }) => operation)
      .filter((operation) => /list|get|events|search/.test(operation)),
  );
  const all =
    reads.size === 0 ? bursts['access-review'].slice(0, 1).map(({ operation }) => operation) : [...reads];
  return all.slice(0, 4).map((operation) => ({ operation, times: [25, 60] }));
}

/** The vendor who runs a service for many tenants moves: all its keys come from elsewhere from that day on. */
export function playVendorMove(stage: Stage, who: Principal, startMs: number, home: Home): Episode {
  const id = `vendor-move-${who.id}`;
  play(stage, { ...who, ...home }, startMs, stage.startMs + who.to * DAY_MS, id);
  return { id, kind: 'legitimate', what: 'vendor-move', keys: [who.key], startMs };
}

function hotel(random: Random): (random: Random) => string {
  const address = addressIn(random, random.pick(ACCESS));
  return () => address;
}

/** Lives on, with every call marked as part of the change. */
function play(stage: Stage, who: Principal, fromMs: number, toMs: number, episode: string): void {
  const out = stage.out.length;
  live(stage, who, fromMs, toMs);
  // Three days after it is the new normal.
  for (let i = out; i < stage.out.length; i++) {
    const call = stage.out[i] as (typeof stage.out)[number];
    if (call.timeMs < fromMs + 3 * DAY_MS) stage.out[i] = { ...call, episode };
  }
}

function burst(stage: Stage, who: Principal, episode: Episode, lastMs: number, flow: Workflow) {
  runFlow(stage, who, flow, episode.startMs, { episode: episode.id });
  live(stage, who, episode.startMs, lastMs);
  return { episode, endMs: episode.startMs };
}
