import type { Call, Episode } from './call.js';
import { type Campaign, type Play, planCampaign, resolved, victimsOf } from './campaign.js';
import { playChange, playHarvest, playTheft, playVendorMove } from './episodes.js';
import { JUMPCLOUD } from './jumpcloud.js';
import { newHome, newPrincipal, newTenants } from './principals.js';
import type { Provider } from './provider.js';
import { Random } from './random.js';
import { DAY_MS, live, newStage, type Stage } from './traffic.js';
import { playCampaign } from './waves.js';

export interface WorldOptions {
  readonly seed: number;
  readonly provider?: Provider;
  readonly days?: number;
  readonly keys?: number;
  /** Thefts and legitimate changes, each of another principal. */
  readonly thefts?: number;
  readonly changes?: number;
  /** Attackers who come with the keys of several tenants, in waves. */
  readonly campaigns?: number;
  /** Campaigns from files, each against keys of its own. */
  readonly plots?: readonly { readonly campaign: Campaign; readonly play: Play }[];
}

export interface World {
  /** In order of time. */
  readonly calls: readonly Call[];
  readonly episodes: readonly Episode[];
}

const MONDAY = Date.UTC(2026, 5, 1);
const HARVESTED = 14;

/**
 * The admin-API traffic of a provider: tenants, their services and people, thieves, and changes that are none of
 * a thief's. The same options give the same world.
 */
export function newWorld({
  seed,
  provider = JUMPCLOUD,
  days = 28,
  keys = 165,
  thefts = 36,
  changes = 44,
  campaigns = 0,
  plots = [],
}: WorldOptions): World {
  const random = new Random(seed);
  const tenants = newTenants(provider, random, Math.max(2, Math.round(keys / 6)));
  const principals = Array.from({ length: keys }, (_, n) =>
    newPrincipal(provider, random, random.zipf(tenants, 0.6), days, n),
  );
  const stage = newStage(provider, random, MONDAY, days);
  const episodes: Episode[] = [];
  const settled = random.shuffled(principals.filter(({ from, to }) => from < days * 0.3 && to === days));
  // Who is there and hardly ever calls has no habits that a theft could differ from.
  const busy = settled.filter((who) => who.service !== undefined || who.diligence > 1);
  const victims = busy.slice(0, thefts);
  const others = settled.filter((who) => !victims.includes(who));
  const changing = new Set(others.slice(0, changes));
  const move = vendorMove(provider, random, stage);
  let change = 0;
  for (const who of principals) {
    const fromMs = stage.startMs + who.from * DAY_MS;
    const toMs = stage.startMs + who.to * DAY_MS;
    if (!changing.has(who)) {
      const moves = move !== undefined && who.service === move.service && !victims.includes(who);
      live(stage, who, fromMs, moves ? Math.min(toMs, move.startMs) : toMs);
      if (moves && toMs > move.startMs) episodes.push(playVendorMove(stage, who, move.startMs, move.home));
      continue;
    }
    const { episode, endMs } = playChange(stage, who, change++);
    episodes.push(episode);
    live(stage, who, fromMs, endMs);
  }
  for (const [n, who] of victims.entries()) episodes.push(playTheft(stage, who, n));
  const harvested = others.slice(changes, changes + HARVESTED);
  if (thefts > 0 && harvested.length > 2) episodes.push(playHarvest(stage, harvested));
  const free = busy.slice(thefts).filter((who) => !changing.has(who) && !harvested.includes(who));
  let next = 0;
  for (let n = 0; n < campaigns; n++) {
    const hit = free.slice(next, next + random.int(3, 9));
    next += hit.length;
    if (hit.length > 1) episodes.push(playCampaign(stage, hit, n));
  }
  let left = free.slice(next);
  for (const { campaign, play } of plots) {
    const hit = victimsOf(campaign, left);
    left = left.filter((who) => !hit.includes(who));
    const startMs = stage.startMs + random.between(days * 0.5, days * 0.8) * DAY_MS;
    const { calls, episode, references } = planCampaign(stage, campaign, hit, play, startMs);
    stage.out.push(...calls.map((call) => resolved(call, references.get(call.key) ?? new Map())));
    episodes.push(episode);
  }
  const calls = stage.out.filter(({ timeMs }) => timeMs < stage.startMs + days * DAY_MS);
  return { calls: calls.sort((a, b) => a.timeMs - b.timeMs), episodes };
}

/** In some worlds one of the vendors moves to other addresses. */
function vendorMove({ services, unrest }: Provider, random: Random, { startMs, days }: Stage) {
  if (unrest === undefined) return undefined;
  const vendors = services.filter(({ vendor }) => vendor !== undefined);
  if (vendors.length === 0 || !random.chance(0.7)) return undefined;
  return {
    service: random.pick(vendors),
    startMs: startMs + random.between(days * 0.4, days * 0.85) * DAY_MS,
    home: newHome(random),
  };
}
