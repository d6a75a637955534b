import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../config/schema.js';
import { listSegments, segmentPath } from '../journal/format.js';
import { EmbeddedStore } from '../stores/embedded.js';

/** Segments that the copy has: a month of a busy guard, and more than an investigation looks at. */
const SEGMENTS_MAX = 256;

/**
 * Copies what a guard knows to another folder, beside the guard while it runs: the store as of one moment, the journal by links
 * (its sealed segments never change) and its last segment by bytes. Secrets stay where they are.
 * @returns the configuration of the copy, without listeners and upstreams of its own yet
 */
export async function copyGuard(config: Config, to: string): Promise<Config> {
  const { dataDir } = config;
  mkdirSync(path.join(to, 'store'), { recursive: true, mode: 0o700 });
  const from = path.join(dataDir, 'store');
  if (existsSync(path.join(from, 'keyward.lmdb'))) {
    const store = EmbeddedStore.open(from, { readOnly: true });
    await store.copyTo(path.join(to, 'store', 'keyward.lmdb'));
    await store.close();
  }
  copyJournal(path.join(dataDir, 'journal'), path.join(to, 'journal'));
  const source = (name: string) => ({ file: path.join(dataDir, 'secrets', name) });
  const kept = existsSync(path.join(dataDir, 'secrets'));
  return {
    ...config,
    dataDir: to,
    secrets: kept
      ? {
          ...config.secrets,
          pepper: config.secrets.pepper ?? source('pepper'),
          masterKey: config.secrets.masterKey ?? source('master-key'),
          journalKey: config.secrets.journalKey ?? source('journal-key.pem'),
        }
      : config.secrets,
  };
}

function copyJournal(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  if (!existsSync(from)) return;
  const segments = listSegments(from).slice(-SEGMENTS_MAX);
  for (const segment of segments) {
    const [source, target] = [segmentPath(from, segment), segmentPath(to, segment)];
    if (segment === segments.at(-1)) copyFileSync(source, target);
    else linkOrCopy(source, target);
  }
}

/** A link where both are on one file system. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}
