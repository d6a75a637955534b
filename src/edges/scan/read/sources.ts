import { readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';

/** One log to read. */
export interface Source {
  /** As it is named in reports; `-` is standard input. */
  readonly name: string;
  readonly bytes: number;
  /** Which file it is, whatever its name: see {@link idOf}. */
  readonly id?: string | undefined;
  /** Named by the user, not found in a folder: that it cannot be used is then said in the exit code. */
  readonly named: boolean;
  /** Why it cannot be read at all. */
  readonly problem?: string;
}

export class SourceFault extends Error {
  override readonly name = 'SourceFault';
}

/** CloudTrail's own integrity records lie beside its logs. */
const DIGEST = /CloudTrail-Digest/;

/**
 * Files as given, and those in folders, recursively and in the order of their names, each once. What cannot be read is
 * among them, with its problem.
 */
export function sourcesOf(names: readonly string[]): Source[] {
  const search = new Search(names);
  return names.flatMap((name) =>
    name === '-' ? [{ name, bytes: 0, named: true }] : [...search.under(name, true)],
  );
}

/** Of all of them together, as far as they are known. */
export function bytesOf(sources: readonly Source[]): number {
  return sources.reduce((sum, { bytes }) => sum + bytes, 0);
}

class Search {
  /** Files and folders by device and inode: links may lead to them again, or in circles. */
  readonly #seen = new Map<string, string>();
  /** What the user named, though it may be found in a folder first. */
  readonly #named: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#named = new Set(names.flatMap((name) => idNamed(name) ?? []));
  }

  *under(name: string, named: boolean): Generator<Source> {
    const stats = look(name);
    if (typeof stats === 'string') return yield { name, bytes: 0, named, problem: stats };
    const folder = stats.isDirectory();
    if (!named && !folder && (!stats.isFile() || DIGEST.test(name))) return;
    const id = idOf(stats);
    const seen = this.#seenAs(name, id);
    // To name the same twice is no mistake worth a word.
    if (seen !== undefined && named) return;
    if (seen !== undefined)
      return yield { name, bytes: 0, named, problem: `is ${seen}, which is read already` };
    const anywhere = named || (id !== undefined && this.#named.has(id));
    if (folder) yield* this.#within(name, anywhere);
    else yield { name, bytes: stats.size, id, named: anywhere };
  }

  *#within(folder: string, named: boolean): Generator<Source> {
    let entries: string[];
    try {
      entries = readdirSync(folder).sort();
    } catch (error) {
      return yield { name: folder, bytes: 0, named, problem: reasonOf(error) };
    }
    for (const entry of entries)
      if (!entry.startsWith('.')) yield* this.under(path.join(folder, entry), false);
  }

  /** The name under which it was seen before. */
  #seenAs(name: string, id: string | undefined): string | undefined {
    if (id === undefined) return undefined;
    const seen = this.#seen.get(id);
    if (seen === undefined) this.#seen.set(id, name);
    return seen;
  }
}

/** One text for one file or folder; undefined on file systems that have no inodes. */
export function idOf({ dev, ino }: Stats): string | undefined {
  return ino === 0 ? undefined : `${dev}:${ino}`;
}

function idNamed(name: string): string | undefined {
  const stats = look(name);
  return typeof stats === 'string' ? undefined : idOf(stats);
}

function look(name: string): Stats | string {
  try {
    return statSync(name);
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  // In a folder, of a link.
  if (code === 'ENOENT') return 'does not exist';
  return code === 'ELOOP' ? 'is a link that leads in a circle' : `cannot be read (${code})`;
}
