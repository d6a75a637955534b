import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { DecisionEntry } from '../journal/entry.js';
import { JournalTail } from '../journal/tail.js';
import type { Incidents } from './service.js';

/** Journals of the control process and of every gateway that there ever was. */
export function journalsOf(dataDir: string): string[] {
  const gateways = path.join(dataDir, 'gateways');
  const names = existsSync(gateways) ? readdirSync(gateways) : [];
  const others = names.map((name) => path.join(gateways, name, 'journal')).filter((dir) => existsSync(dir));
  return [path.join(dataDir, 'journal'), ...others];
}

/** Findings of other gateways, as they are committed to their journals. */
export class JournalTails {
  readonly #journals: () => readonly string[];
  readonly #tails = new Map<string, JournalTail>();

  constructor(journals: () => readonly string[]) {
    this.#journals = journals;
    for (const dir of this.#others()) this.#tails.set(dir, new JournalTail(dir, true));
  }

  next(): DecisionEntry[] {
    return this.#others().flatMap((dir) => {
      let tail = this.#tails.get(dir);
      if (tail === undefined) {
        tail = new JournalTail(dir, false);
        this.#tails.set(dir, tail);
      }
      return tail.next().filter((entry) => entry.kind === 'decision');
    });
  }

  #others(): readonly string[] {
    return this.#journals().slice(1);
  }
}

/** Keeps incidents, and takes the findings of other gateways; gives the way to stop it. */
export function follow(
  incidents: Incidents,
  tails: JournalTails,
  everyMs: number,
  failed: (error: unknown) => void,
): () => void {
  const timer = setInterval(() => {
    try {
      for (const entry of tails.next()) incidents.note(entry);
    } catch (error) {
      failed(error);
    }
    incidents.flush().catch(failed);
  }, everyMs);
  return () => clearInterval(timer);
}
