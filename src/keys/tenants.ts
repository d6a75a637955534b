import type { LocationRules, Tenant } from '../core/key.js';
import { validateLocationRules } from '../core/location.js';
import type { Changes, Geo, KeyStore } from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import type { KeyDirectory } from './directory.js';
import { idText, type TenantInput, WEBHOOKS } from './inputs.js';
import { guardAgainstLockOut } from './lock-out.js';

/** @throws ActFault invalid, which names every rule that cannot be read */
export function checkLocations(rules: LocationRules | undefined): void {
  const problems = rules === undefined ? [] : validateLocationRules(rules);
  if (problems.length > 0) throw new ActFault('invalid', `locations: ${problems.join('; ')}`);
}

/** Customer organisations. A key may name a tenant that has no record: it then has no rules of its own. */
export class TenantService {
  readonly #store: KeyStore;
  readonly #directory: KeyDirectory;
  readonly #acts: Acts;
  readonly #geo: Geo;
  readonly #changes: Changes;

  constructor(parts: {
    store: KeyStore;
    directory: KeyDirectory;
    acts: Acts;
    geo: Geo;
    changes: Changes;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#acts = parts.acts;
    this.#geo = parts.geo;
    this.#changes = parts.changes;
  }

  list(): Tenant[] {
    return this.#store.tenants();
  }

  show(id: string): Tenant {
    const tenant = this.#store.tenant(id);
    if (tenant === undefined) throw new ActFault('not_found', `There is no tenant ${id}.`);
    return tenant;
  }

  /** @param force set rules even if they refuse the place where a key of the tenant was last used */
  async set(actor: string, id: string, input: TenantInput, force = false): Promise<Tenant> {
    const { tenant, told } = await this.#acts.run(async () => {
      if (!idText.safeParse(id).success)
        throw new ActFault('invalid', 'id: letters, digits and . _ @ : - only, at most 128.');
      checkLocations(input.locations);
      this.#checkContacts(input);
      if (!force && input.locations !== undefined) {
        for (const key of this.#keysOf(id))
          guardAgainstLockOut(
            input.locations,
            key,
            this.#directory.usage(key.id),
            this.#geo,
            this.#acts.now(),
          );
      }
      const tenant: Tenant = { id, ...input };
      await this.#acts.record(actor, 'tenant.set', id, { ...input });
      await this.#store.write({ tenants: [tenant] });
      return { tenant, told: this.#changes.announce({ tenants: [id] }) };
    });
    await told;
    return tenant;
  }

  /** Refused while it has keys that work: they would lose its rules. */
  async remove(actor: string, id: string): Promise<void> {
    const { told } = await this.#acts.run(async () => {
      this.show(id);
      const [key] = this.#keysOf(id);
      if (key !== undefined)
        throw new ActFault('conflict', `Key ${key.id} belongs to tenant ${id}; revoke or move it first.`);
      await this.#acts.record(actor, 'tenant.remove', id);
      await this.#store.write({ removeTenants: [id] });
      return { told: this.#changes.announce({ tenants: [id] }) };
    });
    await told;
  }

  #checkContacts({ contacts }: TenantInput): void {
    const { emails = [], webhooks = [] } = contacts ?? {};
    for (const [what, values] of [
      ['emails', emails],
      ['webhooks', webhooks.map(({ url }) => url)],
    ] as const)
      if (new Set(values).size !== values.length)
        throw new ActFault('invalid', `contacts.${what}: one of them is there twice.`);
    for (const name of webhooks.flatMap(({ secrets }) => secrets))
      if (this.#store.sealed(name)?.upstream !== WEBHOOKS)
        throw new ActFault('invalid', `contacts.webhooks: ${name} is not sealed for ${WEBHOOKS}.`);
  }

  #keysOf(id: string) {
    return this.#store.keys().filter((key) => key.tenant === id && key.revoked === undefined);
  }
}
