import { readCatalog } from '../src/catalogs/load.js';
import type { Random } from './random.js';

/** The objects of one tenant, as ids; early ones are popular. */
export interface Objects {
  readonly systemusers: readonly string[];
  readonly systems: readonly string[];
  readonly usergroups: readonly string[];
  readonly commands: readonly string[];
  readonly applications: readonly string[];
  readonly policies: readonly string[];
  readonly users: readonly string[];
  readonly organizations: readonly string[];
}

interface Operation {
  readonly method: string;
  readonly segments: readonly string[];
  readonly lists: boolean;
  /** Median bytes of an answer. */
  readonly bytes: number;
  readonly privilege: number;
}

const HEX_DIGITS = 24;

export function newObjects(random: Random, size: number): Objects {
  const ids = (count: number) =>
    Array.from({ length: Math.max(1, Math.round(count)) }, () => random.hex(HEX_DIGITS));
  return {
    systemusers: ids(size),
    systems: ids(size * 1.3),
    usergroups: ids(4 + size / 20),
    commands: ids(5 + size / 50),
    applications: ids(5 + size / 40),
    policies: ids(5 + size / 60),
    users: ids(2 + size / 100),
    organizations: ids(size > 800 ? 20 : 1),
  };
}

/** The operations of the API, ready to be called. */
export class Api {
  readonly #operations = new Map<string, Operation>();

  constructor() {
    for (const { name, method, path, privilege } of readCatalog('jumpcloud').operations) {
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
  if (before in objects) return random.zipf(objects[before as keyof Objects]);
  return random.zipf(segment.includes('user') ? objects.systemusers : objects.systems);
}
