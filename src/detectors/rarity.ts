import { KindIndex } from './likelihood.js';
import type { Population } from './population.js';
import { Kind, type Symbols } from './symbols.js';

/** How rare a call's traits are among all keys, in nats: what two calls share by chance is told by it. */
export interface Rarity {
  /** /24 or /48. */
  readonly network: number;
  readonly asn: number;
  readonly client: number;
  readonly operation: number;
}

/** Observations that what is known of the world beforehand is worth, and how rare one value is in it. */
const WORTH = 100;
const SHARE = { network: 1e-4, asn: 1e-3, client: 1e-2, operation: 1e-2 } as const;

/** −ln of each trait's share in everybody's learned calls, shrunk to its share in the world at large. */
export function rarityOf({ prefix, asn, client, operation }: Symbols, population: Population): Rarity {
  return {
    network: rarity(population, Kind.prefix, prefix, SHARE.network),
    asn: rarity(population, Kind.asn, asn, SHARE.asn),
    client: rarity(population, Kind.client, client, SHARE.client),
    operation: rarity(population, Kind.operation, operation, SHARE.operation),
  };
}

function rarity(population: Population, kind: number, symbol: number, share: number): number {
  if (symbol === 0) return 0;
  const total = population.total(KindIndex[kind] as number);
  const nats = -Math.log((population.counts.get(0, symbol) + WORTH * share) / (total + WORTH));
  return Math.round(Math.max(0, nats) * 100) / 100;
}
