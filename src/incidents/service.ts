import type { IncidentStore, KeyStore } from '../engine/ports.js';
import type { DecisionEntry } from '../journal/entry.js';
import { ActFault, type Acts } from '../keys/acts.js';
import type { KeyRadius } from './blast-radius.js';
import { Correlator, IncidentFault } from './correlate.js';
import { type ExactSet, exactSet, networksOf } from './exact-set.js';
import { type Incident, keysOf, type Trail, type Verdict } from './incident.js';
import type { Answer, Question } from './investigate.js';
import { leadOf } from './lead.js';

const DAY_MS = 86_400_000;
/** Requests that are remembered: a finding may come on two ways, and counts once. */
const REQUESTS_MAX = 100_000;
/** A journal that was never looked at is looked at so far back. */
const FIRST_LOOK_MS = DAY_MS;

interface Parts {
  readonly store: IncidentStore & Pick<KeyStore, 'key' | 'keys'>;
  readonly acts: Acts;
  readonly newId: () => string;
  /** Folders of the journals of all gateways. */
  readonly journals: () => readonly string[];
  readonly investigate: (question: Question) => Promise<Answer>;
}

/** What an investigation of an incident, or of keys, found. */
export interface Findings {
  readonly incident: string | undefined;
  readonly radii: readonly KeyRadius[];
  readonly set: ExactSet;
  readonly entries: number;
  readonly dropped: number;
  readonly milliseconds: number;
}

/** Incidents as operators and the guard see them: they grow with each finding and outlive the process. */
export class Incidents {
  readonly #parts: Parts;
  readonly #correlator: Correlator;
  readonly #dirty = new Set<Incident>();
  #throughMs: number;
  readonly #requests = new Set<string>();
  /** Told of each incident that a finding went to. */
  onLead: (incident: Incident, trail: Trail) => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#correlator = new Correlator(parts.newId);
    const { incidents, throughMs } = parts.store.incidents();
    for (const incident of incidents) this.#correlator.restore(incident as Incident);
    this.#throughMs = throughMs === 0 ? parts.acts.now() - FIRST_LOOK_MS : throughMs + 1;
  }

  /** Findings at and after this instant may not have been kept: the journal has them. */
  get throughMs(): number {
    return this.#throughMs;
  }

  /** Takes a decision; most are no findings. */
  note(entry: DecisionEntry): void {
    const lead = leadOf(entry);
    if (lead === undefined || this.#requests.has(lead.request)) return;
    this.#requests.add(lead.request);
    if (this.#requests.size > REQUESTS_MAX)
      this.#requests.delete(this.#requests.values().next().value as string);
    this.#throughMs = Math.max(this.#throughMs, lead.timeMs);
    const [incident, ...others] = this.#correlator.note(lead);
    for (const each of [incident, ...others]) this.#dirty.add(each as Incident);
    const trail = (incident as Incident).trails.findLast(({ key }) => key === lead.key);
    if (trail !== undefined) this.onLead(incident as Incident, trail);
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

  close(actor: string, id: string, verdict: Verdict, why: string): Promise<Incident> {
    return this.#act(actor, 'incident.close', id, { verdict, why }, (atMs) =>
      this.#correlator.close(id, verdict, actor, why, atMs),
    );
  }

  reopen(actor: string, id: string, why: string): Promise<Incident> {
    return this.#act(actor, 'incident.reopen', id, { why }, (atMs) =>
      this.#correlator.reopen(id, actor, why, atMs),
    );
  }

  /** Blast radius of each suspect key, and the exact set to contain. Reads the journal aside. */
  async investigate(id: string): Promise<Findings> {
    const incident = this.show(id);
    const firstMs = Math.min(...incident.trails.map((trail) => trail.firstMs));
    return this.#investigate(incident.id, incident.trails, [], firstMs);
  }

  /** The same of single keys, whether they are in an incident or not. */
  async investigateKeys(keys: readonly string[], firstMs: number): Promise<Findings> {
    for (const key of keys)
      if (this.#parts.store.key(key) === undefined)
        throw new ActFault('not_found', `There is no key ${key}.`);
    const trails = this.list().flatMap((each) => each.trails.filter(({ key }) => keys.includes(key)));
    const first = Math.min(firstMs, ...trails.map((trail) => trail.firstMs));
    return this.#investigate(undefined, trails, keys, first);
  }

  /** Requests of each key since an instant. */
  async traffic(sinceMs: number): Promise<ReadonlyMap<string, number>> {
    const { journals, investigate } = this.#parts;
    const question = { journals: journals(), trails: [], keys: [], networks: [], firstMs: sinceMs };
    return (await investigate(question)).requests;
  }

  /** Writes what changed; what a crash loses is in the journal. */
  async flush(): Promise<void> {
    if (this.#dirty.size === 0) return;
    const incidents = new Map([...this.#dirty].map((each) => [each.id, each]));
    this.#dirty.clear();
    await this.#parts.store.writeIncidents(incidents, this.#throughMs);
  }

  /** Something was done about an incident: kept in its history. */
  remark(id: string, by: string, act: 'contained' | 'undone', why: string): void {
    const incident = this.show(id);
    incident.history.push({ atMs: this.#parts.acts.now(), by, act, why });
    this.#dirty.add(incident);
  }

  async #investigate(
    incident: string | undefined,
    trails: readonly Trail[],
    keys: readonly string[],
    firstMs: number,
  ): Promise<Findings> {
    const { store, acts, journals, investigate } = this.#parts;
    // On disk after everything that was decided before it: what is read is complete up to now.
    await acts.record('keyward', 'incident.investigate', incident ?? keys.join(', '));
    const suspects = new Set([...keys, ...trails.map(({ key }) => key)]);
    const question = {
      ...{ journals: journals(), trails, firstMs, networks: [...networksOf(trails).keys()] },
      keys: [...suspects, ...descendants(store.keys(), suspects, firstMs - DAY_MS)],
    };
    let answer = await investigate(question);
    const facts = { firstMs, trails, keys: store.keys(), asked: keys };
    let set = exactSet({ ...answer, ...facts });
    // Keys that only their place gave away: what did they do?
    const known = new Set(question.keys);
    const found = set.contain.map(({ key }) => key).filter((key) => !known.has(key));
    if (found.length > 0) {
      answer = await investigate({ ...question, keys: [...question.keys, ...found] });
      set = withReasons(exactSet({ ...answer, ...facts, asked: [...keys, ...found] }), set);
    }
    const { radii, entries, dropped, milliseconds } = answer;
    return { incident, radii, set, entries, dropped, milliseconds };
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

/** The second look knows which keys, the first one knew why. */
function withReasons(second: ExactSet, first: ExactSet): ExactSet {
  const why = new Map(first.contain.map((each) => [each.key, each.why]));
  return {
    ...second,
    contain: second.contain.map((each) => ({ ...each, why: why.get(each.key) ?? each.why })),
  };
}

/** Keys issued with suspect ones, and with these: their calls are wanted, too. */
function descendants(
  keys: readonly { id: string; issuedWith?: string; replaces?: string; createdMs: number }[],
  suspects: ReadonlySet<string>,
  sinceMs: number,
): string[] {
  const found = new Set<string>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const { id, issuedWith, replaces, createdMs } of keys) {
      if (createdMs < sinceMs || found.has(id) || suspects.has(id)) continue;
      const parents = [issuedWith, replaces].filter((each) => each !== undefined);
      if (!parents.some((each) => suspects.has(each) || found.has(each))) continue;
      found.add(id);
      grew = true;
    }
  }
  return [...found];
}
