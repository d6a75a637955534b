import { AT } from './contract.js';
import {
  bounded,
  countOfAll,
  KindIndex,
  othersProbability,
  ownCount,
  ownProbability,
  type Scene,
  scopeProbability,
} from './likelihood.js';
import { Kind } from './symbols.js';

const CLIENT = KindIndex[Kind.client] as KindIndex;
const FAMILY = KindIndex[Kind.family] as KindIndex;

/** The software that calls. A new version of a client that the key always used is nearly the old one. */
export function clientTerm(scene: Scene, into: number[]): void {
  const { symbols } = scene;
  if (symbols.client === 0) return;
  const own = ownCount(scene, symbols.client);
  const others = othersProbability(scene, CLIENT, countOfAll(scene, symbols.client), own);
  const tenant = scopeProbability(scene, symbols.tenant, CLIENT, symbols.client, own, others);
  const familyOwn = ownCount(scene, symbols.family);
  const familyOthers = othersProbability(scene, FAMILY, countOfAll(scene, symbols.family), familyOwn);
  const sameFamily = ownProbability(scene, FAMILY, familyOwn, familyOthers) / familyOthers;
  const backoff = Math.min(1, tenant * sameFamily);
  into[AT.client] = bounded(Math.log(others / ownProbability(scene, CLIENT, own, backoff)));
}
