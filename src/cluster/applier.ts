import type { Change, KeyStanding, KeyStore } from '../engine/ports.js';
import type { KeyDirectory } from '../keys/directory.js';

/** What has learned of keys: it may have to forget. */
interface Learner {
  followResets(): void;
}

interface Parts {
  readonly store: Pick<KeyStore, 'refreshSnapshot'>;
  readonly directory: KeyDirectory;
  readonly learner: Learner;
  /** Cuts forwarded exchanges of these keys; gives the key of each. */
  readonly cut: (keys: ReadonlySet<string>) => readonly string[];
}

/** Puts a change in force in this process, in one go: no request is looked at in between. */
export class Applier {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param cut whether exchanges in flight of these keys are cut */
  apply({ keys = [], tenants = [] }: Change, cut: boolean): KeyStanding[] {
    const { store, directory, learner } = this.#parts;
    store.refreshSnapshot();
    learner.followResets();
    for (const id of keys) directory.refresh(id);
    for (const id of tenants) directory.refreshTenant(id);
    const aborted = new Map<string, number>();
    if (cut && keys.length > 0)
      for (const id of this.#parts.cut(new Set(keys))) aborted.set(id, (aborted.get(id) ?? 0) + 1);
    const nowMs = performance.now();
    const wallMs = Date.now();
    return keys.map((key) => {
      const { running = 0, last } = directory.flight(key) ?? {};
      return {
        key,
        last: last === undefined ? null : { request: last.request, timeMs: wallMs - (nowMs - last.atMs) },
        running,
        aborted: aborted.get(key) ?? 0,
      };
    });
  }

  /** After time apart: anything may have changed. */
  refreshAll(): void {
    const { store, directory, learner } = this.#parts;
    store.refreshSnapshot();
    learner.followResets();
    directory.refreshAll();
  }
}
