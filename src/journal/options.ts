import type { KeyObject } from 'node:crypto';
import type { Retention } from './retention.js';

export interface JournalOptions {
  readonly dir: string;
  /** Ed25519; signs the batches. */
  readonly privateKey: KeyObject;
  readonly segmentBytesMax?: number;
  readonly retention?: Retention;
  /** How long a batch gathers when nobody waits for it. */
  readonly commitMs?: number;
  readonly batchEntriesMax?: number;
  /** Entries handed over and not yet on disk; more are lost. */
  readonly queueEntriesMax?: number;
  readonly retryMs?: number;
  readonly now?: () => number;
  /** False writes in this thread: for tests, and tools that write little. */
  readonly worker?: boolean;
}

export type JournalSettings = Required<JournalOptions>;

const DEFAULTS = {
  segmentBytesMax: 128 * 1024 * 1024,
  retention: {},
  commitMs: 5,
  batchEntriesMax: 1000,
  queueEntriesMax: 100_000,
  retryMs: 1000,
  now: Date.now,
  worker: true,
};

export function withDefaults(options: JournalOptions): JournalSettings {
  return { ...DEFAULTS, ...options };
}
