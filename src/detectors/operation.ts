import { AWAY, Clock, HOME, threadOf } from './baseline.js';
import { AT } from './contract.js';
import { combine } from './hash.js';
import {
  bounded,
  countOfAll,
  KindIndex,
  othersCount,
  othersProbability,
  ownCount,
  ownProbability,
  type Scene,
  scopeProbability,
  wittenBell,
} from './likelihood.js';
import { Kind, type Symbols } from './symbols.js';

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

/** The operation that this call goes on from. */
export function previousOf(clock: Float64Array, symbols: Symbols): number {
  const later = (clock[Clock.awayLast] as number) > (clock[Clock.homeLast] as number) ? AWAY : HOME;
  const thread = threadOf(clock, symbols) ?? later;
  return clock[thread === HOME ? Clock.previousOperation : Clock.awayOperation] as number;
}

function inContext(scene: Scene, previous: number, alone: number, others: number): number {
  if (previous === 0) return bounded(Math.log(others / alone));
  const { counts } = scene.population;
  const pair = following(previous, scene.symbols.operation);
  const branching = followers(previous);
  const pairOwn = ownCount(scene, pair);
  const previousOwn = ownCount(scene, previous);
  const own = wittenBell(pairOwn, previousOwn, ownCount(scene, branching), alone);
  const theirs = wittenBell(
    othersCount(scene, counts.get(0, pair), pairOwn),
    othersCount(scene, counts.get(0, previous), previousOwn),
    counts.get(0, branching),
    others,
  );
  return bounded(Math.log(theirs / own));
}

/**
 * What is done, given what was done before: bigrams that back off to single operations, these to the key's
 * peers, these to everybody.
 */
export function operationTerm(scene: Scene, into: number[]): void {
  const { symbols, baseline } = scene;
  const { operation, component, peers } = symbols;
  const own = ownCount(scene, operation);
  const others = othersProbability(scene, OPERATION, countOfAll(scene, operation), own);
  const backoff = scopeProbability(scene, peers, OPERATION, operation, own, others);
  const alone = ownProbability(scene, OPERATION, own, backoff);
  // An operation that was just done says little when it is done again.
  into[AT.operation] = baseline.recent.includes(operation) ? 0 : bounded(Math.log(others / alone));
  const { clock } = baseline;
  into[AT.operationInContext] = inContext(scene, previousOf(clock, symbols), alone, others);

  const componentOwn = ownCount(scene, component);
  const componentOthers = othersProbability(scene, COMPONENT, countOfAll(scene, component), componentOwn);
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
