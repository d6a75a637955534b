import type { JournalCall } from './call.js';
import type { Trail, Trait } from './incident.js';
import { networkOf } from './lead.js';

/** Calls that an operator let through, and the times before that they were held: what he said of them counts. */
export function vouchedIn(calls: readonly JournalCall[]): ReadonlySet<JournalCall> {
  const approved = new Set<string>();
  for (const { hold, forwarded } of calls) if (hold !== undefined && forwarded) approved.add(hold);
  return new Set(calls.filter(({ hold }) => hold !== undefined && approved.has(hold)));
}

/**
 * The trails without the places and tools that only such calls of the key have: as they were held, they left them there. Where
 * somebody else's calls, or others of the key, have them, too, they stay: an operator may have been taken in.
 */
export function unanswered(
  trails: readonly Trail[],
  key: string,
  calls: readonly JournalCall[],
  vouched: ReadonlySet<JournalCall>,
): Trail[] {
  const answered = traitsOf(vouched);
  for (const trait of traitsOf(calls.filter((call) => call.flagged && !vouched.has(call))))
    answered.delete(trait);
  const left = (traits: ReadonlyMap<string, Trait>) =>
    new Map([...traits].filter(([value]) => !answered.has(value)));
  return trails.map((trail) =>
    trail.key === key ? { ...trail, networks: left(trail.networks), clients: left(trail.clients) } : trail,
  );
}

function traitsOf(calls: Iterable<JournalCall>): Set<string> {
  const traits = new Set<string>();
  for (const { address, client } of calls) traits.add(networkOf(address)).add(client);
  return traits;
}
