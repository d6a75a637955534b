import type { EvalObservation, Scorer } from '../observation.js';
import { Counts, Histories } from './history.js';

/**
 * Freeman, Jain, Dürmuth, Biggio & Giacinto, "Who Are You? A Statistical Approach to Measuring User Authenticity",
 * NDSS 2016: log p(x) / p(x | user) over network and client, with linear back-off from prefix to AS to country.
 */
export class Freeman implements Scorer {
  readonly #histories = new Histories();
  readonly #everyone = {
    prefix: new Counts(),
    asn: new Counts(),
    country: new Counts(),
    client: new Counts(),
  };

  score(o: EvalObservation): number {
    const h = this.#histories.of(o.key);
    const { prefix, asn, country, client } = this.#everyone;
    const network =
      Math.log(prefix.probability(o.prefix) + asn.probability(o.asn) + country.probability(o.country)) -
      Math.log(
        h.prefixes.probability(o.prefix) + h.asns.probability(o.asn) + h.countries.probability(o.country),
      );
    const agent = Math.log(client.probability(o.userAgent)) - Math.log(h.clients.probability(o.userAgent));
    const score = h.calls < 20 ? 0 : network + agent;
    prefix.add(o.prefix);
    asn.add(o.asn);
    country.add(o.country);
    client.add(o.userAgent);
    h.learn(o);
    return score;
  }
}
