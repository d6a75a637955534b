import {
  addTotals,
  noTotals,
  type SlicedEntry,
  type SliceQuery,
  type SliceTotals,
} from '../journal/slice.js';
import { type KeyRadius, keyRadius } from './blast-radius.js';
import { CallReader, type JournalCall } from './call.js';
import { grouped } from './grouped.js';
import type { Trail } from './incident.js';
import { networkOf } from './lead.js';

const DAY_MS = 86_400_000;
/** How far before the first finding a compromise is looked for, and what a key did before is learned from. */
const LOOK_BACK_MS = 30 * DAY_MS;
const CALLS_MAX = 2_000_000;

/** What an investigation asks of the journal. Plain data, so that another thread can do it. */
export interface Question {
  /** Folders of journals: one for each gateway. */
  readonly journals: readonly string[];
  readonly trails: readonly Trail[];
  /** Suspect without a trail of their own: issued with a suspect key, or asked for by an operator. */
  readonly keys: readonly string[];
  /** Networks whose calls are wanted, whatever the key. */
  readonly networks: readonly string[];
  /** First finding. */
  readonly firstMs: number;
}

export interface Answer {
  readonly radii: readonly KeyRadius[];
  /** Calls from the networks, of keys that are not suspect. */
  readonly placeCalls: readonly JournalCall[];
  /** Requests of each key since the compromise. */
  readonly requests: ReadonlyMap<string, number>;
  readonly flagged: ReadonlyMap<string, number>;
  readonly entries: number;
  /** Calls that were too many to be looked at. */
  readonly dropped: number;
  readonly milliseconds: number;
}

/** Reads a journal, here or in several threads; entries in the order of the journal. */
export type SliceJournal = (
  dir: string,
  query: SliceQuery,
  take: (entry: SlicedEntry) => void,
) => SliceTotals | Promise<SliceTotals>;

/** Reads the journals once and tells what the suspect keys did, and who else came from the same places. */
export async function investigate(question: Question, slice: SliceJournal): Promise<Answer> {
  const { journals, trails, keys, networks, firstMs } = question;
  const began = performance.now();
  const suspects = new Set([...keys, ...trails.map(({ key }) => key)]);
  const reader = new CallReader(CALLS_MAX);
  const query = {
    keys: suspects,
    addresses: networks.map(addressStart),
    sinceMs: firstMs - LOOK_BACK_MS,
    countSinceMs: firstMs,
  };
  const totals = noTotals();
  for (const [i, journal] of journals.entries())
    addTotals(totals, await slice(journal, query, (entry) => reader.note(entry, i)));
  const calls = reader.calls.sort((a, b) => a.timeMs - b.timeMs);
  const own = grouped(
    calls.filter(({ key }) => suspects.has(key)),
    ({ key }) => key,
  );
  const radii: KeyRadius[] = [];
  for (const key of suspects) {
    // The attacker's places and tools are the same with every key.
    const radius = keyRadius(key, own.get(key) ?? [], trails);
    if (radius !== undefined) radii.push(radius);
  }
  const from = new Set(networks);
  return {
    ...{ radii, requests: totals.byKey, flagged: totals.flaggedByKey, entries: totals.entries },
    dropped: reader.dropped,
    placeCalls: calls.filter(({ key, address }) => !suspects.has(key) && from.has(networkOf(address))),
    milliseconds: Math.round(performance.now() - began),
  };
}

/** How the addresses of a network begin in the journal: `203.0.113.` of `203.0.113.0/24`. */
function addressStart(network: string): string {
  if (!network.includes(':')) return network.replace(/0\/24$/, '');
  return network.replace(/(?::0)*::\/48$/, ':');
}
