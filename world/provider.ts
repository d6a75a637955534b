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
