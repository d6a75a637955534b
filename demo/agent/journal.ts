import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { runResultSchema } from '../agent-protocol.js';

const entrySchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('started'),
    id: z.string(),
    startedAt: z.string(),
    /** Of the command, once it has one, and when that process began: numbers of processes come again. */
    process: z.object({ pid: z.int(), since: z.string() }).nullable(),
  }),
  z.object({ state: z.literal('done'), id: z.string(), result: runResultSchema }),
]);
export type Entry = z.infer<typeof entrySchema>;

/**
 * What was begun, on disk before it begins, until the directory has its result: after a kill at any point, no run
 * is done again and none goes unreported.
 */
export class Journal {
  readonly #folder: string;
  readonly #entries = new Map<string, Entry>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name);
      if (name.endsWith('.json')) {
        const entry = entrySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
        this.#entries.set(entry.id, entry);
      } else rmSync(file);
    }
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  entries(): Entry[] {
    return [...this.#entries.values()];
  }

  async keep(entry: Entry): Promise<void> {
    this.#entries.set(entry.id, entry);
    await writeDurably(path.join(this.#folder, `${entry.id}.json`), JSON.stringify(entry));
  }

  async forget(id: string): Promise<void> {
    await rm(path.join(this.#folder, `${id}.json`), { force: true });
    this.#entries.delete(id);
  }
}

/** All of it or none of it, over a kill and a loss of power. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const draft = `${file}.draft`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(path.dirname(file), 'r');
  await folder.sync();
  await folder.close();
}
