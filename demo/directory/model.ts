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
  | 'service_account'
  | 'inventory'
  | 'policyresult'
  | 'job';

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
  readonly kind: 'admin' | 'service_account' | 'provider' | 'system';
  readonly id: string;
  readonly email: string;
  readonly role: RoleName;
  readonly organization: string;
  readonly provider: string | null;
  readonly authMethod: 'api key' | 'bearer token' | 'session' | 'signature' | 'schedule';
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
  readonly system: string;
  readonly action: 'command' | 'erase' | 'lock' | 'unlock' | 'restart' | 'shutdown';
  /** As it was when it was queued: what is changed or removed afterwards changes no run. */
  readonly command: QueuedCommand;
  readonly workflow: string;
  readonly requestedAt: string;
  /** Whose call it was; null if no call caused it. */
  readonly requestedBy: JsonObject | null;
}

export interface QueuedCommand {
  readonly id: string | null;
  readonly name: string;
  readonly command: string;
  readonly user: string;
  readonly sudo: boolean;
  readonly timeoutMs: number;
}

/** A device with an agent. `old`: removed or erased, its key opens nothing any more. */
export interface AgentRecord {
  readonly system: string;
  readonly organization: string;
  readonly publicKey: string;
  readonly state: 'active' | 'old';
}

/** A command that runs by itself, next at `dueAt`. */
export interface ScheduleRecord {
  readonly organization: string;
  readonly command: string;
  readonly dueAt: number;
  readonly repeated: boolean;
  readonly by: Pick<Caller, 'kind' | 'id' | 'email'>;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
