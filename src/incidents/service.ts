import { setImmediate } from 'node:timers/promises';
import type { IncidentStore, JournalTicket, KeyStore } from '../engine/ports.js';
import type { DecisionEntry } from '../journal/entry.js';
import { ActFault, type Acts } from '../keys/acts.js';
import { keyPieces } from '../keys/pieces.js';
import { Correlator, IncidentFault } from './correlate.js';
import { type Examination, type Examined, factsOfKey, type KeyFacts } from './examine.js';
import { JournalTails, type Positions } from './follow.js';
import { type Incident, keysOf, type Lead, type Trail, type Verdict } from './incident.js';
import type { Answer, Question } from './investigate.js';
import { leadOf } from './lead.js';

const DAY_MS = 86_400_000;
/** A journal that was never looked at is looked at so far back. */
const FIRST_LOOK_MS = DAY_MS;
/** Requests that are remembered: a finding comes on two ways, and counts once. */
const REQUESTS_MAX = 100_000;
/** Of these, the last ones are kept: a request that was held has a second entry a little later. */
const KEPT_REQUESTS = 1_000;
/** Where nothing was found, how far was read is kept so often. */
const KEEP_MS = 60_000;
/** Keys that the journal names of an investigation. */
const NAMED_MAX = 100;
/** Findings that are taken before others have their turn. */
const AT_ONCE = 200;

/** How far the journals are in the incidents, exactly: a crash loses no finding and counts none twice. */
export interface Through {
  readonly positions: Positions;
  /** Requests whose finding was taken before it was read from the journal, and the last ones that were read. */
  readonly requests: readonly string[];
}

interface Parts {
  readonly store: IncidentStore & Pick<KeyStore, 'key' | 'keys'>;
  readonly acts: Acts;
  readonly idOf: (cause: string) => string;
  /** Folders of the journals of all gateways. */
  readonly journals: () => readonly string[];
  /** What reads the journals: in the product, threads of their own. */
  readonly investigate: (question: Question) => Promise<Answer>;
  readonly examine: (examination: Examination, keys: AsyncIterable<KeyFacts[]>) => Promise<Examined>;
}

/** What an investigation of an incident, or of keys, found. */
export interface Findings extends Examined {
  readonly incident: string | undefined;
  /** Folders that were read: entries name them by their place here. */
  readonly journals: readonly string[];
}

/** Incidents as operators and the guard see them: they grow with each finding and outlive the process. */
export class Incidents {
  readonly #parts: Parts;
  readonly #correlator: Correlator;
  readonly #dirty = new Set<Incident>();
  readonly #tails: JournalTails;
  /** Where nothing was kept: older findings are left. */
  readonly #sinceMs: number;
  readonly #requests = new Set<string>();
  /** Requests whose finding was taken, and is not read from the journal yet. */
  readonly #ahead = new Set<string>();
  /** The last of these: when its entry is on disk, those of all are. */
  #ticket: JournalTicket | undefined;
  #positions: Positions;
  #catchingUp: Promise<void> | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #keptMs = 0;
  /** Told of each incident that a finding went to. */
  onLead: (incident: Incident, trail: Trail, lead: Lead) => void = () => undefined;
  /** Told of the keys of a false alarm: what they did was their owners' own. */
  onFalseAlarm: (actor: string, keys: readonly string[]) => Promise<void> = async () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#correlator = new Correlator(parts.idOf);
    const { incidents, through } = parts.store.incidents();
    for (const incident of incidents) this.#correlator.restore(incident as Incident);
    const kept = through as Through | undefined;
    this.#sinceMs = kept === undefined ? parts.acts.now() - FIRST_LOOK_MS : 0;
    for (const request of kept?.requests ?? []) this.#requests.add(request);
    this.#positions = kept?.positions ?? {};
    this.#tails = new JournalTails(parts.journals, this.#positions, this.#sinceMs);
  }

  /** Takes a decision; most are no findings. */
  note(entry: DecisionEntry, ticket?: JournalTicket): void {
    const lead = leadOf(entry);
    if (lead === undefined || lead.timeMs < this.#sinceMs) return;
    if (ticket === undefined) this.#ahead.delete(lead.request);
    else {
      remember(this.#ahead, lead.request);
      this.#ticket = ticket;
    }
    if (this.#requests.has(lead.request)) return;
    remember(this.#requests, lead.request);
    const [incident, ...others] = this.#correlator.note(lead);
    for (const each of [incident, ...others]) this.#dirty.add(each as Incident);
    const trail = (incident as Incident).trails.findLast(({ key }) => key === lead.key);
    if (trail !== undefined) this.onLead(incident as Incident, trail, lead);
  }

  /** Takes what the journals have by now, in pieces: requests must not wait for it. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    for (let more = true; more; ) {
      const piece = this.#tails.next();
      more = piece.more;
      for (let i = 0; i < piece.entries.length; i++) {
        if (i % AT_ONCE === AT_ONCE - 1) await setImmediate();
        this.note(piece.entries[i] as DecisionEntry);
      }
      // Not before: what is kept meanwhile must not be behind findings that were not taken.
      this.#positions = this.#tails.positions;
      if (more) await setImmediate();
    }
  }

  /** Newest first; merged ones are in the incident that they were merged into. */
  list(state?: Incident['state']): Incident[] {
    const wanted = [...this.#correlator.incidents.values()].filter((each) =>
      state === undefined ? each.state !== 'merged' : each.state === state,
    );
    return wanted.sort((a, b) => b.lastMs - a.lastMs);
  }

  show(id: string): Incident {
    const incident = this.#correlator.incidents.get(id);
    if (incident === undefined) throw new ActFault('not_found', `There is no incident ${id}.`);
    return incident;
  }

  merge(actor: string, id: string, other: string, why: string): Promise<Incident> {
    return this.#act(actor, 'incident.merge', id, { other, why }, (atMs) =>
      this.#correlator.merge(id, other, actor, why, atMs),
    );
  }

  split(actor: string, id: string, keys: readonly string[], why: string): Promise<Incident> {
    return this.#act(actor, 'incident.split', id, { keys, why }, (atMs) =>
      this.#correlator.split(id, keys, actor, why, atMs),
    );
  }

  async close(actor: string, id: string, verdict: Verdict, why: string): Promise<Incident> {
    const closed = await this.#act(actor, 'incident.close', id, { verdict, why }, (atMs) =>
      this.#correlator.close(id, verdict, actor, why, atMs),
    );
    if (verdict !== 'false_alarm') return closed;
    await this.onFalseAlarm(actor, this.#keysAlone(closed)).catch((error) => {
      if (!(error instanceof ActFault)) throw error;
      throw new ActFault(error.code, `The incident ${id} is closed. ${error.message}`);
    });
    return closed;
  }

  /** Keys of which nothing else is open: what they did elsewhere may still be a thief's. */
  #keysAlone(incident: Incident): string[] {
    const open = new Set(this.list('open').flatMap(keysOf));
    return keysOf(incident).filter((key) => !open.has(key) && this.#parts.store.key(key) !== undefined);
  }

  reopen(actor: string, id: string, why: string): Promise<Incident> {
    return this.#act(actor, 'incident.reopen', id, { why }, (atMs) =>
      this.#correlator.reopen(id, actor, why, atMs),
    );
  }

  /** Blast radius of each suspect key, and the exact set to contain. Reads the journal aside. */
  async investigate(id: string): Promise<Findings> {
    const incident = this.show(id);
    if (incident.state === 'merged')
      throw new ActFault('conflict', `The incident ${id} was merged into ${incident.mergedInto}.`);
    const firstMs = earliest(incident.trails, Number.POSITIVE_INFINITY);
    return this.#investigate(incident.id, incident.trails, [], firstMs);
  }

  /** The same of single keys, whether they are in an incident or not. */
  async investigateKeys(keys: readonly string[], firstMs: number): Promise<Findings> {
    for (const key of keys)
      if (this.#parts.store.key(key) === undefined)
        throw new ActFault('not_found', `There is no key ${key}.`);
    const wanted = new Set(keys);
    const trails = this.list().flatMap((each) => each.trails.filter(({ key }) => wanted.has(key)));
    return this.#investigate(undefined, trails, keys, earliest(trails, firstMs));
  }

  /** Requests of each key since an instant. */
  async traffic(sinceMs: number): Promise<ReadonlyMap<string, number>> {
    const { journals, investigate } = this.#parts;
    const question = { journals: journals(), trails: [], keys: [], networks: [], firstMs: sinceMs };
    return (await investigate(question)).requests;
  }

  /** Writes what changed; what a crash loses is in the journals, behind the positions that are kept with it. */
  flush(): Promise<void> {
    const nowMs = this.#parts.acts.now();
    if (this.#dirty.size === 0 && nowMs - this.#keptMs < KEEP_MS) return this.#flushed;
    this.#keptMs = nowMs;
    const incidents = new Map([...this.#dirty].map((each) => [each.id, each]));
    this.#dirty.clear();
    const requests = new Set([...[...this.#requests].slice(-KEPT_REQUESTS), ...this.#ahead]);
    const through: Through = { positions: this.#positions, requests: [...requests] };
    // A finding that the journal loses in a crash must not be in an incident. One that it cannot write at all may.
    const inJournal = this.#ticket?.durable().catch(() => undefined);
    const written = this.#parts.store.writeIncidents(
      incidents,
      through,
      Promise.all([this.#flushed, inJournal]),
    );
    this.#flushed = written.catch(() => {
      for (const each of incidents.values()) this.#dirty.add(each);
    });
    return written;
  }

  /** Something was done about an incident: kept in its history, once. */
  remark(id: string, by: string, act: 'contained' | 'undone', why: string): void {
    let incident = this.show(id);
    while (incident.mergedInto !== undefined) incident = this.show(incident.mergedInto);
    if (incident.history.some((each) => each.act === act && each.why === why)) return;
    incident.history.push({ atMs: this.#parts.acts.now(), by, act, why });
    this.#dirty.add(incident);
  }

  async #investigate(
    incident: string | undefined,
    trails: readonly Trail[],
    keys: readonly string[],
    firstMs: number,
  ): Promise<Findings> {
    const { store, acts, journals, examine } = this.#parts;
    const named = keys.length > NAMED_MAX ? `${keys.length} keys` : keys.join(', ');
    // On disk after everything that was decided before it: what is read is complete up to now.
    await acts.record('keyward', 'incident.investigate', incident ?? named);
    const examination = { journals: journals(), trails, asked: keys, firstMs };
    const found = await examine(examination, factsIn(store));
    return { incident, journals: examination.journals, ...found };
  }

  #act(
    actor: string,
    action: string,
    id: string,
    detail: Record<string, unknown>,
    change: (atMs: number) => Incident,
  ): Promise<Incident> {
    const { acts } = this.#parts;
    return acts.run(async () => {
      this.show(id);
      await acts.record(actor, action, id, detail);
      let changed: Incident;
      try {
        changed = change(acts.now());
      } catch (error) {
        if (error instanceof IncidentFault) throw new ActFault('conflict', error.message);
        throw error;
      }
      for (const each of this.#correlator.incidents.values())
        if (each === changed || each.id === id || keysOf(each).length === 0) this.#dirty.add(each);
      await this.flush();
      return changed;
    });
  }
}

function earliest(trails: readonly Trail[], orMs: number): number {
  return trails.reduce((first, { firstMs }) => Math.min(first, firstMs), orMs);
}

function remember(requests: Set<string>, request: string): void {
  requests.add(request);
  if (requests.size > REQUESTS_MAX) requests.delete(requests.values().next().value as string);
}

async function* factsIn(store: Pick<KeyStore, 'keys'>): AsyncGenerator<KeyFacts[]> {
  for await (const piece of keyPieces(store)) yield piece.map(factsOfKey);
}
