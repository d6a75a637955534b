import { type JournalCall, succeeded } from './call.js';
import { type ChangePoint, changePoint } from './change-point.js';
import { type Habits, habitsOf } from './habits.js';
import type { Trail } from './incident.js';
import { networkOf } from './lead.js';
import { foreignNats } from './onset.js';
import { unanswered, vouchedIn } from './vouched.js';

/** Objects and networks that are listed of one key; the others are counted. */
const LISTED_MAX = 5_000;
/** From here on a call is taken for the visitor's. */
const FOREIGN_FROM = 2;

export type Effect = 'read' | 'changed' | 'created' | 'deleted';

/** How often something was done, by whom. */
export interface Tally {
  succeeded: number;
  /** Attempted: refused by Keyward or by the upstream, or without an answer. */
  refused: number;
  /** Of these, the ones that are taken for the visitor's. */
  foreignSucceeded: number;
  foreignRefused: number;
  /** First and last of the visitor's; undefined where there are none. */
  foreignFirstMs: number | undefined;
  foreignLastMs: number | undefined;
  firstMs: number;
}

export interface OperationTally extends Tally {
  readonly name: string;
  readonly privilege: number;
}

export interface ObjectTally extends Tally {
  readonly id: string;
  readonly effect: Effect;
  /** Of what was created: by which operation, so that an administrator is told from a note. */
  readonly operation?: string;
}

export interface NetworkTally extends Tally {
  readonly network: string;
  readonly asn: number | undefined;
  readonly country: string | undefined;
}

/** An entry's journal, by its place in the question, and its number there. */
export interface EntryPlace {
  readonly journal: number;
  readonly seq: number;
}

/** What one suspect key did since it was compromised. */
export interface KeyRadius {
  readonly key: string;
  readonly tenants: readonly string[];
  readonly compromised: ChangePoint;
  /** Since then: all calls, and those that are taken for the visitor's. */
  readonly calls: number;
  readonly foreign: number;
  readonly lastForeignMs: number | undefined;
  readonly operations: readonly OperationTally[];
  readonly objects: readonly ObjectTally[];
  readonly objectsNotListed: number;
  readonly networks: readonly NetworkTally[];
  readonly bytesOut: number;
  readonly foreignBytesOut: number;
  /** The visitor's calls in the journals: what evidence is made of. */
  readonly entries: readonly EntryPlace[];
  /** What it did before. */
  readonly habits: Habits;
}

/**
 * The blast radius of a key: since the estimated time of compromise, what was done and what was only tried, and by whom.
 * @param calls of the key, oldest first, from before the compromise on
 * @returns undefined where there are no calls
 */
export function keyRadius(
  key: string,
  calls: readonly JournalCall[],
  trails: readonly Trail[],
): KeyRadius | undefined {
  const { nats, foreignAt } = whose(key, calls, trails);
  const compromised = changePoint(calls.map(({ timeMs }, i) => ({ timeMs, nats: nats[i] as number })));
  if (compromised === undefined) return undefined;
  const operations = new Map<string, OperationTally>();
  const objects = new Map<string, ObjectTally>();
  const networks = new Map<string, NetworkTally>();
  const tenants = new Set<string>();
  const entries: EntryPlace[] = [];
  const sum = {
    calls: 0,
    foreign: 0,
    bytesOut: 0,
    foreignBytesOut: 0,
    objectsNotListed: 0,
    lastForeignMs: 0,
  };
  calls.forEach((call, i) => {
    if (call.timeMs < compromised.fromMs) return;
    const foreign = foreignAt[i] as boolean;
    sum.calls += 1;
    sum.bytesOut += call.bytesOut;
    tenants.add(call.tenant);
    if (foreign) {
      sum.foreign += 1;
      sum.foreignBytesOut += call.bytesOut;
      sum.lastForeignMs = Math.max(sum.lastForeignMs, call.timeMs);
      entries.push({ journal: call.journal, seq: call.seq });
    }
    const { operation: name, privilege } = call;
    note(operations, name, { name, privilege }, call, foreign);
    const network = networkOf(call.address);
    note(networks, network, { network, asn: call.asn, country: call.country }, call, foreign);
    for (const object of effectsOf(call))
      if (!note(objects, `${object.effect} ${object.id}`, object, call, foreign)) sum.objectsNotListed += 1;
  });
  const { lastForeignMs, ...rest } = sum;
  return {
    // A key that shows no visitor at all, suspect by an operator's word, has done everything itself.
    habits: habitsOf(calls, foreignAt.includes(true) ? compromised.fromMs : Number.POSITIVE_INFINITY),
    ...{ key, compromised, entries, tenants: [...tenants], ...rest },
    lastForeignMs: lastForeignMs === 0 ? undefined : lastForeignMs,
    operations: [...operations.values()].sort((a, b) => b.privilege - a.privilege || a.firstMs - b.firstMs),
    objects: [...objects.values()],
    networks: [...networks.values()],
  };
}

/** How much each call speaks for the visitor, and which are taken for his. */
function whose(key: string, calls: readonly JournalCall[], trails: readonly Trail[]) {
  const vouched = vouchedIn(calls);
  const asked = calls.map((call) => (vouched.has(call) ? { ...call, score: undefined } : call));
  const nats = foreignNats(asked, unanswered(trails, key, calls, vouched));
  const foreignAt = calls.map(
    (call, i) => (call.flagged && !vouched.has(call)) || (nats[i] as number) >= FOREIGN_FROM,
  );
  return { nats, foreignAt };
}

const NOTHING = {
  ...{ succeeded: 0, refused: 0, foreignSucceeded: 0, foreignRefused: 0 },
  ...{ foreignFirstMs: undefined, foreignLastMs: undefined },
};

/** False where the list is full. */
function note<What extends object>(
  tallies: Map<string, What & Tally>,
  name: string,
  what: What,
  call: JournalCall,
  foreign: boolean,
): boolean {
  let tally = tallies.get(name);
  if (tally === undefined) {
    if (tallies.size >= LISTED_MAX) return false;
    tally = { ...what, ...NOTHING, firstMs: call.timeMs };
    tallies.set(name, tally);
  }
  if (foreign) {
    tally.foreignFirstMs ??= call.timeMs;
    tally.foreignLastMs = call.timeMs;
  }
  if (succeeded(call)) {
    tally.succeeded += 1;
    if (foreign) tally.foreignSucceeded += 1;
  } else {
    tally.refused += 1;
    if (foreign) tally.foreignRefused += 1;
  }
  return true;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The objects that a call names, and the one it created: an answer may as well repeat what was in the path. */
function effectsOf(call: JournalCall): Omit<ObjectTally, keyof Tally>[] {
  const effect = effectOf(call);
  const named = call.objects.map((id) => ({ id, effect }));
  const { created } = call;
  return created === undefined || call.objects.includes(created)
    ? named
    : [...named, { id: created, effect: 'created', operation: call.operation }];
}

/** What a call does to the objects it names, by method, and by privilege where reads are POSTed. */
function effectOf({ method, privilege, operation }: JournalCall): Effect {
  if (READS.has(method) || privilege <= 1) return 'read';
  const deletes = method === 'DELETE' || /\b(?:delete|remove|destroy|erase)\w*$/i.test(operation);
  return deletes ? 'deleted' : 'changed';
}
