import type { KeyRecord } from '../core/key.js';
import type { KeyService } from '../keys/service.js';
import type { Findings, Incidents } from './service.js';

/** Whom a plan is about; of several, all. */
export interface Scope {
  readonly incident?: string;
  readonly keys?: readonly string[];
  readonly tenant?: string;
  readonly all?: boolean;
}

/** The living keys that a plan is about. @throws ActFault where the scope names what is not there */
export async function keysIn(
  scope: Scope,
  { keys: service, incidents }: { readonly keys: KeyService; readonly incidents: Incidents },
): Promise<{ keys: KeyRecord[]; suspects: Set<string>; findings: Findings | undefined }> {
  const findings = scope.incident === undefined ? undefined : await incidents.investigate(scope.incident);
  const suspects = new Set([...(scope.keys ?? []), ...(findings?.set.contain.map(({ key }) => key) ?? [])]);
  for (const key of scope.keys ?? []) service.show(key);
  const wanted = ({ id, tenant, revoked }: KeyRecord) =>
    revoked === undefined && (scope.all === true || suspects.has(id) || tenant === scope.tenant);
  const living: KeyRecord[] = [];
  if (scope.all === true || scope.tenant !== undefined) {
    for await (const piece of service.pieces()) living.push(...piece.filter(wanted));
  } else {
    for (const id of suspects) {
      const key = service.find(id);
      if (key !== undefined && wanted(key)) living.push(key);
    }
  }
  return { keys: living, suspects, findings };
}
