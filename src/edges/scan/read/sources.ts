import { readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';

/** One log to read. */
export interface Source {
  /** As it is named in reports; `-` is standard input. */
  readonly name: string;
  readonly bytes: number;
  /** Named by the user, not found in a folder: that it is no log is then an error. */
  readonly named: boolean;
}

export class SourceFault extends Error {
  override readonly name = 'SourceFault';
}

/** CloudTrail's own integrity records lie beside its logs. */
const DIGEST = /CloudTrail-Digest/;

/**
 * Files as given, and those in folders, recursively and in the order of their names.
 * @throws {SourceFault} for what is not there or cannot be read
 */
export function sourcesOf(names: readonly string[]): Source[] {
  return names.flatMap((name) => {
    if (name === '-') return [{ name, bytes: 0, named: true }];
    const stats = look(name);
    return stats.isDirectory() ? within(name) : [{ name, bytes: stats.size, named: true }];
  });
}

/** Of all of them together, as far as they are known. */
export function bytesOf(sources: readonly Source[]): number {
  return sources.reduce((sum, { bytes }) => sum + bytes, 0);
}

function within(folder: string): Source[] {
  let entries: string[];
  try {
    entries = readdirSync(folder).sort();
  } catch (error) {
    throw fault(folder, error);
  }
  return entries.flatMap((entry) => {
    if (entry.startsWith('.')) return [];
    const name = path.join(folder, entry);
    const stats = look(name);
    if (stats.isDirectory()) return within(name);
    return stats.isFile() && !DIGEST.test(name) ? [{ name, bytes: stats.size, named: false }] : [];
  });
}

function look(name: string): Stats {
  try {
    return statSync(name);
  } catch (error) {
    throw fault(name, error);
  }
}

function fault(name: string, error: unknown): SourceFault {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  return new SourceFault(`${name} ${why}.`);
}
