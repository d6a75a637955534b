import { readCatalog } from '../src/catalogs/load.js';
import type { Objects } from './provider.js';
import type { Random } from './random.js';

interface Operation {
  readonly method: string;
  readonly segments: readonly string[];
  readonly lists: boolean;
  /** Median bytes of an answer. */
  readonly bytes: number;
  readonly privilege: number;
}

/** The operations of the API, ready to be called. */
export class Api {
  readonly #operations = new Map<string, Operation>();

  constructor(catalog: string) {
    for (const { name, method, path, privilege } of readCatalog(catalog).operations) {
      if (method === undefined || path === undefined || this.#operations.has(name)) continue;
      const segments = path.split('/').slice(1);
      const lists = !segments.at(-1)?.startsWith('{');
      // The same operation answers with the same size, more or less.
      const spread = ([...name].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 17) / 8;
      const bytes =
        method === 'GET' || path.includes('search') || path.includes('events')
          ? lists
            ? 18_000
            : 1_500
          : 300;
      this.#operations.set(name, { method, segments, lists, bytes: bytes * (0.5 + spread), privilege });
    }
  }

  privilegeOf(name: string): number {
    return this.#operations.get(name)?.privilege ?? 0;
  }

  /** @throws {Error} for an operation that the catalog does not have */
  call(random: Random, name: string, objects: Objects, object?: string) {
    const operation = this.#operations.get(name);
    if (operation === undefined) throw new Error(`no operation ${name}`);
    const { method, segments, lists, bytes } = operation;
    const path = segments
      .map((segment, i) =>
        segment.startsWith('{')
          ? (object ?? objectFor(random, segments[i - 1] ?? '', segment, objects))
          : segment,
      )
      .join('/');
    return {
      method,
      path: `/${path}`,
      bytesIn: method === 'GET' ? 0 : Math.round(random.logNormal(240, 0.5)),
      bytesOut: Math.round(random.logNormal(bytes, lists ? 0.6 : 0.25)),
      latencyMs: Math.round(random.logNormal(lists ? 180 : 70, 0.5)),
    };
  }
}

function objectFor(random: Random, before: string, segment: string, objects: Objects): string {
  return random.zipf(objects[before] ?? objects[segment.includes('user') ? 'systemusers' : 'systems'] ?? []);
}
