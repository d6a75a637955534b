import { Random } from '../../world/random.js';
import { sha256 } from './ids.js';
import { OrganizationMaker } from './seeding/organization.js';
import { type Seeded, type SeededKey, type SeededPassword, seededSecret } from './seeding/seeded.js';
import type { DirectoryStore } from './store.js';

export type { Seeded };

export interface SeedOptions {
  readonly seed: number;
  readonly organisations: number;
  /** Users of the smallest organisation; the largest has four times as many. */
  readonly users: number;
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
