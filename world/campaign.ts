import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Call, Episode } from './call.js';
import { ABROAD, addressIn, CLOUD_REGIONS, type Network, THIEF_CLIENTS } from './places.js';
import { clientAt, type Principal } from './principals.js';
import type { Random } from './random.js';
import { DAY_MS, HOUR_MS, type Stage } from './traffic.js';

const kinds = [
  'systemusers',
  'systems',
  'usergroups',
  'commands',
  'applications',
  'policies',
  'users',
  'organizations',
] as const;

const step = z.strictObject({
  /** Name of the operation in the catalog. */
  do: z.string(),
  times: z.tuple([z.int().min(0), z.int().min(1)]).optional(),
  chance: z.number().min(0).max(1).optional(),
  /** The object that the path names: one of `picks`, or what an earlier step made. Absent: any. */
  on: z.string().optional(),
  /** What the answer made is known by this name from now on. */
  as: z.string().optional(),
  /** `${name}` stands for the id of what has that name. */
  body: z.record(z.string(), z.json()).optional(),
  /** What a thief has when this has succeeded, in a word or two: the report counts it. */
  gain: z.string().optional(),
});

const campaign = z.strictObject({
  title: z.string(),
  /** Public report that it follows. */
  source: z.url(),
  /** Tenants of which a key is stolen, and what these keys were for; absent: any. */
  victims: z.strictObject({ tenants: z.int().min(1).max(50), of: z.array(z.string()).optional() }),
  places: z.array(z.enum(['abroad', 'same-cloud', 'own-network'])).min(1),
  /** Median seconds between two calls, in each way it is played. */
  pauses: z.array(z.number().positive()).min(1),
  /** `thief`: a tool of his own; `own`: the stolen script's. */
  client: z.enum(['thief', 'own']),
  /** A command that he, inside the provider, puts into a device's queue, past every key: hours after his last call. */
  injection: z
    .strictObject({ afterHours: z.number().min(0), name: z.string(), command: z.string() })
    .optional(),
  /** Objects that he chooses once in each tenant. */
  picks: z.record(z.string(), z.enum(kinds)).optional(),
  waves: z
    .array(
      z.strictObject({
        name: z.string(),
        afterHours: z.number().min(0),
        /** How many of the victims he goes on with; absent: all. */
        tenants: z.int().min(1).optional(),
        steps: z.array(step).min(1),
      }),
    )
    .min(1),
});

export type Campaign = z.infer<typeof campaign> & { readonly name: string };
export type CampaignStep = z.infer<typeof step>;
export type CampaignPlace = Campaign['places'][number];

/** How a campaign is played: one of its places and one of its paces. */
export interface Play {
  readonly place: CampaignPlace;
  /** Seconds. */
  readonly pause: number;
}

/** One call of a thief; `path` and `body` name objects as `${name}` until {@link resolved}. */
export interface ThiefCall extends Call {
  readonly wave: string;
  readonly as?: string;
  readonly body?: unknown;
  readonly gain?: string;
}

/** Names of objects to their ids, of one victim. */
export type References = Map<string, string>;

export interface Planned {
  readonly episode: Episode;
  /** In order of time. */
  readonly calls: readonly ThiefCall[];
  /** What is known by name in each victim's tenant from the beginning. */
  readonly references: ReadonlyMap<string, References>;
}

/** Reads campaign files. @throws {Error} that names file and field */
export function readCampaigns(folder: string): Campaign[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => {
    const result = campaign.safeParse(parse(readFileSync(path.join(folder, file), 'utf8')));
    if (!result.success) throw new Error(`${file}: ${z.prettifyError(result.error)}`);
    return { name: path.basename(file, '.yaml'), ...result.data };
  });
}

/** Every way in which a campaign is played. */
export function playsOf({ places, pauses }: Campaign): Play[] {
  return places.flatMap((place) => pauses.map((pause) => ({ place, pause })));
}

/**
 * Those whose keys are stolen: one of each of some tenants, of the kinds that the campaign is after.
 * @param principals in an order of the caller's choice; the first that fit are taken
 */
export function victimsOf({ victims }: Campaign, principals: readonly Principal[]): Principal[] {
  const chosen = new Map<string, Principal>();
  for (const who of principals) {
    const kind = who.service?.name ?? 'admin';
    if (chosen.size < victims.tenants && !chosen.has(who.tenant.id) && (victims.of?.includes(kind) ?? true))
      chosen.set(who.tenant.id, who);
  }
  return [...chosen.values()];
}

/** Plans a campaign: the same seed, victims and play give the same calls. */
export function planCampaign(
  stage: Stage,
  { name, client, waves, picks = {} }: Campaign,
  victims: readonly Principal[],
  { place, pause }: Play,
  startMs: number,
): Planned {
  const { random } = stage;
  const tool = random.pick(THIEF_CLIENTS);
  const rented = addressIn(random, random.pick(ABROAD));
  const day = (startMs - stage.startMs) / DAY_MS;
  const guises = new Map(
    victims.map((who) => [
      who.key,
      {
        ip: addressOf(random, place, who, rented),
        userAgent: client === 'own' || place === 'own-network' ? clientAt(who, day) : tool,
      },
    ]),
  );
  const references = new Map(
    victims.map((who) => [
      who.key,
      new Map(
        Object.entries(picks).map(([known, kind]) => [known, random.pick(who.tenant.objects[kind] ?? [])]),
      ),
    ]),
  );
  const calls: ThiefCall[] = [];
  for (const wave of waves) {
    let timeMs = startMs + wave.afterHours * HOUR_MS;
    for (const who of victims.slice(0, wave.tenants ?? victims.length)) {
      const guise = guises.get(who.key) as { ip: string; userAgent: string };
      for (const each of wave.steps)
        timeMs = playStep(stage, who, each, { wave: wave.name, pause, timeMs, ...guise }, calls);
      timeMs += random.exponential(HOUR_MS / 6);
    }
  }
  calls.sort((a, b) => a.timeMs - b.timeMs);
  const episode: Episode = {
    ...{ id: `campaign-${name}`, kind: 'theft', what: name, place, startMs: calls[0]?.timeMs ?? startMs },
    keys: victims.map(({ key }) => key),
  };
  return { episode, calls: calls.map((call) => ({ ...call, episode: episode.id })), references };
}

function playStep(
  { api, random }: Stage,
  who: Principal,
  { do: operation, times = [1, 1], chance = 1, on, as, body, gain }: CampaignStep,
  way: { wave: string; pause: number; timeMs: number; ip: string; userAgent: string },
  into: ThiefCall[],
): number {
  let { timeMs } = way;
  if (!random.chance(chance)) return timeMs;
  for (let n = random.int(...times); n > 0; n--) {
    const call = api.call(random, operation, who.tenant.objects, on === undefined ? undefined : `\${${on}}`);
    into.push({
      timeMs: Math.round(timeMs),
      ...{ key: who.key, tenant: who.tenant.id, principal: who.id, ip: way.ip, userAgent: way.userAgent },
      ...call,
      ...{ status: 200, operation, wave: way.wave },
      ...(as === undefined ? {} : { as }),
      ...(body === undefined ? {} : { body }),
      ...(gain === undefined ? {} : { gain }),
    });
    timeMs += call.latencyMs + 1000 * random.logNormal(way.pause, 0.8);
  }
  return timeMs;
}

function addressOf(random: Random, place: CampaignPlace, who: Principal, rented: string): string {
  switch (place) {
    case 'abroad':
      return rented;
    case 'same-cloud':
      return addressIn(random, random.pick<Network>(who.region ?? random.pick(CLOUD_REGIONS)));
    case 'own-network':
      return who.place(random);
  }
}

/** A call with the ids of what it names; what is not known has an id of zeros: the thief tries all the same. */
export function resolved(call: ThiefCall, references: References): ThiefCall {
  const fill = (text: string) =>
    text.replace(/\$\{(\w+)\}/g, (_, known: string) => references.get(known) ?? '0'.repeat(24));
  return {
    ...call,
    path: fill(call.path),
    ...(call.body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(call.body))) as unknown }),
  };
}
