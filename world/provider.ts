import type { Network } from './places.js';
import type { Random } from './random.js';

/** One operation of a workflow, by its name in the catalog. */
export interface Step {
  readonly operation: string;
  /** Times it is repeated, at least and at most. */
  readonly times?: readonly [number, number];
  /** How often it is done at all. */
  readonly chance?: number;
}

export type Workflow = readonly Step[];

/** A scheduled program, run every so many minutes. */
export interface Service {
  readonly name: string;
  readonly everyMinutes: number;
  /** Share of that time by which a run is late. */
  readonly jitter: number;
  readonly workdays: boolean;
  /** Local hours in which it runs; absent: all. */
  readonly hours?: readonly [number, number];
  /** Each run is one of them. */
  readonly flows: readonly Workflow[];
  /** What otherwise only people do. */
  readonly also?: readonly Burst[];
  /** Who runs it for many tenants, all from the same addresses and with one client; absent: each tenant by itself. */
  readonly vendor?: Home & { readonly client: string };
}

/** Where a program runs. */
export interface Home {
  readonly region: readonly Network[];
  /** Draws the address of a session. */
  readonly place: (random: Random) => string;
}

/** How far life is from routine: what makes owners look like thieves. */
export interface Unrest {
  /** Of what people do, the share that is none of their usual work, on average: they differ widely. */
  readonly wandering: number;
  /** Further networks of a person, at most. */
  readonly networks: number;
  /** Days between two versions of a client, and the share of keys whose clients follow them. */
  readonly updateDays: number;
  readonly updated: number;
  /** Of a service's days, those on which its owner tries something by hand with its key. */
  readonly debugging: number;
  /** Share of keys that a language model works with: wide, and quick. */
  readonly agents: number;
  /** Something out of all that there is to do. */
  readonly anything: (random: Random) => Workflow;
}

/** Much at once, for good reason. */
export type Burst = 'incident-night' | 'access-review' | 'onboarding';

/** The objects of one tenant, as ids, by the path segment that stands before them; early ones are popular. */
export type Objects = Readonly<Record<string, readonly string[]>>;

/** Whose API a world is about: its operations, what owners do with them, and what thieves come for. */
export interface Provider {
  /** Where operations have their paths and privileges from. */
  readonly catalog: string;
  readonly services: readonly Service[];
  /** Of all keys, those of services; the others are people's. */
  readonly serviceShare: number;
  /** What people do. */
  readonly handFlows: readonly Workflow[];
  /** Absent: everybody goes by what was drawn for them. */
  readonly unrest?: Unrest;
  /** Median seconds between two calls. */
  readonly pauses: { readonly service: number; readonly person: number };
  readonly bursts: Readonly<Record<Burst, Workflow>>;
  readonly thefts: readonly { readonly name: string; readonly flow: Workflow }[];
  /** What a thief looks around with before he acts. */
  readonly reconnaissance: Workflow;
  /** What he tries keys with. */
  readonly harvest: Workflow;
  /** @param size roughly the users of the tenant */
  readonly newObjects: (random: Random, size: number) => Objects;
}

export const step = (operation: string, times?: readonly [number, number], chance?: number): Step => ({
  operation,
  ...(times === undefined ? {} : { times }),
  ...(chance === undefined ? {} : { chance }),
});
