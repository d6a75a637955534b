/** Privilege of an operation: 0 public read, 1 read, 2 write, 3 changes access, 4 takes over accounts, devices or keys. */
export type Privilege = 0 | 1 | 2 | 3 | 4;

/** From this privilege on, a decision is on disk before the request is forwarded. */
export const PRIVILEGED_FROM: Privilege = 3;

/** A named kind of request: method and path template, e.g. `PUT /api/systemusers/{id}`. */
export interface Operation {
  readonly name: string;
  /** `METHOD /template`; for an operation no catalog knows, the method alone. */
  readonly template: string;
  readonly privilege: Privilege;
}

/** What kind of network an address belongs to; `unknown` where no database says. */
export type NetworkKind = 'hosting' | 'residential' | 'tor' | 'vpn' | 'private' | 'unknown';

/** Where an address is, as far as the offline databases know. */
export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
  readonly asn?: number;
  readonly network?: string;
  readonly kind: NetworkKind;
}

/** The facts of one request. Time is part of it: the core has no clock. */
export interface Observation {
  readonly timeMs: number;
  readonly upstream: string;
  readonly method: string;
  /** As received, without the query. */
  readonly path: string;
  readonly operation: Operation;
  /** Canonical text of the client's address: IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  readonly place: Place;
  readonly userAgent: string;
  /** Ids of what the request touches, as far as path or log say. */
  readonly objects: readonly string[];
  /** Declared length of the request body; undefined when chunked. */
  readonly bodyBytes: number | undefined;
}
