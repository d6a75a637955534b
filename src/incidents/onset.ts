import type { Trail } from './incident.js';
import { networkOf } from './lead.js';

/** Odds of a thief's call among the examples that the score was trained on: what has to come off again. */
const TRAINING_ODDS = -Math.log(0.15);
/** A call from where the incident came, and with its tool, is worth so much more: at most. */
const PLACE_MAX = 5;
const TOOL_MAX = 2;

/** How much one call speaks for the visitor of these trails and against the owner, in nats. */
export function foreignNats(
  call: { readonly score: number | undefined; readonly address: string; readonly client: string },
  trails: readonly Trail[],
): number {
  const { score } = call;
  // A call that was not scored (the key was too new, or the call was refused before) says nothing by itself.
  const own = score === undefined || Number.isNaN(score) ? 0 : score + TRAINING_ODDS;
  const network = networkOf(call.address);
  let place = 0;
  let tool = 0;
  for (const trail of trails) {
    place = Math.max(place, Math.min(PLACE_MAX, trail.networks.get(network)?.nats ?? 0));
    tool = Math.max(tool, Math.min(TOOL_MAX, trail.clients.get(call.client)?.nats ?? 0));
  }
  return own + place + tool;
}
