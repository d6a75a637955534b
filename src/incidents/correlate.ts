import type { Incident, IncidentEvent, Lead, Trail, Trait, Verdict } from './incident.js';
import { LINKED_FROM, linkOf } from './link.js';

const DAY_MS = 86_400_000;
/** A visitor who comes back with the same key within this time goes on with his trail. */
const TRAIL_GAP_MS = 7 * DAY_MS;
/** Trails this old are not joined any more. */
const MEMORY_MS = 30 * DAY_MS;
/** Values of a trait that a trail remembers; trails that are looked at for one lead. */
const VALUES_MAX = 64;
const CANDIDATES_MAX = 256;
/** Trails of one key; from here on the last one goes on. */
const TRAILS_MAX = 100;
/** Values that so many trails share bind nobody. */
const COMMON_MAX = 2_000;
const HISTORY_MAX = 1_000;
const BY = 'keyward';

/** What an operator asked for and cannot be. The text is for the operator. */
export class IncidentFault extends Error {
  override readonly name = 'IncidentFault';
}

/**
 * Puts leads together: those of one key into trails, trails that one attacker explains better than chance into incidents.
 * Deterministic, streaming; time comes with the lead.
 */
export class Correlator {
  readonly incidents = new Map<string, Incident>();
  readonly #idOf: (cause: string) => string;
  readonly #incidentOf = new Map<Trail, Incident>();
  readonly #trailsOfKey = new Map<string, Trail[]>();
  /** Trails by a value of network, autonomous system or client. */
  readonly #byTrait = new Map<string, Set<Trail>>();

  /** @param idOf what an incident is called that this cause began: the same one when findings are read anew after a crash */
  constructor(idOf: (cause: string) => string) {
    this.#idOf = idOf;
  }

  /** Takes an incident that was kept elsewhere. */
  restore(incident: Incident): void {
    this.incidents.set(incident.id, incident);
    for (const trail of incident.trails) {
      this.#incidentOf.set(trail, incident);
      push(this.#trailsOfKey, trail.key, trail);
      this.#index(trail);
    }
  }

  /** @returns the incidents that changed, the one that the lead belongs to first */
  note(lead: Lead): Incident[] {
    const trail = this.#trailOf(lead) ?? this.#begin(lead);
    follow(trail, lead);
    this.#index(trail);
    const incident = this.#incidentOf.get(trail) as Incident;
    incident.lastMs = Math.max(incident.lastMs, lead.timeMs);
    if (incident.state === 'closed' && incident.verdict === 'theft') {
      incident.state = 'open';
      record(incident, lead.timeMs, BY, 'reopened', `key ${lead.key} was seen again: ${lead.operation}`);
    }
    return this.#gather(trail, lead.timeMs);
  }

  /** Makes two incidents one. @throws IncidentFault */
  merge(id: string, otherId: string, by: string, why: string, atMs: number): Incident {
    const [one, other] = [this.#standing(id), this.#standing(otherId)];
    if (one === other) throw new IncidentFault(`${id} cannot be merged with itself.`);
    one.apartFrom.delete(other.id);
    other.apartFrom.delete(one.id);
    return this.#join(one, other, by, why, atMs);
  }

  /** Takes keys out into an incident of their own. @throws IncidentFault */
  split(id: string, keys: readonly string[], by: string, why: string, atMs: number): Incident {
    const from = this.#standing(id);
    const wanted = new Set(keys);
    const moved = from.trails.filter(({ key }) => wanted.has(key));
    const there = new Set(moved.map(({ key }) => key));
    const missing = keys.filter((key) => !there.has(key));
    if (missing.length > 0) throw new IncidentFault(`${id} has no key ${missing.join(', ')}.`);
    const kept = from.trails.filter(({ key }) => !wanted.has(key));
    if (moved.length === 0 || kept.length === 0)
      throw new IncidentFault(
        `A split leaves keys on both sides; ${id} has ${new Set(from.trails.map(({ key }) => key)).size}.`,
      );
    from.trails.splice(0, from.trails.length, ...kept);
    from.lastMs = latest(kept);
    const part: Incident = {
      id: this.#idOf(`split ${id} ${atMs} ${keys.join(' ')}`),
      state: 'open',
      openedMs: atMs,
      lastMs: latest(moved),
      trails: moved,
      apartFrom: new Set([from.id]),
      history: [],
    };
    for (const trail of moved) this.#incidentOf.set(trail, part);
    this.incidents.set(part.id, part);
    record(from, atMs, by, 'split', `${keys.join(', ')} went to ${part.id}: ${why}`);
    record(part, atMs, by, 'split', `from ${from.id}: ${why}`);
    return part;
  }

  /** @throws IncidentFault */
  close(id: string, verdict: Verdict, by: string, why: string, atMs: number): Incident {
    const incident = this.#standing(id);
    if (incident.state === 'closed') throw new IncidentFault(`${id} is closed already.`);
    incident.state = 'closed';
    incident.verdict = verdict;
    record(incident, atMs, by, 'closed', `${verdict}: ${why}`);
    return incident;
  }

  /** @throws IncidentFault */
  reopen(id: string, by: string, why: string, atMs: number): Incident {
    const incident = this.#standing(id);
    if (incident.state === 'open') throw new IncidentFault(`${id} is open already.`);
    incident.state = 'open';
    delete incident.verdict;
    record(incident, atMs, by, 'reopened', why);
    return incident;
  }

  #standing(id: string): Incident {
    const incident = this.incidents.get(id);
    if (incident === undefined) throw new IncidentFault(`There is no incident ${id}.`);
    if (incident.state === 'merged') throw new IncidentFault(`${id} was merged into ${incident.mergedInto}.`);
    return incident;
  }

  /** The trail that the lead goes on: of the same key, from the same place or with the same tool. */
  #trailOf(lead: Lead): Trail | undefined {
    const trails = this.#trailsOfKey.get(lead.key) ?? [];
    return trails.findLast(
      (trail) =>
        lead.timeMs - trail.lastMs < TRAIL_GAP_MS &&
        // A thief who changes place and tool with every call must not fill the memory with trails.
        (trails.length >= TRAILS_MAX || trail.networks.has(lead.network) || trail.clients.has(lead.client)),
    );
  }

  #begin(lead: Lead): Trail {
    const trail: Trail = {
      ...{ key: lead.key, tenant: lead.tenant, principal: lead.principal },
      ...{ firstMs: lead.timeMs, lastMs: lead.timeMs },
      ...{ leads: 0, privileged: 0, forwarded: 0, peak: 0, reasons: lead.reasons },
      ...{ networks: new Map(), asns: new Map(), clients: new Map(), operations: new Map() },
      ...{
        steps: new Set<string>(),
        lastOperation: '',
        targets: new Set<string>(),
        countries: new Set<string>(),
      },
    };
    const incident: Incident = {
      id: this.#idOf(lead.request),
      state: 'open',
      ...{ openedMs: lead.timeMs, lastMs: lead.timeMs },
      trails: [trail],
      apartFrom: new Set(),
      history: [],
    };
    record(
      incident,
      lead.timeMs,
      BY,
      'opened',
      `key ${lead.key}: ${lead.reasons[0]?.text ?? lead.operation}`,
    );
    this.incidents.set(incident.id, incident);
    this.#incidentOf.set(trail, incident);
    push(this.#trailsOfKey, trail.key, trail);
    return trail;
  }

  /** Joins the trail's incident with those whose trails it is linked to. */
  #gather(trail: Trail, nowMs: number): Incident[] {
    let mine = this.#incidentOf.get(trail) as Incident;
    const changed = new Set([mine]);
    for (const other of this.#candidates(trail, nowMs)) {
      const theirs = this.#incidentOf.get(other) as Incident;
      if (theirs === mine || mine.apartFrom.has(theirs.id) || theirs.apartFrom.has(mine.id)) continue;
      const { nats, why } = linkOf(trail, other);
      if (nats < LINKED_FROM) continue;
      const text = `key ${trail.key} and key ${other.key}: ${why.map((each) => each.text).join(', ')} (${nats.toFixed(1)} nats)`;
      const [older, newer] = theirs.openedMs <= mine.openedMs ? [theirs, mine] : [mine, theirs];
      mine = this.#join(older, newer, BY, text, nowMs);
      changed.add(older).add(newer);
    }
    return [mine, ...[...changed].filter((each) => each !== mine)];
  }

  #candidates(trail: Trail, nowMs: number): Trail[] {
    const found = new Set<Trail>();
    for (const name of traitNames(trail)) {
      const sharing = this.#byTrait.get(name);
      if (sharing === undefined || sharing.size > COMMON_MAX) continue;
      for (const other of sharing) {
        if (nowMs - other.lastMs > MEMORY_MS) sharing.delete(other);
        else if (other !== trail) found.add(other);
        if (found.size >= CANDIDATES_MAX) return [...found];
      }
    }
    return [...found];
  }

  #join(into: Incident, from: Incident, by: string, why: string, atMs: number): Incident {
    for (const trail of from.trails) this.#incidentOf.set(trail, into);
    const alone = from.trails.length === 1;
    into.trails.push(...from.trails.splice(0));
    into.lastMs = Math.max(into.lastMs, from.lastMs);
    for (const id of from.apartFrom) into.apartFrom.add(id);
    if (into.state === 'closed') {
      into.state = 'open';
      delete into.verdict;
      record(into, atMs, by, 'reopened', `another key belongs to it: ${why}`);
    }
    from.state = 'merged';
    from.mergedInto = into.id;
    record(into, atMs, by, alone ? 'joined' : 'merged', `${from.id}: ${why}`);
    record(from, atMs, by, 'merged', `into ${into.id}: ${why}`);
    return into;
  }

  #index(trail: Trail): void {
    for (const name of traitNames(trail)) {
      const sharing = this.#byTrait.get(name);
      if (sharing === undefined) this.#byTrait.set(name, new Set([trail]));
      else sharing.add(trail);
    }
  }
}

function latest(trails: readonly Trail[]): number {
  return trails.reduce((last, { lastMs }) => Math.max(last, lastMs), 0);
}

function follow(trail: Trail, lead: Lead): void {
  trail.lastMs = Math.max(trail.lastMs, lead.timeMs);
  trail.leads += 1;
  if (lead.privilege >= 3) trail.privileged += 1;
  if (lead.forwarded) trail.forwarded += 1;
  if (lead.evidence > trail.peak) {
    trail.peak = lead.evidence;
    trail.reasons = lead.reasons;
  }
  const { rarity } = lead;
  count(trail.networks, lead.network, rarity.network);
  if (lead.asn !== undefined) count(trail.asns, `AS${lead.asn}`, rarity.asn);
  if (lead.client !== '') count(trail.clients, lead.client, rarity.client);
  count(trail.operations, lead.operation, rarity.operation);
  if (trail.lastOperation !== '') keep(trail.steps, `${trail.lastOperation} → ${lead.operation}`);
  trail.lastOperation = lead.operation;
  for (const target of lead.targets) keep(trail.targets, target);
  if (lead.country !== undefined) keep(trail.countries, lead.country);
}

function keep(values: Set<string>, value: string): void {
  if (values.size < VALUES_MAX) values.add(value);
}

function count(traits: Map<string, Trait>, value: string, nats: number): void {
  const known = traits.get(value);
  if (known !== undefined) known.count += 1;
  else if (traits.size < VALUES_MAX) traits.set(value, { count: 1, nats });
}

function traitNames({ networks, asns, clients }: Trail): string[] {
  return [...networks.keys(), ...asns.keys(), ...[...clients.keys()].map((name) => `client ${name}`)];
}

function push(map: Map<string, Trail[]>, key: string, trail: Trail): void {
  const trails = map.get(key);
  if (trails === undefined) map.set(key, [trail]);
  else trails.push(trail);
}

export function record(
  incident: Incident,
  atMs: number,
  by: string,
  act: IncidentEvent['act'],
  why: string,
): void {
  if (incident.history.length < HISTORY_MAX) incident.history.push({ atMs, by, act, why });
}
