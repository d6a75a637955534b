import type { Observation } from '../core/observation.js';
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
} as const;

/** Kinds whose totals a baseline keeps, in its order. */
export const TALLIED = [
  Kind.client,
  Kind.family,
  Kind.prefix,
  Kind.asn,
  Kind.operation,
  Kind.component,
  Kind.object,
] as const;

export const OBJECTS_MAX = 32;
const HOUR_MS = 3_600_000;

/** An observation reduced to hashes and small numbers: what baselines are made of. No text survives. */
export interface Symbols {
  readonly timeMs: number;
  readonly hourIndex: number;
  /** 0–23 and 0–6 (Sunday first), UTC. */
  readonly hour: number;
  readonly weekday: number;
  /** Hashes; 0 where the observation does not say. */
  readonly client: number;
  readonly family: number;
  readonly prefix: number;
  readonly asn: number;
  readonly country: number;
  readonly operation: number;
  readonly component: number;
  readonly objects: readonly number[];
  /** Logarithmic classes; −1 where unknown. */
  readonly requestSize: number;
  readonly responseSize: number;
  readonly breadth: number;
  readonly status: number;
  /** Scopes whose habits the key may borrow; 0 for none. */
  readonly tenant: number;
  readonly peers: number;
}

export function symbolsOf(actor: Actor, observation: Observation, outcome?: Outcome): Symbols {
  const { timeMs, userAgent, place, operation } = observation;
  const { hourIndex, hour, weekday } = timesOf(timeMs);
  const family = userAgent === '' ? 0 : combine(Kind.family, hashFamily(userAgent));
  const objects: number[] = [];
  for (const object of observation.objects) {
    if (objects.length === OBJECTS_MAX) break;
    objects.push(combine(Kind.object, hashText(object)));
  }
  const prefix = prefixOf(observation.address);
  return {
    timeMs,
    hourIndex,
    hour,
    weekday,
    client: userAgent === '' ? 0 : combine(Kind.client, hashText(userAgent)),
    family,
    prefix: prefix === '' ? 0 : combine(Kind.prefix, hashText(prefix)),
    asn: prefix === '' ? 0 : combine(Kind.asn, hashText(place.asn === undefined ? prefix : `AS${place.asn}`)),
    country: place.country === undefined ? 0 : combine(Kind.country, hashText(place.country)),
    operation: combine(Kind.operation, hashText(operation.name)),
    component: combine(Kind.component, hashText(componentOf(operation.name))),
    objects,
    requestSize: sizeClass(observation.bodyBytes),
    responseSize: sizeClass(outcome?.bytesOut),
    breadth: Math.min(7, sizeClass(observation.objects.length)),
    status: statusClass(outcome?.status),
    tenant: actor.tenant === undefined ? 0 : hashText(actor.tenant, 0x7e4a47),
    peers: family === 0 ? 0 : combine(0x9ee4, family),
  };
}

/** The same with what came back. */
export function withOutcome(symbols: Symbols, outcome: Outcome): Symbols {
  return { ...symbols, status: statusClass(outcome.status), responseSize: sizeClass(outcome.bytesOut) };
}

/** The same call at another time. */
export function movedTo(symbols: Symbols, timeMs: number): Symbols {
  return { ...symbols, ...timesOf(timeMs) };
}

/** The same call with another's software. */
export function withClientOf(symbols: Symbols, { client, family, peers }: Symbols): Symbols {
  return { ...symbols, client, family, peers };
}

/** The same call from another's place. */
export function withPlaceOf(symbols: Symbols, { prefix, asn, country }: Symbols): Symbols {
  return { ...symbols, prefix, asn, country };
}

function timesOf(timeMs: number): Pick<Symbols, 'timeMs' | 'hourIndex' | 'hour' | 'weekday'> {
  const hourIndex = Math.floor(timeMs / HOUR_MS);
  // 1970 began on a Thursday.
  const weekday = modulo(Math.floor(hourIndex / 24) + 4, 7);
  return { timeMs, hourIndex, hour: modulo(hourIndex, 24), weekday };
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

function sizeClass(bytes: number | undefined): number {
  return bytes === undefined ? -1 : Math.max(0, Math.min(15, Math.floor(Math.log2(1 + bytes))));
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
