import type { NetworkKind, Observation } from '../core/observation.js';
import type { Actor, Outcome } from './contract.js';
import { combine, hashFamily, hashText } from './hash.js';

/** What a symbol is about; part of its hash. */
export const Kind = {
  client: 1,
  family: 2,
  prefix: 3,
  asn: 4,
  country: 5,
  operation: 6,
  following: 7,
  followers: 8,
  component: 9,
  object: 10,
  begun: 11,
} as const;

/** Kinds whose totals a baseline keeps, in its order. */
export const TALLIED = [
  Kind.client,
  Kind.family,
  Kind.prefix,
  Kind.asn,
  Kind.country,
  Kind.operation,
  Kind.component,
  Kind.object,
] as const;

export const OBJECTS_MAX = 32;
/** Kinds of networks that a histogram tells apart. */
const NETWORK_KINDS: readonly NetworkKind[] = ['hosting', 'residential', 'tor', 'vpn', 'private'];
const HOUR_MS = 3_600_000;

/** An observation reduced to hashes and small numbers: what baselines are made of. No text survives. */
export interface Symbols {
  readonly timeMs: number;
  /** Hours and days since 1970. */
  readonly hourIndex: number;
  readonly dayIndex: number;
  /** 0–23 and 0–6 (Sunday first), UTC. */
  readonly hour: number;
  readonly weekday: number;
  /** Hashes; 0 where the observation does not say. */
  readonly client: number;
  readonly family: number;
  readonly prefix: number;
  readonly asn: number;
  readonly country: number;
  /** Place and tool together. */
  readonly source: number;
  /** Kind of network, as an index; −1 where unknown. */
  readonly networkKind: number;
  readonly operation: number;
  /** Of the operation, 0–4. */
  readonly privilege: number;
  readonly component: number;
  readonly objects: readonly number[];
  /** Logarithmic class. */
  readonly breadth: number;
  /** −1 where unknown. */
  readonly bytesOut: number;
  readonly status: number;
  /** Scopes whose habits the key may borrow; 0 for none. */
  readonly tenant: number;
  readonly peers: number;
}

export function symbolsOf(actor: Actor, observation: Observation, outcome?: Outcome): Symbols {
  const { timeMs, userAgent, place, operation } = observation;
  const { hourIndex, dayIndex, hour, weekday } = timesOf(timeMs);
  const family = userAgent === '' ? 0 : combine(Kind.family, hashFamily(userAgent));
  const prefix = prefixOf(observation.address);
  const client = userAgent === '' ? 0 : combine(Kind.client, hashText(userAgent));
  const prefixHash = prefix === '' ? 0 : combine(Kind.prefix, hashText(prefix));
  return {
    timeMs,
    hourIndex,
    dayIndex,
    hour,
    weekday,
    client,
    family,
    prefix: prefixHash,
    source: combine(prefixHash, client),
    asn: prefix === '' ? 0 : combine(Kind.asn, hashText(place.asn === undefined ? prefix : `AS${place.asn}`)),
    country: place.country === undefined ? 0 : combine(Kind.country, hashText(place.country)),
    networkKind: NETWORK_KINDS.indexOf(place.kind),
    operation: combine(Kind.operation, hashText(operation.name)),
    privilege: operation.privilege,
    component: combine(Kind.component, hashText(componentOf(operation.name))),
    objects: observation.objects.slice(0, OBJECTS_MAX).map(objectHash),
    breadth: Math.min(7, Math.floor(Math.log2(1 + observation.objects.length))),
    bytesOut: outcome?.bytesOut ?? -1,
    status: statusClass(outcome?.status),
    tenant: actor.tenant === undefined ? 0 : hashText(actor.tenant, 0x7e4a47),
    peers: family === 0 ? 0 : combine(0x9ee4, family),
  };
}

function objectHash(object: string): number {
  return combine(Kind.object, hashText(object));
}

/** The same with what came back. */
export function withOutcome(symbols: Symbols, outcome: Outcome): Symbols {
  return { ...symbols, status: statusClass(outcome.status), bytesOut: outcome.bytesOut ?? -1 };
}

/** The same call at another time. */
export function movedTo(symbols: Symbols, timeMs: number): Symbols {
  return { ...symbols, ...timesOf(timeMs) };
}

/** The same call with another's software. */
export function withClientOf(symbols: Symbols, { client, family, peers }: Symbols): Symbols {
  return { ...symbols, client, family, peers, source: combine(symbols.prefix, client) };
}

/** The same call from another's place. */
export function withPlaceOf(symbols: Symbols, { prefix, asn, country, networkKind }: Symbols): Symbols {
  return { ...symbols, prefix, asn, country, networkKind, source: combine(prefix, symbols.client) };
}

function timesOf(timeMs: number): Pick<Symbols, 'timeMs' | 'hourIndex' | 'dayIndex' | 'hour' | 'weekday'> {
  const hourIndex = Math.floor(timeMs / HOUR_MS);
  const dayIndex = Math.floor(hourIndex / 24);
  // 1970 began on a Thursday.
  return { timeMs, hourIndex, dayIndex, hour: modulo(hourIndex, 24), weekday: modulo(dayIndex + 4, 7) };
}

function modulo(n: number, by: number): number {
  return ((n % by) + by) % by;
}

/** The part of an operation's name that says what it is about: `systemusers` of `systemusers.update`. */
function componentOf(name: string): string {
  const dot = name.indexOf('.');
  const slash = name.indexOf('/');
  if (slash >= 0 && (dot < 0 || slash < dot)) {
    // Three segments, without the arrays of a split.
    let end = slash;
    for (let n = 0; n < 3 && end >= 0; n++) end = name.indexOf('/', end + 1);
    return name.slice(slash + 1, end < 0 ? undefined : end);
  }
  if (dot < 0) return name;
  // `verb.component/detail` and `component.verb` alike: the longer-lived half is the one before a slash.
  return slash < 0 ? name.slice(0, dot) : name.slice(dot + 1, slash);
}

/** /24 of an IPv4 address, /48 of an IPv6 one; empty where there is no address. */
function prefixOf(address: string): string {
  if (address === '') return '';
  if (!address.includes(':')) return address.slice(0, address.lastIndexOf('.'));
  const groups = address.split(':', 3);
  return groups.join(':');
}

/** 0 unknown-low … : 1xx/2xx, 3xx, 400, 401/403, 404, other 4xx, 429, 5xx. */
function statusClass(status: number | undefined): number {
  if (status === undefined) return -1;
  if (status < 300) return 0;
  if (status < 400) return 1;
  if (status >= 500) return 7;
  if (status === 400) return 2;
  if (status === 401 || status === 403) return 3;
  if (status === 404) return 4;
  return status === 429 ? 6 : 5;
}
