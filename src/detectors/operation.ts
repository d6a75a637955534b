import { Clock } from './baseline.js';
import { AT } from './contract.js';
import { combine } from './hash.js';
import {
  bounded,
  KindIndex,
  othersProbability,
  ownCount,
  ownProbability,
  type Scene,
  scopeProbability,
  wittenBell,
} from './likelihood.js';
import { Kind } from './symbols.js';

const OPERATION = KindIndex[Kind.operation] as KindIndex;
const COMPONENT = KindIndex[Kind.component] as KindIndex;

/** An operation after another, as one symbol. */
export function following(previous: number, operation: number): number {
  return combine(Kind.following, combine(previous, operation));
}

/** Counts the distinct successors of an operation. */
export function followers(previous: number): number {
  return combine(Kind.followers, previous);
}

/**
 * What is done, given what was done before: bigrams that back off to single operations, these to the key's
 * peers, these to everybody.
 */
export function operationTerm(scene: Scene, into: Float64Array): void {
  const { symbols, baseline, population } = scene;
  const { operation, component, peers } = symbols;
  const own = ownCount(scene, operation);
  const others = othersProbability(scene, OPERATION, operation, own);
  const backoff = scopeProbability(scene, peers, OPERATION, operation, own, others);
  const alone = ownProbability(scene, OPERATION, own, backoff);
  into[AT.operation] = bounded(Math.log(others / alone));

  let inContext = alone;
  let othersInContext = others;
  const previous = baseline.clock[Clock.previousOperation] as number;
  if (previous !== 0) {
    const pair = following(previous, operation);
    const branching = followers(previous);
    const pairOwn = ownCount(scene, pair);
    const previousOwn = ownCount(scene, previous);
    inContext = wittenBell(pairOwn, previousOwn, ownCount(scene, branching), alone);
    othersInContext = wittenBell(
      Math.max(0, population.counts.get(0, pair) - pairOwn),
      Math.max(0, population.counts.get(0, previous) - previousOwn),
      population.counts.get(0, branching),
      others,
    );
  }
  into[AT.operationInContext] = bounded(Math.log(othersInContext / inContext));

  const componentOwn = ownCount(scene, component);
  const componentOthers = othersProbability(scene, COMPONENT, component, componentOwn);
  const componentBackoff = scopeProbability(
    scene,
    peers,
    COMPONENT,
    component,
    componentOwn,
    componentOthers,
  );
  into[AT.component] = bounded(
    Math.log(componentOthers / ownProbability(scene, COMPONENT, componentOwn, componentBackoff)),
  );
}
