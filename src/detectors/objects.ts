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
} from './likelihood.js';
import { Kind } from './symbols.js';

const OBJECT = KindIndex[Kind.object] as KindIndex;

/**
 * Whom and what the request touches. "Touched by other keys, never by this one" says more than "never seen by
 * anyone": new objects are daily life, others' objects are a stranger's.
 */
export function objectsTerm(scene: Scene, into: number[]): void {
  const { objects, breadth } = scene.symbols;
  if (objects.length === 0) return;
  let nats = 0;
  let foreign = 0;
  for (const object of objects) {
    const own = ownCount(scene, object);
    const all = countOfAll(scene, object);
    const others = othersProbability(scene, OBJECT, all, own);
    nats += bounded(Math.log(others / ownProbability(scene, OBJECT, own, others)));
    if (own === 0 && all >= 1) foreign++;
  }
  into[AT.objects] = nats / objects.length;
  into[AT.othersObjects] = foreign / objects.length;
  into[AT.breadth] = bounded(histogramNats(scene, HISTOGRAM.breadth, breadth));
}
