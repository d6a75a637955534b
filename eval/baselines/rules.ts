import type { EvalObservation, Scorer } from '../observation.js';
import { Histories, hourOf } from './history.js';

/** What a rule book without learning flags: new country, network, client or privileged operation, hour, rate. */
export class Rules implements Scorer {
  readonly #histories = new Histories();
  readonly #hourly = new Map<string, { hour: number; calls: number }>();

  score(o: EvalObservation): number {
    const h = this.#histories.of(o.key);
    const hour = Math.floor(o.timeMs / 3_600_000);
    const now = this.#hourly.get(o.key);
    const calls = now?.hour === hour ? now.calls + 1 : 1;
    this.#hourly.set(o.key, { hour, calls });
    let score = 0;
    if (h.calls >= 20) {
      if (!h.countries.has(o.country)) score += 3;
      if (!h.asns.has(o.asn)) score += 2;
      if (!h.prefixes.has(o.prefix)) score += 1;
      if (!h.clients.has(o.userAgent)) score += 2;
      if (!h.operations.has(o.operation)) score += o.privilege >= 3 ? 3 : 1;
      if (!h.hours.has(String(hourOf(o.timeMs)))) score += 1;
      if (calls > 1000) score += 1;
    }
    h.learn(o);
    return score;
  }
}
