import { PathTemplates } from '../catalogs/learn.js';
import type { BaselineStore } from './ports.js';

const WRITE_EVERY_MS = 30_000;

/**
 * Templates of the paths that no catalog knows, by upstream: they outlive a reload and the process, else operations would have
 * other names than those that baselines know.
 */
export class LearnedPaths {
  readonly #store: BaselineStore;
  readonly #failed: (error: unknown) => void;
  readonly #of = new Map<string, PathTemplates>();
  /** Changes of each that are in the store. */
  readonly #written = new Map<string, number>();
  #writtenMs = 0;

  /** @param failed told of what could not be read: then paths are learned anew */
  constructor(store: BaselineStore, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  of(upstream: string): PathTemplates {
    const known = this.#of.get(upstream);
    if (known !== undefined) return known;
    const templates = new PathTemplates();
    try {
      const kept = this.#store.paths(upstream);
      if (kept !== undefined) templates.restore(kept);
    } catch (error) {
      this.#failed(new Error(`The paths learned of upstream ${upstream} cannot be used: ${error}`));
    }
    this.#of.set(upstream, templates);
    this.#written.set(upstream, templates.changes);
    return templates;
  }

  /** Writes what has a new shape; counts alone are written at the end. */
  async flush(nowMs: number, final = false): Promise<void> {
    if (!final && nowMs - this.#writtenMs < WRITE_EVERY_MS) return;
    this.#writtenMs = nowMs;
    const changed = [...this.#of].filter(
      ([upstream, { changes, size }]) => this.#written.get(upstream) !== changes || (final && size > 1),
    );
    if (changed.length === 0) return;
    const paths = new Map(changed.map(([upstream, templates]) => [upstream, templates.snapshot()]));
    for (const [upstream, { changes }] of changed) this.#written.set(upstream, changes);
    await this.#store.writeLearned({ baselines: new Map(), paths });
  }
}
