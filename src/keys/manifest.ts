import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { KeyRecord, Tenant } from '../core/key.js';
import { validateLocationRules } from '../core/location.js';
import type { Changes, KeyEvents, KeyStore, WriteSet } from '../engine/ports.js';
import { ActFault, type Acts } from './acts.js';
import { changed } from './changed.js';
import type { Fingerprints } from './fingerprint.js';
import { mintKey } from './format.js';
import { idText, issueInput, sealInput, tenantInput, WEBHOOKS } from './inputs.js';
import { changesOf } from './key-changes.js';
import { stateOf } from './state.js';

const manifestKey = issueInput.extend({
  id: z.string().regex(/^[0-9A-Za-z]{12}$/, 'must be 12 letters or digits'),
  kind: z.enum(['issued', 'imported', 'foreign']).default('issued'),
  suspended: z.boolean().default(false),
});

/** Tenants and keys as text that can live in git: everything but secrets. */
export const manifestSchema = z.strictObject({
  keyward: z.literal(1).describe('Version of this format.'),
  tenants: z.array(tenantInput.extend({ id: idText })).default([]),
  sealed: z
    .array(sealInput.omit({ secret: true }))
    .default([])
    .describe('Sealed credentials that must be there.'),
  keys: z.array(manifestKey).default([]),
});

export type Manifest = z.output<typeof manifestSchema>;
type ManifestKey = Manifest['keys'][number];

export interface ApplyOptions {
  /** Say what would change, and change nothing. */
  readonly dryRun: boolean;
  /** Revoke keys that the manifest does not name. */
  readonly prune: boolean;
}

export interface Change {
  readonly action: 'tenant.set' | 'key.issue' | 'key.change' | 'key.suspend' | 'key.revoke';
  readonly id: string;
  readonly name: string;
}

export interface Applied {
  readonly changes: readonly Change[];
  /** Of keys that were issued: the only time they are shown. */
  readonly credentials: readonly { readonly id: string; readonly credential: string }[];
  /** Where the store is stricter than the manifest, or has more: left as it is. */
  readonly left: readonly { readonly id: string; readonly why: string }[];
}

interface Parts {
  readonly store: KeyStore;
  readonly changes: Changes;
  readonly acts: Acts;
  readonly fingerprints: Fingerprints;
  readonly events: KeyEvents;
  readonly upstreams: () => readonly string[];
}

/** Living keys, tenants and the names of sealed credentials. */
export function exportManifest(store: KeyStore, nowMs: number): Manifest {
  return {
    keyward: 1,
    tenants: store.tenants(),
    sealed: store.sealedAll().map(({ name, upstream, header, template }) => ({
      name,
      upstream,
      header,
      template,
    })),
    keys: store
      .keys()
      .filter((key) => !['revoked', 'rotated', 'expired'].includes(stateOf(key, nowMs)))
      .map(asManifestKey),
  };
}

function asManifestKey(key: KeyRecord): ManifestKey {
  const { id, kind, name, tenant, principal, upstreams, limits } = key;
  return {
    id,
    kind,
    env: key.env ?? 'live',
    name,
    tenant,
    principal,
    upstreams,
    ...(key.sealed === undefined ? {} : { sealed: key.sealed }),
    ...(key.expiresMs === undefined ? {} : { expires: new Date(key.expiresMs).toISOString() }),
    ...(key.idleMs === undefined ? {} : { idleSeconds: key.idleMs / 1000 }),
    limits,
    suspended: key.suspended !== undefined,
  };
}

/**
 * Makes tenants and keys as the manifest says, all or nothing. It never gives back what was taken: a key that
 * is suspended or revoked here stays so, whatever an older manifest says.
 * @throws ActFault invalid with every problem, one a line
 */
export async function applyManifest(
  parts: Parts,
  actor: string,
  manifest: Manifest,
  options: ApplyOptions,
): Promise<Applied> {
  const { applied, told } = await parts.acts.run(async () => {
    const problems = problemsOf(parts, manifest);
    if (problems.length > 0) throw new ActFault('invalid', problems.join('\n'));
    const plan = planOf(parts, actor, manifest, options);
    const { changes, credentials, left } = plan;
    if (options.dryRun) return { applied: { changes, credentials: [], left }, told: undefined };
    // In order, and on disk together.
    await Promise.all(
      changes.map(({ action, id, name }) => parts.acts.record(actor, action, id, { name, by: 'manifest' })),
    );
    const events = plan.writes.keys.flatMap((key) => changesOf(key, parts.store.key(key.id)));
    await parts.store.write({ ...plan.writes, deliveries: parts.events.deliveriesOf(events) });
    parts.events.wake();
    const idsOf = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id);
    const { keys, tenants } = plan.writes;
    const ending = changes.filter(({ action }) => action === 'key.revoke' || action === 'key.suspend');
    const told = Promise.all([
      parts.changes.announce({ keys: idsOf(keys), tenants: idsOf(tenants) }),
      parts.changes.announce({ keys: idsOf(ending), ends: true }),
    ]);
    return { applied: { changes, credentials, left }, told };
  });
  await told;
  return applied;
}

function problemsOf({ store, upstreams }: Parts, manifest: Manifest): string[] {
  const problems: string[] = [];
  const names = upstreams();
  const locations = (at: string, rules: Tenant['locations']) =>
    problems.push(
      ...(rules === undefined ? [] : validateLocationRules(rules)).map((each) => `${at}.locations: ${each}`),
    );
  const unique = (list: string, ids: readonly string[]) =>
    ids.forEach((id, at) => {
      if (ids.indexOf(id) !== at) problems.push(`${list}[${at}]: ${id} is there twice`);
    });
  unique(
    'tenants',
    manifest.tenants.map(({ id }) => id),
  );
  unique(
    'keys',
    manifest.keys.map(({ id }) => id),
  );
  manifest.tenants.forEach((tenant, at) => {
    locations(`tenants[${at}]`, tenant.locations);
    for (const name of tenant.contacts?.webhooks.flatMap(({ secrets }) => secrets) ?? [])
      if (store.sealed(name)?.upstream !== WEBHOOKS)
        problems.push(`tenants[${at}].contacts.webhooks: ${name} is not sealed for ${WEBHOOKS}`);
  });
  manifest.sealed.forEach(({ name, upstream, header, template }, at) => {
    const found = store.sealed(name);
    const same = found?.upstream === upstream && found.header === header && found.template === template;
    if (!same)
      problems.push(`sealed[${at}]: ${name} is not there as described; set it with keyward sealed set`);
  });
  manifest.keys.forEach((key, at) => {
    const where = `keys[${at}]`;
    const before = store.key(key.id);
    locations(`${where}.limits`, key.limits.locations);
    for (const name of key.upstreams)
      if (!names.includes(name)) problems.push(`${where}.upstreams: there is no upstream ${name}`);
    if (key.sealed !== undefined && store.sealed(key.sealed)?.upstream !== key.upstreams[0])
      problems.push(`${where}.sealed: there is no sealed credential ${key.sealed} for its upstream`);
    if (before === undefined && key.kind !== 'issued')
      problems.push(`${where}: ${key.id} is ${key.kind} and not known here; import or register it first`);
    if (before !== undefined && before.kind !== key.kind)
      problems.push(`${where}.kind: ${key.id} is ${before.kind} here`);
  });
  return problems;
}

interface Plan {
  readonly writes: Required<Pick<WriteSet, 'keys' | 'tenants'>>;
  readonly changes: Change[];
  readonly credentials: { id: string; credential: string }[];
  readonly left: { id: string; why: string }[];
}

function planOf(parts: Parts, actor: string, manifest: Manifest, options: ApplyOptions): Plan {
  const plan: Plan = { writes: { keys: [], tenants: [] }, changes: [], credentials: [], left: [] };
  for (const tenant of manifest.tenants) {
    if (same(parts.store.tenant(tenant.id), tenant)) continue;
    plan.writes.tenants.push(tenant);
    plan.changes.push({ action: 'tenant.set', id: tenant.id, name: tenant.name });
  }
  for (const key of manifest.keys) planKey(parts, actor, key, plan);
  const named = new Set(manifest.keys.map(({ id }) => id));
  const nowMs = parts.acts.now();
  for (const key of parts.store.keys()) {
    if (named.has(key.id) || key.revoked !== undefined) continue;
    if (!options.prune) {
      plan.left.push({ id: key.id, why: 'not in the manifest' });
      continue;
    }
    plan.writes.keys.push({ ...key, revoked: { atMs: nowMs, by: actor, why: 'not in the manifest' } });
    plan.changes.push({ action: 'key.revoke', id: key.id, name: key.name });
  }
  return plan;
}

function planKey({ store, acts, fingerprints }: Parts, actor: string, wanted: ManifestKey, plan: Plan): void {
  const { id, name } = wanted;
  const nowMs = acts.now();
  const suspended = { atMs: nowMs, by: actor, why: 'the manifest says so' };
  const before = store.key(id);
  if (before?.revoked !== undefined) {
    plan.left.push({ id, why: 'revoked here; that cannot be undone' });
    return;
  }
  let key: KeyRecord;
  if (before === undefined) {
    const credential = mintKey(wanted.env, id);
    key = changed(
      {
        ...{ id, kind: 'issued', env: wanted.env, name, fingerprint: fingerprints.issued(credential) },
        ...{ tenant: wanted.tenant, principal: wanted.principal, upstreams: [], limits: {} },
        ...{ createdMs: nowMs, createdBy: actor },
      },
      changeOf(wanted),
    );
    plan.credentials.push({ id, credential });
    plan.changes.push({ action: 'key.issue', id, name });
  } else {
    key = changed(before, changeOf(wanted));
    if (!same(asManifestKey(key), asManifestKey(before)))
      plan.changes.push({ action: 'key.change', id, name });
  }
  if (wanted.suspended && before?.suspended === undefined) {
    key = { ...key, suspended };
    plan.changes.push({ action: 'key.suspend', id, name });
  } else if (!wanted.suspended && before?.suspended !== undefined) {
    plan.left.push({ id, why: 'suspended here; resume it by its own command' });
  }
  if (plan.changes.some((change) => change.id === id)) plan.writes.keys.push(key);
}

function changeOf(wanted: ManifestKey) {
  const { name, tenant, principal, upstreams, limits } = wanted;
  return {
    name,
    tenant,
    principal,
    upstreams,
    limits,
    sealed: wanted.sealed ?? null,
    expires: wanted.expires ?? null,
    idleSeconds: wanted.idleSeconds ?? null,
  };
}

/** Equal as JSON: an absent field and an undefined one are the same. */
function same(a: unknown, b: unknown): boolean {
  const plain = (value: unknown) => (value === undefined ? value : JSON.parse(JSON.stringify(value)));
  return isDeepStrictEqual(plain(a), plain(b));
}
