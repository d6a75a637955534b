import { checkSubject } from '../core/guard.js';
import { deny, type Verdict } from '../core/verdict.js';
import type { KeyDirectory, LiveKey } from '../keys/directory.js';
import type { Admission } from './admission.js';
import type { Standing } from './ports.js';
import type { Upstream } from './routing.js';

export type Denial = Extract<Verdict, { decision: 'deny' }>;

export const LEASE_EXPIRED = deny(
  'lease_expired',
  'This gateway has lost touch with its control process and accepts nothing until it has it again.',
) as Denial;

/**
 * The last look at a request, just before its first byte goes to the upstream. Between decision and forwarding it
 * may have waited for the disk or for a connection; what has changed meanwhile counts.
 */
export class LastLook<U extends Upstream> {
  readonly #directory: KeyDirectory;
  readonly #standing: Standing;

  constructor(directory: KeyDirectory, standing: Standing) {
    this.#directory = directory;
    this.#standing = standing;
  }

  /** Undefined: it goes, and from now on it counts as accepted. */
  pass(admission: Admission<U>, timeMs: number): Denial | undefined {
    if (!this.#standing.mayAccept()) return LEASE_EXPIRED;
    if (admission.version !== this.#directory.version) {
      const refused = this.#again(admission, timeMs);
      if (refused !== undefined) return refused;
    }
    const flight = admission.key?.flight;
    if (flight !== undefined) {
      if (!admission.forwarded) flight.running += 1;
      flight.last = { request: admission.requestId, atMs: performance.now() };
    }
    admission.forwarded = true;
    return undefined;
  }

  ended(admission: Admission<U>): void {
    if (!admission.forwarded) return;
    admission.forwarded = false;
    if (admission.key !== undefined) admission.key.flight.running -= 1;
  }

  /** Some key has changed since the decision: if it was this one, its new record decides. */
  #again(admission: Admission<U>, timeMs: number): Denial | undefined {
    const { key, upstream, address } = admission;
    const subject = key === undefined ? this.#registered(admission) : this.#directory.live(key.key.id);
    if (subject === key) return undefined;
    if (subject === undefined) return deny('credential_invalid', 'The presented key is not valid.') as Denial;
    const observation = { ...admission.observation, timeMs };
    return checkSubject(observation, address, subject, upstream.policy) as Denial | undefined;
  }

  /** A key of the upstream's own that nobody knew when the request came may be known by now, and revoked. */
  #registered({ presented, upstream }: Admission<U>): LiveKey | undefined {
    if (presented.kind !== 'one' || upstream.foreignKeys === 'refuse') return undefined;
    const credential = this.#directory.identify(presented.credential, upstream.name, upstream.foreignKeys);
    return credential.kind === 'known' ? (credential.subject as LiveKey) : undefined;
  }
}
