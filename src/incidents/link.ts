import type { Trail, Trait } from './incident.js';

const HOUR_MS = 3_600_000;
/** Nats from which two trails are one attacker's. */
export const LINKED_FROM = 7;
/** One shared trait alone never binds more than this. */
const TRAIT_MAX = { network: 7, asn: 3, client: 3 } as const;
/** An operation that both did says less than where they came from, and all of them together this much. */
const OPERATION_SHARE = 0.25;
const OPERATIONS_MAX = 2;
/** One operation after another, as with the other key; and what both reached for. */
const STEP_NATS = 0.3;
const STEPS_MAX = 1;
const TARGET_NATS = 1;
const TARGETS_MAX = 3;
/** Beginning together speaks for one hand, each doubling of the hours between (from one on) a little against it. */
const NEAR_NATS = 2;
const HALVED = 0.45;
const FAR_NATS = 2;

/** Why two trails are taken for one attacker's, strongest first. */
export interface Link {
  readonly nats: number;
  readonly why: readonly { readonly text: string; readonly nats: number }[];
}

/**
 * How much better one attacker explains what two trails share than chance does: the rarity of each shared trait (after
 * Fellegi & Sunter, JASA 1969, with agreement weights from everybody's traffic), and how close in time they are.
 */
export function linkOf(a: Trail, b: Trail): Link {
  const why = [
    // The network says what its autonomous system says, and more.
    shared('network', a.networks, b.networks, TRAIT_MAX.network) ??
      shared('autonomous system', a.asns, b.asns, TRAIT_MAX.asn),
    shared('client', a.clients, b.clients, TRAIT_MAX.client),
    sharedOperations(a, b),
    alike('same order of operations', a.steps, b.steps, STEP_NATS, STEPS_MAX),
    alike('same targets', a.targets, b.targets, TARGET_NATS, TARGETS_MAX),
    closeness(a, b),
  ].filter((each) => each !== undefined);
  const nats = why.reduce((sum, each) => sum + each.nats, 0);
  return { nats, why: why.filter((each) => each.nats > 0).sort((x, y) => y.nats - x.nats) };
}

function shared(
  name: string,
  a: ReadonlyMap<string, Trait>,
  b: ReadonlyMap<string, Trait>,
  most: number,
): { text: string; nats: number } | undefined {
  let best: { text: string; nats: number } | undefined;
  for (const [value, trait] of a) {
    const other = b.get(value);
    if (other === undefined) continue;
    const nats = Math.min(most, trait.nats, other.nats);
    if (best === undefined || nats > best.nats) best = { text: `same ${name} ${value}`, nats };
  }
  return best;
}

function sharedOperations(a: Trail, b: Trail): { text: string; nats: number } | undefined {
  const names: string[] = [];
  let nats = 0;
  for (const [name, trait] of a.operations) {
    if (!b.operations.has(name)) continue;
    names.push(name);
    nats += trait.nats * OPERATION_SHARE;
  }
  if (names.length === 0) return undefined;
  return { text: `same operations (${names.slice(0, 4).join(', ')})`, nats: Math.min(OPERATIONS_MAX, nats) };
}

function alike(
  name: string,
  a: ReadonlySet<string>,
  b: ReadonlySet<string>,
  each: number,
  most: number,
): { text: string; nats: number } | undefined {
  const both = [...a].filter((value) => b.has(value));
  if (both.length === 0) return undefined;
  return { text: `${name} (${both.slice(0, 3).join(', ')})`, nats: Math.min(most, each * both.length) };
}

/** From beginning to beginning: long visits overlap by chance. */
function closeness(a: Trail, b: Trail): { text: string; nats: number } {
  const gapMs = Math.abs(a.firstMs - b.firstMs);
  const nats = Math.max(-FAR_NATS, NEAR_NATS - HALVED * Math.log2(1 + gapMs / HOUR_MS));
  return { text: `begun ${gapText(gapMs)} apart`, nats };
}

function gapText(ms: number): string {
  if (ms < 60_000) return 'less than a minute';
  if (ms < HOUR_MS) return `${Math.round(ms / 60_000)} minutes`;
  return ms < 48 * HOUR_MS
    ? `${Math.max(1, Math.round(ms / HOUR_MS))} hours`
    : `${Math.round(ms / 24 / HOUR_MS)} days`;
}
