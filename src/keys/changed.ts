import type { KeyRecord } from '../core/key.js';
import type { ChangeInput } from './inputs.js';

/** The record after a change; `null` removes a field, an absent field stays. */
export function changed(key: KeyRecord, change: ChangeInput): KeyRecord {
  const { sealed, expiresMs, idleMs, ...rest } = key;
  const keep = <T>(next: T | null | undefined, before: T | undefined) =>
    next === null ? undefined : (next ?? before);
  const expires = change.expires == null ? change.expires : Date.parse(change.expires);
  const idle = change.idleSeconds == null ? change.idleSeconds : change.idleSeconds * 1000;
  const next = {
    sealed: keep(change.sealed, sealed),
    expiresMs: keep(expires, expiresMs),
    idleMs: keep(idle, idleMs),
  };
  return {
    ...rest,
    name: change.name ?? key.name,
    tenant: change.tenant ?? key.tenant,
    principal: change.principal ?? key.principal,
    upstreams: change.upstreams ?? key.upstreams,
    limits: change.limits ?? key.limits,
    ...Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)),
  };
}
