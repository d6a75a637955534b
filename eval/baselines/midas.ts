import type { EvalObservation, Scorer } from '../observation.js';

const TICK_MS = 3_600_000;

/**
 * MIDAS (Bhatia, Hooi, Yoon, Shin & Faloutsos, AAAI 2020) on edges from key to operation, in ticks of an hour:
 * chi-squared of the edge's count in this tick against its mean so far. Counts are exact where the paper sketches.
 */
export class Midas implements Scorer {
  readonly #edges = new Map<string, { total: number; tick: number; now: number }>();
  #first = 0;

  score(o: EvalObservation): number {
    if (this.#first === 0) this.#first = o.timeMs;
    const tick = Math.floor((o.timeMs - this.#first) / TICK_MS) + 1;
    const name = `${o.key}\n${o.operation}`;
    let edge = this.#edges.get(name);
    if (edge === undefined) {
      edge = { total: 0, tick, now: 0 };
      this.#edges.set(name, edge);
    }
    if (edge.tick !== tick) {
      edge.tick = tick;
      edge.now = 0;
    }
    edge.now += 1;
    edge.total += 1;
    if (tick < 2) return 0;
    return (edge.now - edge.total / tick) ** 2 * (tick ** 2 / (edge.total * (tick - 1)));
  }
}
