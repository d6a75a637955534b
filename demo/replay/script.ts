import { fileURLToPath } from 'node:url';
import type { Call } from '../../world/call.js';
import {
  type Campaign,
  type Planned,
  planCampaign,
  readCampaigns,
  type ThiefCall,
  victimsOf,
} from '../../world/campaign.js';
import { JUMPCLOUD } from '../../world/jumpcloud.js';
import type { Principal } from '../../world/principals.js';
import { Random } from '../../world/random.js';
import { DAY_MS, HOUR_MS, live, newStage } from '../../world/traffic.js';
import { castOf, type Organisation } from './cast.js';

/** Monday, 12 June 2023. */
export const BEGIN_MS = Date.UTC(2023, 5, 12);

/** What is played: everybody's calls, the thief's, and when. Both sides play the same. */
export interface Script {
  readonly campaign: Campaign;
  readonly principals: readonly Principal[];
  readonly victims: readonly Principal[];
  /** Of owners, in order of time. */
  readonly calls: readonly Call[];
  readonly plan: Planned;
  readonly theftMs: number;
  readonly endMs: number;
  /** The command that is slipped into the provider's own queue: for which victim's device, and when. */
  readonly injection: (Slipped & { readonly victim: Principal; readonly atMs: number }) | undefined;
}

type Slipped = NonNullable<Campaign['injection']>;

export interface ScriptOptions {
  readonly seed: number;
  /** Days before the thief, in which the guard learns. */
  readonly days: number;
  readonly campaign: Campaign;
}

const CAMPAIGNS = fileURLToPath(new URL('../../../world/campaigns', import.meta.url));
/** The thief comes at night, as he did. */
const THEFT_HOUR = 2;
/** Life after the thief, in which the people on duty look once more. */
const AFTERMATH_MS = 8 * HOUR_MS;

/** @throws {Error} that names the campaigns there are */
export function campaignOf(name: string): Campaign {
  const campaigns = readCampaigns(CAMPAIGNS);
  const campaign = campaigns.find((each) => each.name === name);
  if (campaign === undefined)
    throw new Error(
      `There is no campaign ${name}; there are ${campaigns.map((each) => each.name).join(', ')}.`,
    );
  return campaign;
}

export function scriptOf(
  organisations: readonly Organisation[],
  { seed, days, campaign }: ScriptOptions,
): Script {
  const random = new Random(seed);
  const principals = castOf(random, organisations);
  const stage = newStage(JUMPCLOUD, random, BEGIN_MS, days);
  const theftMs = BEGIN_MS + days * DAY_MS + THEFT_HOUR * HOUR_MS;
  const victims = victimsOf(campaign, random.shuffled(principals));
  const [place, pause] = [campaign.places[0] ?? 'abroad', campaign.pauses[0] ?? 10];
  const plan = planCampaign(stage, campaign, victims, { place, pause }, theftMs);
  const lastMs = plan.calls.at(-1)?.timeMs ?? theftMs;
  const injection = campaign.injection && {
    ...{ ...campaign.injection, victim: victims[0] as Principal },
    atMs: lastMs + campaign.injection.afterHours * HOUR_MS,
  };
  const endMs = (injection?.atMs ?? lastMs) + AFTERMATH_MS;
  for (const who of principals) live(stage, who, BEGIN_MS, endMs);
  const calls = stage.out.filter(({ timeMs }) => timeMs < endMs).sort((a, b) => a.timeMs - b.timeMs);
  return { campaign, principals, victims, calls, plan, theftMs, endMs, injection };
}

export function isThief(call: Call): call is ThiefCall {
  return 'wave' in call;
}
