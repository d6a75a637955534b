import type { Random } from '../../../world/random.js';
import type { Account, AccountKind } from '../identity/accounts.js';
import { isoTime, type Ports, sha256 } from '../ids.js';
import type { Document, JsonObject, Kind, Organization, RoleName } from '../model.js';
import {
  ADMIN,
  APPLICATION,
  COMMAND,
  LDAP_SERVER,
  POLICY,
  type Resource,
  ROLE,
  ROLE_NAMES,
  SYSTEM,
  SYSTEM_GROUP,
  USER,
  USER_GROUP,
} from '../resources.js';
import type { DirectoryStore, TenantStore } from '../store.js';
import { FIRMS, FIRST, LAST, OSES, TEAMS } from './names.js';
import { type SeededKey, type SeededPassword, seededSecret } from './seeded.js';
import { seedSignIn } from './sign-in.js';

/** A good hash takes time: an administrator and two users of the first organisations have passwords. */
const PASSWORD_ORGANISATIONS = 10;
const PASSWORD_USERS = 2;
const START = Date.UTC(2023, 0, 2, 8);
const ADMINS: readonly RoleName[] = [
  'Administrator With Billing',
  'Administrator',
  'Help Desk',
  'Read Only',
  'Command Runner',
];

/** Makes one organisation with everything that it owns. */
export class OrganizationMaker {
  readonly #store: DirectoryStore;
  readonly #random: Random;
  readonly #seed: number;
  readonly #name: string;
  readonly #domain: string;
  readonly #organization: Organization;
  readonly #tenant: TenantStore;
  readonly #ports: Ports;
  readonly #passwords: boolean;
  readonly passwords: SeededPassword[] = [];

  constructor(store: DirectoryStore, random: Random, seed: number, n: number, provider: string) {
    let count = 0;
    this.#passwords = n < PASSWORD_ORGANISATIONS;
    this.#store = store;
    this.#random = random;
    this.#seed = seed;
    this.#name = n < FIRMS.length ? `${FIRMS[n]} Ltd` : `${FIRMS[n % FIRMS.length]} ${n} Ltd`;
    this.#domain = `${this.#name.toLowerCase().replace(/ ltd$/, '').replaceAll(' ', '')}.example`;
    this.#ports = {
      now: () => START + count * 60_000,
      // Ascending, as those of a running directory are.
      newId: () => {
        count += 1;
        return (
          Math.floor(START / 1000 + count * 60)
            .toString(16)
            .padStart(8, '0') + random.hex(16)
        );
      },
    };
    const id = this.#ports.newId();
    this.#organization = {
      _id: id,
      id,
      displayName: this.#name,
      logoUrl: null,
      created: isoTime(this.#ports),
      provider,
    };
    this.#tenant = store.tenant(id);
  }

  get id(): string {
    return this.#organization._id;
  }

  connectKey(): string {
    const key = seededSecret(this.#seed, `connect ${this.#domain}`);
    this.#store.putFact(`connect-key:${this.id}`, key);
    return key;
  }

  make(size: number): SeededKey[] {
    this.#store.putOrganization(this.#organization);
    const keys = ADMINS.map((role, i) => this.#admin(role, i));
    const users = Array.from({ length: size }, (_, i) => this.#user(i));
    const systems = users.flatMap((user) => (this.#random.chance(0.9) ? [this.#system(user)] : []));
    this.#groups(users, systems);
    this.#rest(systems);
    return keys;
  }

  #put(resource: Resource, fields: JsonObject): Document {
    const id = this.#ports.newId();
    const made = { organization: this.#organization._id, at: isoTime(this.#ports) };
    const document = { ...resource.defaults(made), ...fields, _id: id, id };
    this.#tenant.put(resource.kind, document);
    return document;
  }

  #tie(kind: Kind, from: Document, type: Kind, to: Document, attributes: JsonObject | null = null): void {
    this.#tenant.putLink(kind, from._id, { type, id: to._id, attributes });
  }

  #admin(roleName: RoleName, i: number): SeededKey {
    const { _id: organization, provider } = this.#organization;
    const email = `${roleName.toLowerCase().replaceAll(' ', '.')}@${this.#domain}`;
    const apiKey = seededSecret(this.#seed, email);
    const key = { apiKeyAllowed: true, apiKeySet: true, apiKeyUpdatedAt: isoTime(this.#ports) };
    const name = { firstname: FIRST[i] ?? '', lastname: LAST[i] ?? '' };
    const multiFactor = { enableMultiFactor: true, totpEnrolled: true };
    const admin = this.#put(ADMIN, { email, roleName, provider, ...name, ...key, ...multiFactor });
    this.#signIn('admin', admin, i === 0);
    this.#store.putKey(sha256(apiKey), {
      ...{ kind: 'admin', organization, provider, owner: admin._id, email, state: 'active', expiresAt: null },
    });
    return { organization, name: this.#name, email, role: roleName, apiKey };
  }

  #user(i: number): Document {
    const [firstname, lastname] = [this.#random.pick(FIRST), this.#random.pick(LAST)];
    const username = `${firstname}.${lastname}${i}`.toLowerCase();
    const user = this.#put(USER, {
      ...{ username, email: `${username}@${this.#domain}`, firstname, lastname, activated: true },
      ...{
        displayname: `${firstname} ${lastname}`,
        company: this.#name,
        department: this.#random.pick(TEAMS),
      },
      ...{
        employeeIdentifier: String(1000 + i),
        jobTitle: this.#random.pick(['Engineer', 'Analyst', 'Lead']),
      },
      ...{ totp_enabled: this.#random.chance(0.8), sudo: this.#random.chance(0.1), unix_uid: 5000 + i },
    });
    this.#signIn('user', user, i < PASSWORD_USERS);
    return user;
  }

  #signIn(kind: AccountKind, document: Document, chosen: boolean): void {
    const account: Account = { kind, organization: this.#organization._id, document };
    const has = chosen && this.#passwords;
    const made = seedSignIn(this.#store, this.#seed, account, has, this.#ports.now());
    if (made !== undefined) this.passwords.push(made);
  }

  #system(user: Document): Document {
    const platform = this.#random.zipf(OSES, 0.5);
    const hostname = `${platform.osFamily}-${this.#random.hex(6)}`;
    const system = this.#put(SYSTEM, {
      ...{
        hostname,
        displayName: hostname,
        ...platform,
        agentVersion: '1.189.0',
        lastContact: isoTime(this.#ports),
      },
      ...{
        serialNumber: this.#random.hex(12).toUpperCase(),
        remoteIP: `198.51.100.${this.#random.int(1, 254)}`,
      },
      ...{ fde: { active: this.#random.chance(0.7), keyPresent: true } },
    });
    const sudo = { sudo: { enabled: user.sudo === true, withoutPassword: false } };
    this.#tie('user', user, 'system', system, user.sudo === true ? sudo : null);
    return system;
  }

  #groups(users: readonly Document[], systems: readonly Document[]): void {
    for (const team of TEAMS) {
      const group = this.#put(USER_GROUP, { name: team });
      for (const user of users) if (user.department === team) this.#tie('user_group', group, 'user', user);
    }
    for (const { osFamily } of OSES) {
      const group = this.#put(SYSTEM_GROUP, { name: `All ${osFamily}` });
      for (const system of systems)
        if (system.osFamily === osFamily) this.#tie('system_group', group, 'system', system);
    }
  }

  #rest(systems: readonly Document[]): void {
    const groups = this.#tenant.all('system_group');
    const everyone = this.#tenant.all('user_group');
    for (const name of ['Wiki', 'Payroll', 'Source', 'Mail']) {
      const ssoUrl = `https://sso.${this.#domain}/saml2/${name.toLowerCase()}`;
      const config = { acsUrl: { value: `https://${name.toLowerCase()}.${this.#domain}/acs` } };
      const fields = {
        name: 'saml',
        displayName: name,
        displayLabel: name,
        ssoUrl,
        config,
        sso: { type: 'saml' },
      };
      const application = this.#put(APPLICATION, fields);
      for (const group of everyone) this.#tie('user_group', group, 'application', application);
    }
    for (const [name, command] of [
      ['Inventory', 'uname -a'],
      ['Hostname', 'hostname'],
    ] as const) {
      const made = this.#put(COMMAND, { name, command, launchType: 'trigger', trigger: name.toLowerCase() });
      for (const system of systems.slice(0, 3)) this.#tie('command', made, 'system', system);
    }
    const policy = this.#put(POLICY, {
      name: 'Lock screen',
      values: [{ configFieldName: 'timeout', value: 300 }],
    });
    for (const group of groups) this.#tie('policy', policy, 'system_group', group);
    this.#put(LDAP_SERVER, { name: 'jumpcloud' });
    for (const name of ROLE_NAMES) this.#put(ROLE, { name });
  }
}
