import type { EvalObservation, Scorer } from '../observation.js';
import { Counts } from './history.js';

const MEMORY = 0.95;

/**
 * Naive Bayes over operations and pairs of them, with updating (Maxion & Townsend, DSN 2002, on the data of Schonlau
 * et al., Statistical Science 2001): log p(x | everybody) − log p(x | key), averaged over the last calls.
 */
export class NaiveBayes implements Scorer {
  readonly #own = new Map<string, { ones: Counts; twos: Counts; last: string; mean: number }>();
  readonly #ones = new Counts();
  readonly #twos = new Counts();

  score(o: EvalObservation): number {
    let own = this.#own.get(o.key);
    if (own === undefined) {
      own = { ones: new Counts(), twos: new Counts(), last: '', mean: 0 };
      this.#own.set(o.key, own);
    }
    const pair = `${own.last}\n${o.operation}`;
    const nats =
      Math.log(this.#ones.probability(o.operation) / own.ones.probability(o.operation)) +
      Math.log(this.#twos.probability(pair) / own.twos.probability(pair));
    own.mean = MEMORY * own.mean + (1 - MEMORY) * nats;
    const score = own.ones.total < 20 ? -10 : own.mean;
    own.ones.add(o.operation);
    own.twos.add(pair);
    this.#ones.add(o.operation);
    this.#twos.add(pair);
    own.last = o.operation;
    return score;
  }
}
