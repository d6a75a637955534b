import { counted } from '../core/counted.js';
import type { KeyRecord } from '../core/key.js';
import type { KeyRadius } from './blast-radius.js';
import type { JournalCall } from './call.js';
import type { Trail } from './incident.js';
import { networkOf } from './lead.js';

/** Keys that are listed as left alone; the others are counted. */
const LISTED_MAX = 10_000;
/** Networks that so few calls of all keys come from tell an attacker from neighbours. */
const TELLING_NATS = 5;
const LINEAGE_MAX = 10_000;

/** A key to contain, and why. */
export interface ContainedKey {
  readonly key: string;
  readonly tenant: string;
  readonly why: readonly string[];
}

/** A key to leave alone, and why. */
export interface LeftAlone {
  readonly key: string;
  readonly tenant: string;
  /** Since the first finding. */
  readonly requests: number;
  readonly flagged: number;
  readonly fromPlaces: number;
  readonly why: string;
}

/** The smallest set of keys to contain, with the evidence for each key in it and each key left alone. */
export interface ExactSet {
  readonly sinceMs: number;
  /** Networks that count as the incident's. */
  readonly places: readonly string[];
  readonly contain: readonly ContainedKey[];
  readonly leftAlone: readonly LeftAlone[];
  readonly notListed: number;
  /** Keys without any request since then. */
  readonly silent: number;
}

export interface ExactSetFacts {
  /** From when on requests are counted. */
  readonly firstMs: number;
  readonly trails: readonly Trail[];
  readonly radii: readonly KeyRadius[];
  /** Keys that an operator names as stolen. */
  readonly asked?: readonly string[];
  readonly keys: Iterable<
    Pick<KeyRecord, 'id' | 'tenant' | 'createdMs' | 'issuedWith' | 'replaces' | 'revoked'>
  >;
  /** Calls from the incident's places, of any key, from well before the compromise on. */
  readonly placeCalls: readonly JournalCall[];
  readonly requests: ReadonlyMap<string, number>;
  readonly flagged: ReadonlyMap<string, number>;
}

/** Networks of the trails, and how rare they are: of these, the places of the incident are chosen. */
export function networksOf(trails: readonly Trail[]): Map<string, number> {
  const networks = new Map<string, number>();
  for (const trail of trails)
    for (const [network, { nats }] of trail.networks)
      networks.set(network, Math.max(nats, networks.get(network) ?? 0));
  return networks;
}

/** Places that speak of the attacker: hardly anybody comes from there, or nobody else did before. */
function placesOf(trails: readonly Trail[], calls: readonly JournalCall[], sinceMs: number): string[] {
  const others = new Set<string>();
  for (const { timeMs, address } of calls) if (timeMs < sinceMs) others.add(networkOf(address));
  return [...networksOf(trails)]
    .filter(([network, nats]) => nats >= TELLING_NATS || !others.has(network))
    .map(([network]) => network);
}

export function exactSet(facts: ExactSetFacts): ExactSet {
  const { trails, radii, requests, flagged } = facts;
  const sinceMs = Math.min(facts.firstMs, ...radii.map(({ compromised }) => compromised.fromMs));
  const places = placesOf(trails, facts.placeCalls, sinceMs);
  const reasons = new Map<string, string[]>();
  const because = (key: string, why: string) => reasons.set(key, [...(reasons.get(key) ?? []), why]);
  for (const trail of trails)
    because(
      trail.key,
      `${trail.leads} ${trail.leads === 1 ? 'call' : 'calls'} unlike its own, evidence up to ${trail.peak.toFixed(1)} nats: ${trail.reasons[0]?.text ?? 'see its findings'}`,
    );
  for (const key of facts.asked ?? []) because(key, 'named by an operator');
  const from = new Set(places);
  const placeCalls = facts.placeCalls.filter(({ address }) => from.has(networkOf(address)));
  const visits = strangersAt(placeCalls, sinceMs);
  for (const [key, { fresh, networks }] of visits)
    if (fresh > 0 && !reasons.has(key))
      because(
        key,
        `${counted(fresh, 'request')} from ${networks.join(', ')}, where it never came from before`,
      );
  const records = [...facts.keys];
  for (const { child, parent, how } of lineage(records, new Set(reasons.keys()), sinceMs))
    because(child, `${how} ${parent}, which is among these`);
  const contain: ContainedKey[] = [];
  const leftAlone: LeftAlone[] = [];
  let silent = 0;
  let notListed = 0;
  for (const { id, tenant, revoked } of records) {
    const why = reasons.get(id);
    if (why !== undefined) contain.push({ key: id, tenant, why });
    else if (revoked !== undefined) continue;
    else if ((requests.get(id) ?? 0) === 0) silent += 1;
    else if (leftAlone.length >= LISTED_MAX) notListed += 1;
    else
      leftAlone.push(
        alone(id, tenant, requests.get(id) ?? 0, flagged.get(id) ?? 0, visits.get(id)?.own ?? 0),
      );
  }
  return { sinceMs, places, contain, leftAlone, notListed, silent };
}

function alone(
  key: string,
  tenant: string,
  requests: number,
  flagged: number,
  fromPlaces: number,
): LeftAlone {
  const own =
    flagged === 0
      ? 'no operation since then outside its own pattern'
      : `${counted(flagged, 'operation')} outside its own pattern, none of them tied to this incident`;
  const places =
    fromPlaces === 0
      ? `0 of its ${counted(requests, 'request')} from the places of the incident`
      : `${fromPlaces} of its ${counted(requests, 'request')} from a network of the incident, which it used before, too`;
  return { key, tenant, requests, flagged, fromPlaces, why: `${own}; ${places}` };
}

interface Visits {
  /** Requests from a network where the key had not been before the compromise. */
  fresh: number;
  own: number;
  readonly networks: string[];
}

function strangersAt(calls: readonly JournalCall[], sinceMs: number): Map<string, Visits> {
  const before = new Set<string>();
  for (const { key, timeMs, address } of calls)
    if (timeMs < sinceMs) before.add(`${key} ${networkOf(address)}`);
  const visits = new Map<string, Visits>();
  for (const { key, timeMs, address } of calls) {
    if (timeMs < sinceMs) continue;
    let visit = visits.get(key);
    if (visit === undefined) {
      visit = { fresh: 0, own: 0, networks: [] };
      visits.set(key, visit);
    }
    const network = networkOf(address);
    if (before.has(`${key} ${network}`)) visit.own += 1;
    else {
      visit.fresh += 1;
      if (!visit.networks.includes(network)) visit.networks.push(network);
    }
  }
  return visits;
}

/** Keys that came from the suspect ones since then, and from these, and so on. */
export function lineage(
  records: readonly Pick<KeyRecord, 'id' | 'createdMs' | 'issuedWith' | 'replaces'>[],
  suspects: ReadonlySet<string>,
  sinceMs: number,
): { child: string; parent: string; how: string }[] {
  const children = new Map<string, { child: string; how: string }[]>();
  const add = (parent: string, child: string, how: string) => {
    const known = children.get(parent);
    if (known === undefined) children.set(parent, [{ child, how }]);
    else known.push({ child, how });
  };
  for (const { id, createdMs, issuedWith, replaces } of records) {
    if (createdMs < sinceMs) continue;
    if (issuedWith !== undefined) add(issuedWith, id, 'issued with key');
    if (replaces !== undefined) add(replaces, id, 'replaces key');
  }
  const found: { child: string; parent: string; how: string }[] = [];
  const known = new Set(suspects);
  const queue = [...suspects];
  // Grows while it is walked.
  for (const parent of queue) {
    for (const { child, how } of children.get(parent) ?? []) {
      if (known.has(child) || found.length >= LINEAGE_MAX) continue;
      known.add(child);
      queue.push(child);
      found.push({ child, parent, how });
    }
  }
  return found;
}
