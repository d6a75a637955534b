import { counted } from '../core/counted.js';
import type { Acts } from '../keys/acts.js';
import type { KeyService } from '../keys/service.js';
import type { Containment } from './containment.js';
import type { Incident, Lead, Trail } from './incident.js';

const HOUR_MS = 3_600_000;
const BY = 'keyward';
/** Keys over the cap that are remembered. */
const REFUSED_MAX = 10_000;

/** What may be done without a person. */
export interface AutomaticPolicy {
  readonly measure: 'off' | 'freeze' | 'suspend';
  /** Nats of evidence against a key from which it is contained. */
  readonly evidenceFrom: number;
  /** Keys that automation may contain in an hour: beyond, a person has to. */
  readonly keysPerHourMax: number;
}

interface Parts {
  readonly policy: AutomaticPolicy;
  readonly acts: Acts;
  readonly keys: KeyService;
  readonly containment: Containment;
  readonly warn: (text: string) => void;
}

/**
 * Contains a key by itself when the evidence is strong, or when that is the action for a call that it made; as often as the
 * operator allows. An operator can undo the plan.
 */
export class AutomaticContainment {
  readonly #parts: Parts;
  /** When each of the last keys was contained. */
  #lately: number[] = [];
  readonly #busy = new Set<string>();
  /** Keys that were over the cap: said once. */
  readonly #refused = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
    // A restart must not open the cap again.
    const own = parts.containment.list().filter(({ by }) => by === BY);
    this.#lately = own.flatMap(({ createdMs, steps }) => steps.map(() => createdMs));
  }

  /** Looks at a key that has a new finding. */
  consider(incident: Incident, trail: Trail, lead: Lead): void {
    const { policy, keys, acts, containment, warn } = this.#parts;
    const grounds = groundsOf(policy, trail, lead);
    if (grounds === undefined || this.#busy.has(trail.key)) return;
    const key = keys.find(trail.key);
    if (key === undefined) return;
    if (key.revoked !== undefined || key.suspended !== undefined || key.frozen !== undefined) return;
    // An operator who took it back, on whatever way, or called it a false alarm, has decided.
    if (incident.verdict === 'false_alarm' || containment.hasContained(BY, trail.key)) return;
    const nowMs = acts.now();
    this.#lately = this.#lately.filter((atMs) => nowMs - atMs < HOUR_MS);
    if (this.#lately.length >= policy.keysPerHourMax) {
      if (this.#refused.has(trail.key)) return;
      if (this.#refused.size >= REFUSED_MAX) this.#refused.clear();
      this.#refused.add(trail.key);
      warn(
        `key ${trail.key} of incident ${incident.id} was not contained: automation has contained ${counted(policy.keysPerHourMax, 'key')} within an hour already`,
      );
      return;
    }
    this.#lately.push(nowMs);
    this.#busy.add(trail.key);
    containment
      .now(BY, [trail.key], grounds.measure, grounds.why, incident.id)
      .catch((error) => warn(`key ${trail.key} could not be contained: ${String(error)}`))
      .finally(() => this.#busy.delete(trail.key));
  }
}

/** What is to be done, and why; undefined: nothing. */
function groundsOf(
  { measure, evidenceFrom }: AutomaticPolicy,
  { peak }: Trail,
  { freeze, operation, privilege, evidence }: Lead,
): { measure: 'freeze' | 'suspend'; why: string } | undefined {
  if (measure !== 'off' && peak >= evidenceFrom)
    return { measure, why: `evidence of ${peak.toFixed(1)} nats, automation acts from ${evidenceFrom}` };
  if (freeze !== true) return undefined;
  return {
    measure: 'freeze',
    why: `${operation} (privilege ${privilege}) with evidence of ${evidence.toFixed(1)} nats: the action for such calls`,
  };
}
