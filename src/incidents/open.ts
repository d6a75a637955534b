import { createHash, randomUUID } from 'node:crypto';
import type { IncidentStore, KeyStore } from '../engine/ports.js';
import { sliceJournal } from '../journal/slice.js';
import type { Acts } from '../keys/acts.js';
import type { KeyService } from '../keys/service.js';
import { AutomaticContainment, type AutomaticPolicy } from './automatic.js';
import { Containment } from './containment.js';
import { type Examination, examine, type KeyFacts } from './examine.js';
import { investigate, type Question } from './investigate.js';
import { examineAside, investigateAside } from './investigator.js';
import { Incidents } from './service.js';

interface Parts {
  readonly store: IncidentStore & KeyStore;
  readonly acts: Acts;
  /** Folders of the journals of all gateways. */
  readonly journals: () => readonly string[];
  /** Whether journals are read by a thread of their own. */
  readonly aside: boolean;
  readonly warn: (text: string) => void;
}

/** Without threads: for tests. */
const HERE = {
  investigate: (question: Question) => investigate(question, sliceJournal),
  examine: async (examination: Examination, keys: AsyncIterable<KeyFacts[]>) => {
    const all: KeyFacts[] = [];
    for await (const piece of keys) all.push(...piece);
    return examine(examination, all, sliceJournal);
  },
};

/** Incidents as they were kept, and what the journals have of them since. */
export async function openIncidents(parts: Parts): Promise<Incidents> {
  const { store, acts, journals, aside, warn } = parts;
  const incidents = new Incidents({
    ...{ store, acts, journals, idOf: (cause) => idOf('i', cause) },
    ...(aside ? { investigate: investigateAside, examine: examineAside } : HERE),
  });
  try {
    await incidents.catchUp();
  } catch (error) {
    warn(`findings in the journals could not be read: ${String(error)}`);
  }
  return incidents;
}

/** Containment, by operators and by policy. */
export function openContainment(
  parts: Parts & {
    readonly incidents: Incidents;
    readonly keys: KeyService;
    readonly automatic: AutomaticPolicy;
    readonly masterKey: Buffer;
  },
): Containment {
  const { incidents, automatic: policy } = parts;
  const containment = new Containment({ ...parts, newId: () => idOf('c', randomUUID()) });
  const automatic = new AutomaticContainment({ ...parts, policy, containment });
  incidents.onLead = (...found) => automatic.consider(...found);
  return containment;
}

function idOf(prefix: string, cause: string): string {
  return `${prefix}_${createHash('sha256').update(cause).digest('hex').slice(0, 12)}`;
}
