import type { DecisionEntry } from '../journal/entry.js';

/** How rare each trait of a call is among all keys, in nats. */
export type Rarity = NonNullable<NonNullable<DecisionEntry['finding']>['rarity']>;

/** One finding as incidents are made of: a call that its key's behaviour speaks against. */
export interface Lead {
  readonly timeMs: number;
  /** Id of the request: the same lead is taken once. */
  readonly request: string;
  readonly key: string;
  readonly tenant: string;
  readonly principal: string;
  readonly address: string;
  /** /24 or /48. */
  readonly network: string;
  readonly asn: number | undefined;
  readonly country: string | undefined;
  readonly client: string;
  readonly operation: string;
  /** Ids of what it names. */
  readonly targets: readonly string[];
  readonly privilege: number;
  /** It was forwarded all the same. */
  readonly forwarded: boolean;
  /** Its key is to be frozen for it. */
  readonly freeze?: true | undefined;
  readonly evidence: number;
  readonly rarity: Rarity;
  readonly reasons: readonly { readonly term: string; readonly nats: number; readonly text: string }[];
}

/** A value of a trail's trait, how often it came and how rare it is. */
export interface Trait {
  count: number;
  nats: number;
}

/** Leads of one key that belong together: one visitor with one key. */
export interface Trail {
  readonly key: string;
  readonly tenant: string;
  readonly principal: string;
  readonly firstMs: number;
  lastMs: number;
  leads: number;
  /** Of privilege 3 and more. */
  privileged: number;
  forwarded: number;
  peak: number;
  /** Of the lead with the most evidence. */
  reasons: Lead['reasons'];
  readonly networks: Map<string, Trait>;
  readonly asns: Map<string, Trait>;
  readonly clients: Map<string, Trait>;
  readonly operations: Map<string, Trait>;
  /** Operations in their order: `a → b`. */
  readonly steps: Set<string>;
  lastOperation: string;
  readonly targets: Set<string>;
  readonly countries: Set<string>;
}

/** Something that was done to an incident, by the correlator (`keyward`) or an operator, and why. */
export interface IncidentEvent {
  readonly atMs: number;
  readonly by: string;
  readonly act: 'opened' | 'joined' | 'merged' | 'split' | 'closed' | 'reopened' | 'contained' | 'undone';
  readonly why: string;
}

export type Verdict = 'theft' | 'false_alarm';

/** Trails that belong together: the same attacker, tool, place or target, across keys and tenants. */
export interface Incident {
  readonly id: string;
  state: 'open' | 'closed' | 'merged';
  /** What it was, once it is closed. */
  verdict?: Verdict;
  mergedInto?: string;
  readonly openedMs: number;
  lastMs: number;
  readonly trails: Trail[];
  /** Incidents that an operator took it apart from: they are not put together again. */
  readonly apartFrom: Set<string>;
  readonly history: IncidentEvent[];
}

/** Keys of an incident, each once. */
export function keysOf({ trails }: Pick<Incident, 'trails'>): string[] {
  return [...new Set(trails.map(({ key }) => key))];
}

export function tenantsOf({ trails }: Pick<Incident, 'trails'>): string[] {
  return [...new Set(trails.map(({ tenant }) => tenant))];
}
