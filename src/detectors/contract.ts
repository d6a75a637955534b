import type { Observation } from '../core/observation.js';

/** Whose baseline an observation belongs to. */
export interface Actor {
  /** Stable identity of the credential: the key's id, or the client id behind short-lived tokens. */
  readonly key: string;
  readonly tenant?: string;
  /** The owner across rotations: a new key of a known principal starts from that one's baseline. */
  readonly principal?: string;
}

/** What came back, where it is known already: a log has it on the line, a live request only afterwards. */
export interface Outcome {
  readonly status?: number;
  readonly bytesOut?: number;
  readonly latencyMs?: number;
}

/** What explanations speak of: groups of features, and what is known beside them. */
export type Term =
  | 'network'
  | 'client'
  | 'operation'
  | 'objects'
  | 'time'
  | 'volume'
  | 'outcome'
  | 'privilege'
  | 'beginnings'
  | 'visitor'
  | 'strangers';

/** One term's part in the score. */
export interface TermScore {
  readonly term: Term;
  /** Log-likelihood ratio "somebody else" against "the owner". */
  readonly nats: number;
}

/** Observations before a key's evidence means anything. */
export const WARM_UP = 20;

/** What the detector makes of one observation. */
export interface Assessment {
  /** `warming` until the key has shown enough of itself; its evidence is 0 and means nothing. */
  readonly state: 'warming' | 'ready';
  /** Nats, this observation alone. */
  readonly score: number;
  /**
   * Log-odds of an impostor, never below 0, from where one call in some hundred is his; where the call is privileged, more: a
   * miss costs more. Comparable across keys.
   */
  readonly evidence: number;
}

/** One feature of an observation: its index is its place in every vector of the detector. */
export interface Feature {
  readonly name: string;
  readonly term: Term;
}

export const FEATURES = [
  { name: 'network', term: 'network' },
  { name: 'country', term: 'network' },
  { name: 'networkKind', term: 'network' },
  { name: 'networkChange', term: 'network' },
  { name: 'client', term: 'client' },
  { name: 'clientChange', term: 'client' },
  { name: 'operationInContext', term: 'operation' },
  { name: 'operation', term: 'operation' },
  { name: 'component', term: 'operation' },
  { name: 'objects', term: 'objects' },
  { name: 'othersObjects', term: 'objects' },
  { name: 'breadth', term: 'objects' },
  { name: 'hour', term: 'time' },
  { name: 'weekday', term: 'time' },
  { name: 'pace', term: 'volume' },
  { name: 'burst', term: 'volume' },
  { name: 'status', term: 'outcome' },
  { name: 'outflow', term: 'outcome' },
] as const satisfies readonly Feature[];

export const FEATURE_COUNT = FEATURES.length;

/** Positions in a feature vector by name. */
export const AT = Object.fromEntries(FEATURES.map(({ name }, i) => [name, i])) as Record<
  (typeof FEATURES)[number]['name'],
  number
>;

/** What follows from place and tool alone: the same from call to call, until these are learned again. */
export const SOURCE_FEATURES = [AT.network, AT.country, AT.networkKind, AT.client] as const;

export interface Sighting {
  readonly actor: Actor;
  readonly observation: Observation;
  readonly outcome?: Outcome;
}
