import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { DecisionEntry } from '../journal/entry.js';
import { JournalTail, type TailPosition } from '../journal/tail.js';
import type { Incidents } from './service.js';

/** Where each journal was read up to, by the name of its gateway; the own one has none. */
export type Positions = Readonly<Record<string, TailPosition>>;

/** Journals of the control process and of every gateway that there ever was. */
export function journalsOf(dataDir: string): string[] {
  const gateways = path.join(dataDir, 'gateways');
  const names = existsSync(gateways) ? readdirSync(gateways).sort() : [];
  const others = names.map((name) => path.join(gateways, name, 'journal')).filter((dir) => existsSync(dir));
  return [path.join(dataDir, 'journal'), ...others];
}

/** Findings as they are committed to the journals, the own one and those of all gateways. */
export class JournalTails {
  readonly #journals: () => readonly string[];
  readonly #tails = new Map<string, JournalTail>();
  readonly #from: Positions;
  readonly #sinceMs: number;

  /** @param sinceMs where a journal that has no position is begun */
  constructor(journals: () => readonly string[], from: Positions, sinceMs: number) {
    this.#journals = journals;
    this.#from = from;
    this.#sinceMs = sinceMs;
  }

  get positions(): Positions {
    return Object.fromEntries([...this.#tails].map(([name, tail]) => [name, tail.position]));
  }

  /** Some more of each journal; `more` where not all was read. */
  next(): { entries: DecisionEntry[]; more: boolean } {
    const entries: DecisionEntry[] = [];
    let more = false;
    for (const [i, dir] of this.#journals().entries()) {
      const piece = this.#tailOf(i === 0 ? '' : path.basename(path.dirname(dir)), dir).next();
      for (const entry of piece.entries) if (entry.kind === 'decision') entries.push(entry);
      more ||= piece.more;
    }
    return { entries, more };
  }

  #tailOf(name: string, dir: string): JournalTail {
    let tail = this.#tails.get(name);
    if (tail === undefined) {
      const from = Object.hasOwn(this.#from, name) ? this.#from[name] : undefined;
      tail = new JournalTail(dir, from ?? { sinceMs: this.#sinceMs });
      this.#tails.set(name, tail);
    }
    return tail;
  }
}

/** Keeps incidents, and takes the findings of other gateways; gives the way to stop it. */
export function follow(incidents: Incidents, everyMs: number, failed: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    incidents.catchUp().catch(failed);
    incidents.flush().catch(failed);
  }, everyMs);
  return () => clearInterval(timer);
}
