export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [field: string]: Json;
}

/** What an organisation owns. Words as the API writes them in graph types and events. */
export type Kind =
  | 'admin'
  | 'user'
  | 'sshkey'
  | 'system'
  | 'user_group'
  | 'system_group'
  | 'command'
  | 'commandresult'
  | 'application'
  | 'policy'
  | 'authnpolicy'
  | 'iplist'
  | 'ldap_server'
  | 'role'
  | 'service_account';

/** Stored with both names of its id: v1 shows both, v2 only `id`. */
export interface Document extends JsonObject {
  readonly _id: string;
  readonly id: string;
}

export interface Organization extends Document {
  readonly displayName: string;
  readonly provider: string | null;
}

export type RoleName =
  | 'Administrator With Billing'
  | 'Administrator'
  | 'Manager'
  | 'Help Desk'
  | 'Command Runner'
  | 'Read Only';

/** Whoever holds a key, after the key opened an organisation. */
export interface Caller {
  readonly kind: 'admin' | 'service_account' | 'provider';
  readonly id: string;
  readonly email: string;
  readonly role: RoleName;
  readonly organization: string;
  readonly provider: string | null;
  readonly authMethod: 'api key' | 'bearer token' | 'session';
  readonly clientIp: string;
  readonly userAgent: string;
}

export interface Link {
  readonly type: string;
  readonly id: string;
  readonly attributes: JsonObject | null;
}

export interface DirectoryEvent extends JsonObject {
  readonly id: string;
  readonly event_type: string;
  readonly service: string;
  readonly organization: string;
  readonly timestamp: string;
}

/** A run that a device has not answered yet. */
export interface QueuedRun {
  readonly id: string;
  readonly organization: string;
  readonly command: string;
  readonly system: string;
  readonly workflow: string;
  readonly requestedAt: string;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
