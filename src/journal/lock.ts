import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalFault } from './fault.js';

const LOCK_NAME = 'writer.lock';
const TRIES_MAX = 5;
/** A process that was just killed takes a moment to end. */
const ENDING_MS = 1_000;
const LOOK_MS = 50;
const held = new Set<string>();

interface LockHolder {
  readonly pid: number;
  /** Tells a process from a later one with the same pid; empty where the system does not say. */
  readonly started: string;
}

/** Makes this process the only writer of a directory; returns the release. */
export function lockDirectory(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const real = realpathSync(dir);
  const path = join(real, LOCK_NAME);
  if (held.has(real)) throw locked(real, process.pid);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { mode: 0o600 });
  try {
    take(real, path, draft);
  } finally {
    rmSync(draft, { force: true });
  }
  held.add(real);
  return () => {
    held.delete(real);
    rmSync(path, { force: true });
  };
}

/** A hard link appears at once and with its content, and never over another one. */
function take(dir: string, path: string, draft: string): void {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    try {
      linkSync(draft, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(path);
    if (holder !== undefined && staysAlive(holder)) throw locked(dir, holder.pid);
    setStaleAside(path);
  }
  throw new JournalFault('journal_locked', `Several processes want to write the journal ${dir} at once.`);
}

/** Between our look and our move another process may have taken over: then its lock is put back. */
function setStaleAside(path: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const holder = readHolder(aside);
  if (holder !== undefined && isAlive(holder)) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process was quicker; one of the two will see the other's lock.
    }
  }
  rmSync(aside, { force: true });
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { pid, started } = value as Partial<LockHolder>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function staysAlive(holder: LockHolder): boolean {
  for (let waitedMs = 0; isAlive(holder); waitedMs += LOOK_MS) {
    if (waitedMs >= ENDING_MS) return true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
  return false;
}

function isAlive({ pid, started }: LockHolder): boolean {
  // A restarted container often gets the same pid; what this process itself holds is in `held`.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // Ended, and nobody has asked how: as good as gone.
  if (['Z', 'X'].includes(statOf(pid)?.[0] ?? '')) return false;
  const now = startOf(pid);
  return now === '' || started === '' || now === started;
}

/** Boot and start time of a process on Linux. */
function startOf(pid: number): string {
  const ticks = statOf(pid)?.[19];
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return ticks === undefined ? '' : `${ticks}@${boot}`;
  } catch {
    return '';
  }
}

/** proc(5), `/proc/pid/stat` from field 3, the state, on; undefined where the system does not say. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function locked(dir: string, pid: number): JournalFault {
  return new JournalFault(
    'journal_locked',
    `The journal ${dir} is already written by process ${pid}; only one process may write it.`,
  );
}
