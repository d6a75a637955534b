import { randomBytes } from 'node:crypto';
import type { Catalog } from '../catalogs/match.js';
import { PRIVILEGED_FROM } from '../core/observation.js';

/** One request of a drill. */
export interface DrillCall {
  readonly method: string;
  readonly path: string;
  readonly privilege: number;
}

/** What an API without a catalog is asked: the guard tells its privilege by the path. */
const UNKNOWN: readonly DrillCall[] = [
  { method: 'GET', path: '/users', privilege: 1 },
  { method: 'GET', path: '/groups', privilege: 1 },
  { method: 'POST', path: '/admin/users', privilege: 4 },
  { method: 'POST', path: '/users/{id}/password', privilege: 4 },
];

/** Operations of an upstream that a thief looks around with, and those he came for. */
export function operationsOf({ operations }: Catalog): { reads: DrillCall[]; privileged: DrillCall[] } {
  const known = operations.flatMap(({ method, path, privilege }) =>
    method === undefined || path === undefined || path.includes('+}') ? [] : [{ method, path, privilege }],
  );
  const all = known.length === 0 ? UNKNOWN : known;
  const reads = all.filter(({ method, privilege }) => method === 'GET' && privilege <= 1);
  return {
    reads: reads.filter(({ path }) => !path.includes('{')).slice(0, 12),
    privileged: all
      .filter(({ privilege }) => privilege >= PRIVILEGED_FROM)
      .sort((a, b) => b.privilege - a.privilege)
      .slice(0, 8),
  };
}

/** A path with ids in it. */
export function concrete(path: string): string {
  return path.replace(/\{[^}]*\}/g, () => randomBytes(12).toString('hex'));
}
