import type { Trail } from './incident.js';
import { networkOf } from './lead.js';

/** Odds of a thief's call among the examples that the score was trained on: what has to come off again. */
const TRAINING_ODDS = -Math.log(0.15);
/** A call from where the incident came, and with its tool, is worth so much more: at most. */
const PLACE_MAX = 5;
const TOOL_MAX = 2;
/** One that shares neither is hardly his: young keys do odd things by themselves. */
const APART = 4;
/** What a key has so often, a day before the first finding and earlier, is its own. */
const OWN_CALLS = 5;
const BEFORE_MS = 86_400_000;

/** One call, as far as it is asked whose it was. */
export interface AskedCall {
  readonly timeMs: number;
  readonly score: number | undefined;
  readonly address: string;
  readonly client: string;
}

/**
 * How much each call of a key speaks for the visitor of these trails and against the owner, in nats. A visitor in the owner's own
 * network, or with the owner's tool, is not told by these.
 * @param calls of one key, oldest first
 */
export function foreignNats(calls: readonly AskedCall[], trails: readonly Trail[]): number[] {
  const firstMs = Math.min(...trails.map((trail) => trail.firstMs));
  const own = habitual(calls, firstMs - BEFORE_MS);
  const places = traits(trails, ({ networks }) => networks, PLACE_MAX, own);
  const tools = traits(trails, ({ clients }) => clients, TOOL_MAX, own);
  return calls.map(({ score, address, client }) => {
    // A call that was not scored (the key was too new, or the call was refused before) says nothing by itself.
    const alone = score === undefined || Number.isNaN(score) ? 0 : score + TRAINING_ODDS;
    const network = networkOf(address);
    const shared = (places.get(network) ?? 0) + (tools.get(client) ?? 0);
    if (shared > 0) return alone + shared;
    const told = places.size > 0 || tools.size > 0;
    return told && !(own.has(network) && own.has(client)) ? alone - APART : alone;
  });
}

/** Networks and clients that the key has had all along. */
function habitual(calls: readonly AskedCall[], beforeMs: number): Set<string> {
  const counts = new Map<string, number>();
  for (const { timeMs, address, client } of calls) {
    if (timeMs >= beforeMs) break;
    for (const value of [networkOf(address), client]) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= OWN_CALLS).map(([value]) => value));
}

function traits(
  trails: readonly Trail[],
  of: (trail: Trail) => Trail['networks'],
  most: number,
  own: ReadonlySet<string>,
): Map<string, number> {
  const nats = new Map<string, number>();
  for (const trail of trails)
    for (const [value, trait] of of(trail))
      if (!own.has(value)) nats.set(value, Math.max(nats.get(value) ?? 0, Math.min(most, trait.nats)));
  return nats;
}
