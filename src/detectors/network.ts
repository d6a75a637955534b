import { HISTOGRAM } from './baseline.js';
import { AT } from './contract.js';
import {
  bounded,
  countOfAll,
  histogramNats,
  KindIndex,
  othersProbability,
  ownCount,
  ownProbability,
  type Scene,
  scopeProbability,
} from './likelihood.js';
import { Kind } from './symbols.js';

const PREFIX = KindIndex[Kind.prefix] as KindIndex;
const ASN = KindIndex[Kind.asn] as KindIndex;
const COUNTRY = KindIndex[Kind.country] as KindIndex;

/**
 * Where the request comes from: autonomous system, then /24 or /48. A network that the tenant's other keys use
 * counts less against the owner than one that only strangers use (after Freeman et al., NDSS 2016).
 */
export function networkTerm(scene: Scene, into: number[]): void {
  const { symbols } = scene;
  if (symbols.prefix === 0) return;
  const asnOwn = ownCount(scene, symbols.asn);
  const asnOthers = othersProbability(scene, ASN, countOfAll(scene, symbols.asn), asnOwn);
  const asnTenant = scopeProbability(scene, symbols.tenant, ASN, symbols.asn, asnOwn, asnOthers);
  const asn = Math.log(asnOthers / ownProbability(scene, ASN, asnOwn, asnTenant));

  const prefixOwn = ownCount(scene, symbols.prefix);
  const others = othersProbability(scene, PREFIX, countOfAll(scene, symbols.prefix), prefixOwn);
  const tenant = scopeProbability(scene, symbols.tenant, PREFIX, symbols.prefix, prefixOwn, others);
  const prefix = Math.log(others / ownProbability(scene, PREFIX, prefixOwn, tenant));
  into[AT.network] = bounded((vouched(asn, asnOwn) + vouched(prefix, prefixOwn)) / 2);
  countryAndKind(scene, into);
}

/**
 * A place speaks for the owner by a nat for each hour in which he was there, at most: who came by once may have been the thief
 * on his first visit.
 */
function vouched(nats: number, hours: number): number {
  return Math.max(nats, -hours);
}

function countryAndKind(scene: Scene, into: number[]): void {
  const { country, tenant, networkKind } = scene.symbols;
  if (country !== 0) {
    const own = ownCount(scene, country);
    const others = othersProbability(scene, COUNTRY, countOfAll(scene, country), own);
    const backoff = scopeProbability(scene, tenant, COUNTRY, country, own, others);
    const nats = Math.log(others / ownProbability(scene, COUNTRY, own, backoff));
    into[AT.country] = bounded(vouched(nats, own));
  }
  if (networkKind >= 0)
    into[AT.networkKind] = bounded(histogramNats(scene, HISTOGRAM.networkKind, networkKind));
}
