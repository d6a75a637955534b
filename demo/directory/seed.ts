import { createHash } from 'node:crypto';
import { Random } from '../../world/random.js';
import type { Account, AccountKind } from './identity/accounts.js';
import { putTotp, totpSecretOf } from './identity/factors.js';
import { POLICY_DEFAULT } from './identity/password-policy.js';
import { hashPasswordSync, putPassword } from './identity/passwords.js';
import { type Ports, sha256 } from './ids.js';
import type { Document, JsonObject, Kind, Organization, RoleName } from './model.js';
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
} from './resources.js';
import type { DirectoryStore, TenantStore } from './store.js';

export interface SeedOptions {
  readonly seed: number;
  readonly organisations: number;
  /** Users of the smallest organisation; the largest has four times as many. */
  readonly users: number;
}

export interface SeededKey {
  readonly organization: string;
  readonly name: string;
  readonly email: string;
  readonly role: RoleName;
  readonly apiKey: string;
}

/** Somebody who can log in on the pages, with the second factor where there is one. */
export interface SeededPassword {
  readonly organization: string;
  readonly kind: AccountKind;
  readonly email: string;
  readonly password: string;
  readonly totpSecret: string | null;
}

/** Start data. Anyone who knows the seed knows these keys: they are for a demo on one's own machine. */
export interface Seeded {
  readonly provider: { readonly id: string; readonly apiKey: string };
  readonly keys: readonly SeededKey[];
  /** What devices show to join, by organisation. */
  readonly connectKeys: Readonly<Record<string, string>>;
  readonly passwords: readonly SeededPassword[];
}

/** A good hash takes time: an administrator and two users of the first organisations have passwords. */
const PASSWORD_ORGANISATIONS = 10;
const PASSWORD_USERS = 2;
const START = Date.UTC(2023, 0, 2, 8);
const FIRST = [
  'Ada',
  'Boris',
  'Chen',
  'Dina',
  'Emil',
  'Fatma',
  'Goran',
  'Hana',
  'Ivo',
  'Jana',
  'Kofi',
  'Lena',
];
const LAST = [
  'Adler',
  'Brandt',
  'Costa',
  'Dvorak',
  'Endo',
  'Fischer',
  'Garcia',
  'Haas',
  'Ito',
  'Jansen',
  'Kaya',
  'Lund',
];
const FIRMS = [
  'Alder',
  'Birch',
  'Cedar',
  'Dune',
  'Ember',
  'Fjord',
  'Grove',
  'Harbor',
  'Iris',
  'Juniper',
  'Kestrel',
  'Larch',
];
const TEAMS = ['Engineering', 'Finance', 'People', 'Sales', 'Support', 'Security'];
const OSES = [
  { os: 'Mac OS X', osFamily: 'darwin', version: '13.4', arch: 'arm64' },
  { os: 'Windows', osFamily: 'windows', version: '10', arch: 'x86_64' },
  { os: 'Ubuntu', osFamily: 'linux', version: '22.04', arch: 'x86_64' },
] as const;
const ADMINS: readonly RoleName[] = [
  'Administrator With Billing',
  'Administrator',
  'Help Desk',
  'Read Only',
  'Command Runner',
];

function seededSecret(seed: number, name: string): string {
  return createHash('sha256').update(`demo key ${seed} ${name}`).digest('hex').slice(0, 40);
}

/**
 * Fills an empty store, in one transaction: the same seed gives the same data, ids and keys.
 * @param keep writes the keys down before the data are there for good, so that there are no data without keys
 */
export function seedDirectory(
  store: DirectoryStore,
  options: SeedOptions,
  keep: (seeded: Seeded) => void = () => undefined,
): Promise<Seeded> {
  return store.change(() => {
    const random = new Random(options.seed);
    const provider = { id: random.hex(24), apiKey: seededSecret(options.seed, 'provider') };
    store.putKey(sha256(provider.apiKey), {
      ...{ kind: 'provider', organization: null, provider: provider.id, owner: provider.id },
      ...{ email: 'operations@provider.example', state: 'active', expiresAt: null },
    });
    const keys: SeededKey[] = [];
    const connectKeys: Record<string, string> = {};
    const passwords: SeededPassword[] = [];
    for (let n = 0; n < options.organisations; n++) {
      const maker = new OrganizationMaker(
        store,
        new Random(options.seed, n + 1),
        options.seed,
        n,
        provider.id,
      );
      connectKeys[maker.id] = maker.connectKey();
      keys.push(...maker.make(Math.round(options.users * (1 + 3 * random.next()))));
      passwords.push(...maker.passwords);
    }
    store.putFact('seed', JSON.stringify(options));
    const seeded = { provider, keys, connectKeys, passwords };
    keep(seeded);
    return seeded;
  });
}

class OrganizationMaker {
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
      created: this.#time(),
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

  #time(): string {
    return new Date(this.#ports.now()).toISOString();
  }

  #put(resource: Resource, fields: JsonObject): Document {
    const id = this.#ports.newId();
    const made = { organization: this.#organization._id, at: this.#time() };
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
    const key = { apiKeyAllowed: true, apiKeySet: true, apiKeyUpdatedAt: this.#time() };
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

  /** The second factor that the object speaks of, and for some a password. */
  #signIn(kind: AccountKind, document: Document, chosen: boolean): void {
    const account: Account = { kind, organization: this.#organization._id, document };
    const email = String(document.email);
    let totpSecret: string | null = null;
    if (document.totp_enabled === true || document.totpEnrolled === true) {
      const bytes = Buffer.from(seededSecret(this.#seed, `totp ${email}`), 'hex');
      totpSecret = totpSecretOf(bytes);
      putTotp(this.#store, account, totpSecret, 0);
    }
    if (!chosen || !this.#passwords) return;
    const password = seededSecret(this.#seed, `password ${email}`).slice(0, 20);
    const fields = putPassword(
      this.#store.hidden,
      account,
      POLICY_DEFAULT,
      hashPasswordSync(password),
      this.#ports.now(),
    );
    this.#tenant.put(kind, { ...document, ...fields });
    this.passwords.push({ organization: account.organization, kind, email, password, totpSecret });
  }

  #system(user: Document): Document {
    const platform = this.#random.zipf(OSES, 0.5);
    const hostname = `${platform.osFamily}-${this.#random.hex(6)}`;
    const system = this.#put(SYSTEM, {
      ...{ hostname, displayName: hostname, ...platform, agentVersion: '1.189.0', lastContact: this.#time() },
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
