import type { KeyRecord } from '../core/key.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { mintKey } from '../keys/format.js';
import type { EmbeddedStore } from '../stores/embedded.js';

/** A key of the copy whose text the drill knows. */
export interface Victim {
  readonly id: string;
  readonly tenant: string;
  readonly upstream: string | undefined;
  readonly credential: string;
}

/** Keys that are looked at. */
const CANDIDATES_MAX = 20_000;
/** Calls from which a key counts as known. */
const CALLS_MIN = 50;

/** Keys that the guard knows well, of different tenants first. */
export function knownKeys(store: EmbeddedStore, count: number): KeyRecord[] {
  const known = store
    .keys({ limit: CANDIDATES_MAX })
    .filter((key) => alive(key) && store.baseline(key.id) !== undefined)
    .map((key) => ({ key, calls: store.usage(key.id)?.accepted ?? 0 }))
    .filter(({ calls }) => calls >= CALLS_MIN)
    .sort((a, b) => b.calls - a.calls)
    .map(({ key }) => key);
  const tenants = new Set<string>();
  const first = known.filter(({ tenant }) => !tenants.has(tenant) && tenants.add(tenant));
  return [...first, ...known.filter((key) => !first.includes(key))].slice(0, count);
}

/** Gives keys a text that the drill knows: on the copy, the owner's does not work any more. */
export async function steal(
  store: EmbeddedStore,
  keys: readonly KeyRecord[],
  fingerprints: Fingerprints,
): Promise<Victim[]> {
  const victims: Victim[] = [];
  for (const key of keys) {
    const credential = mintKey(key.env ?? 'live', key.id);
    const copy = {
      ...key,
      kind: 'issued' as const,
      fingerprint: fingerprints.issued(credential),
      limits: {},
    };
    await store.write({ keys: [copy] });
    victims.push({ id: key.id, tenant: key.tenant, upstream: key.upstreams[0], credential });
  }
  return victims;
}

function alive({ revoked, suspended, replaced, expiresMs, frozen }: KeyRecord): boolean {
  const ends = [revoked, suspended, replaced, frozen, expiresMs];
  return ends.every((each) => each === undefined);
}
