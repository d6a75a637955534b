import { isoTime, type Ports } from './ids.js';
import { type Caller, type DirectoryEvent, isObject, type Json, type JsonObject } from './model.js';

export const RETENTION_MS = 90 * 24 * 3_600_000;

export interface Happened {
  readonly type: string;
  readonly resource?: JsonObject;
  readonly changes?: readonly JsonObject[];
  readonly association?: JsonObject;
  readonly success?: boolean;
  /** Fields that few events have. */
  readonly extra?: JsonObject;
}

/** One entry of the log, as Directory Insights writes them. It names the owner of the key, never the key. */
export function eventOf(ports: Ports, caller: Caller, happened: Happened): DirectoryEvent {
  const { type, resource, changes, association, success = true, extra } = happened;
  return {
    '@version': '1',
    id: ports.newId(),
    event_type: type,
    service: 'directory',
    organization: caller.organization,
    provider: caller.provider,
    timestamp: isoTime(ports),
    auth_method: caller.authMethod,
    client_ip: caller.clientIp,
    initiated_by: initiatorOf(caller),
    useragent: userAgentOf(caller.userAgent),
    ...(resource === undefined ? {} : { resource }),
    ...(changes === undefined ? {} : { changes }),
    ...(association === undefined ? {} : { association }),
    success,
    ...extra,
  };
}

export function initiatorOf({ kind, id, email }: Pick<Caller, 'kind' | 'id' | 'email'>): JsonObject {
  if (kind === 'system') return { type: kind, id };
  return { type: kind === 'provider' ? 'admin' : kind, id, email };
}

/** The first product of the header; what it does not say is `Other`. */
export function userAgentOf(header: string): JsonObject {
  const [, name = 'Other', version = ''] = /^([^\s/()]{1,60})(?:\/([^\s()]{1,40}))?/.exec(header) ?? [];
  const [major = '', minor = '', patch = ''] = version.split('.');
  return {
    name,
    version,
    major,
    minor,
    patch,
    os: 'Other',
    os_name: 'Other',
    os_full: 'Other',
    device: 'Other',
  };
}

export function changesBetween(before: JsonObject, after: JsonObject): JsonObject[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes: JsonObject[] = [];
  for (const field of names) {
    const [from, to] = [before[field], after[field]];
    if (same(from, to)) continue;
    changes.push({ field, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
  }
  return changes;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each: Json, i) => same(each, b[i] as Json | undefined));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => same(a[name], b[name]));
}
