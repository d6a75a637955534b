import { z } from 'zod';
import type { Document, Json, JsonObject, Kind } from './model.js';

/** What clients may set on an object of a kind; every other field is the directory's own and is passed over. */
export interface Resource {
  readonly kind: Kind;
  readonly input: z.ZodType<Record<string, unknown>>;
  readonly required: readonly string[];
  /** Fields that no two objects of an organisation share, whatever the letter case. */
  readonly unique: readonly string[];
  readonly searched: readonly string[];
  readonly nameField: string;
  /** Names of events: `user` makes `user_create`, `user_update`, `user_delete`. */
  readonly event: string | undefined;
  readonly defaults: (made: { organization: string; at: string }) => JsonObject;
}

export const ROLE_NAMES = [
  'Administrator With Billing',
  'Administrator',
  'Manager',
  'Help Desk',
  'Command Runner',
  'Read Only',
] as const;

const text = z.string().max(2_000).nullish();
const flag = z.boolean().nullish();
const json: z.ZodType<Json> = z.json();
const object = z.record(z.string().max(200), json).nullish();
const list = z.array(json).max(1_000).nullish();
const fields = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape);

const user = fields({
  username: z.string().min(1).max(100).nullish(),
  email: z.email().max(320).nullish(),
  ...{ firstname: text, middlename: text, lastname: text, displayname: text, description: text },
  ...{ company: text, costCenter: text, department: text, employeeIdentifier: text, employeeType: text },
  ...{ jobTitle: text, location: text, manager: text, managedAppleId: text, alternateEmail: text },
  ...{ recoveryEmail: object, addresses: list, phoneNumbers: list, attributes: list, relationships: list },
  ...{ sudo: flag, passwordless_sudo: flag, ldap_binding_user: flag, samba_service_user: flag },
  ...{ suspended: flag, enable_managed_uid: flag, enable_user_portal_multifactor: flag },
  ...{ password_never_expires: flag, allow_public_key: flag, external_dn: text, external_source_type: text },
  mfa: z.object({ exclusion: flag, exclusionUntil: text }).nullish(),
  unix_uid: z.int().nullish(),
  unix_guid: z.int().nullish(),
  state: z.enum(['STAGED', 'ACTIVATED', 'SUSPENDED']).nullish(),
});

export const USER: Resource = {
  kind: 'user',
  input: user,
  required: ['username', 'email'],
  unique: ['username', 'email'],
  searched: ['username', 'email', 'firstname', 'lastname', 'displayname', 'employeeIdentifier'],
  nameField: 'username',
  event: 'user',
  defaults: ({ organization, at }) => ({
    ...{ organization, created: at, account_locked: false, activated: false, state: 'ACTIVATED' },
    ...{ firstname: '', middlename: '', lastname: '', displayname: '', description: '', company: '' },
    ...{
      costCenter: '',
      department: '',
      employeeIdentifier: null,
      employeeType: '',
      jobTitle: '',
      location: '',
    },
    ...{ sudo: false, passwordless_sudo: false, ldap_binding_user: false, samba_service_user: false },
    ...{ suspended: false, enable_managed_uid: false, enable_user_portal_multifactor: false },
    ...{ password_never_expires: false, password_expired: false, password_expiration_date: null },
    ...{ password_date: null, allow_public_key: true, external_dn: '', external_source_type: '' },
    ...{ externally_managed: false, totp_enabled: false, mfa: { configured: false, exclusion: false } },
    ...{
      addresses: [],
      phoneNumbers: [],
      attributes: [],
      relationships: [],
      unix_uid: 5000,
      unix_guid: 5000,
    },
    ...{
      manager: null,
      managedAppleId: '',
      alternateEmail: null,
      mfaEnrollment: { overallStatus: 'NOT_ENROLLED' },
    },
  }),
};

export const ADMIN: Resource = {
  kind: 'admin',
  input: fields({
    email: z.email().max(320).nullish(),
    ...{ firstname: text, lastname: text, enableMultiFactor: flag, apiKeyAllowed: flag, suspended: flag },
    roleName: z.enum(ROLE_NAMES).nullish(),
  }),
  required: ['email'],
  unique: ['email'],
  searched: ['email', 'firstname', 'lastname'],
  nameField: 'email',
  event: 'admin',
  defaults: ({ organization, at }) => ({
    ...{ organization, provider: null, created: at, firstname: '', lastname: '', roleName: 'Read Only' },
    ...{ enableMultiFactor: false, totpEnrolled: false, suspended: false, sessionCount: 0 },
    ...{ apiKeyAllowed: false, apiKeySet: false, apiKeyUpdatedAt: null },
  }),
};

export const SYSTEM: Resource = {
  kind: 'system',
  input: fields({
    ...{
      displayName: text,
      allowSshPasswordAuthentication: flag,
      allowSshRootLogin: flag,
      agentBoundMessages: list,
    },
    ...{ allowMultiFactorAuthentication: flag, allowPublicKeyAuthentication: flag, tags: list },
  }),
  required: [],
  unique: [],
  searched: ['displayName', 'hostname', 'os', 'serialNumber'],
  nameField: 'displayName',
  event: 'system',
  defaults: ({ organization, at }) => ({
    ...{
      organization,
      created: at,
      displayName: '',
      active: true,
      agentVersion: '1.0',
      amazonInstanceID: null,
    },
    ...{ allowSshPasswordAuthentication: true, allowSshRootLogin: false, tags: [] },
    ...{ allowMultiFactorAuthentication: false, allowPublicKeyAuthentication: true },
  }),
};

export const COMMAND: Resource = {
  kind: 'command',
  input: fields({
    name: z.string().min(1).max(200).nullish(),
    command: z.string().max(64_000).nullish(),
    commandType: z.enum(['linux', 'mac', 'windows']).nullish(),
    launchType: z.enum(['manual', 'trigger', 'immediate', 'repeated', 'one-time', 'scheduled']).nullish(),
    ...{ user: text, sudo: flag, schedule: text, scheduleRepeatType: text, trigger: text, timeout: text },
    scheduleYear: z.int().min(1970).max(9_999).nullish(),
    ...{ files: list, systems: list, commandRunners: list, shell: text, template: text, description: text },
  }),
  required: ['name', 'command'],
  unique: [],
  searched: ['name', 'command', 'trigger'],
  nameField: 'name',
  event: 'command',
  defaults: ({ organization, at }) => ({
    ...{ organization, created: at, commandType: 'linux', launchType: 'manual', listensTo: '', sudo: false },
    ...{ user: '000000000000000000000000', schedule: 'immediate', scheduleRepeatType: '', trigger: '' },
    ...{ timeout: '120', files: [], systems: [], commandRunners: [], shell: '' },
  }),
};

/** Made by devices, never by clients. */
export const COMMAND_RESULT: Resource = {
  ...{ kind: 'commandresult', input: COMMAND.input, required: [], unique: [], nameField: 'name' },
  ...{ searched: ['name', 'command', 'system'], event: 'commandresult', defaults: () => ({}) },
};

export const APPLICATION: Resource = {
  kind: 'application',
  input: fields({
    name: z.string().min(1).max(200).nullish(),
    ...{ displayName: text, displayLabel: text, description: text, ssoUrl: text, active: flag, beta: flag },
    ...{ config: object, sso: object, logo: object, learnMore: text },
  }),
  required: ['name'],
  unique: [],
  searched: ['name', 'displayName', 'displayLabel'],
  nameField: 'displayName',
  event: 'application',
  defaults: ({ organization, at }) => ({
    ...{
      organization,
      created: at,
      displayName: '',
      displayLabel: '',
      description: '',
      ssoUrl: '',
      active: true,
    },
    ...{ beta: false, config: {}, sso: {} },
  }),
};

const named = (
  kind: Kind,
  event: string | undefined,
  shape: z.ZodRawShape,
  defaults: JsonObject,
): Resource => ({
  kind,
  input: fields({ name: z.string().min(1).max(200).nullish(), description: text, ...shape }),
  required: ['name'],
  unique: ['name'],
  searched: ['name', 'description'],
  nameField: 'name',
  event,
  defaults: () => defaults,
});

const group = {
  ...{ attributes: object, memberQuery: object, memberQueryExemptions: list, email: text },
  membershipMethod: z.enum(['NOTSET', 'STATIC', 'DYNAMIC_REVIEW_REQUIRED', 'DYNAMIC_AUTOMATED']).nullish(),
};

export const USER_GROUP = named('user_group', 'group', group, {
  ...{ type: 'user_group', description: '', email: '', attributes: null, membershipMethod: 'STATIC' },
});
export const SYSTEM_GROUP = named('system_group', 'group', group, {
  ...{ type: 'system_group', description: '', email: '', attributes: null, membershipMethod: 'STATIC' },
});
export const POLICY = named(
  'policy',
  'policy',
  { values: list, template: object, notes: text },
  {
    ...{ values: [], template: null, notes: '', activation: 'AUTO' },
  },
);
export const AUTHN_POLICY = named(
  'authnpolicy',
  'authnpolicy',
  { type: text, disabled: flag, effect: object, targets: object, conditions: object },
  { type: 'user_portal', disabled: false, effect: { action: 'allow' }, targets: {}, conditions: {} },
);
export const IP_LIST = named(
  'iplist',
  'iplist',
  { ips: z.array(z.string().max(100)).max(1_000).nullish() },
  {
    ips: [],
  },
);
export const LDAP_SERVER = named('ldap_server', undefined, {}, { userLockoutAction: 'remove' });
export const ROLE = named(
  'role',
  undefined,
  { scopes: z.array(z.string().max(200)).max(500).nullish() },
  {
    scopes: [],
  },
);

/** v2 objects have one id. */
export function asV2(document: JsonObject): JsonObject {
  const { _id, ...rest } = document;
  return rest;
}

export function nameOf(resource: Resource, document: Document): string {
  const value = document[resource.nameField];
  return typeof value === 'string' ? value : '';
}
