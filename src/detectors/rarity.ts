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

/** −ln of each trait's share in everybody's learned calls, the unseen counted once. */
export function rarityOf({ prefix, asn, client, operation }: Symbols, population: Population): Rarity {
  return {
    network: rarity(population, Kind.prefix, prefix),
    asn: rarity(population, Kind.asn, asn),
    client: rarity(population, Kind.client, client),
    operation: rarity(population, Kind.operation, operation),
  };
}

function rarity(population: Population, kind: number, symbol: number): number {
  if (symbol === 0) return 0;
  const index = KindIndex[kind] as number;
  const total = population.everyone.total[index] as number;
  const distinct = population.everyone.distinct[index] as number;
  const nats = -Math.log((population.counts.get(0, symbol) + 1) / (total + distinct + 1));
  return Math.round(nats * 100) / 100;
}
