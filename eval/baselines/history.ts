import type { EvalObservation } from '../observation.js';

/** Counts of values, and how probable the next one is (add-one, with an unknown value among them). */
export class Counts {
  readonly #counts = new Map<string, number>();
  total = 0;

  has(value: string): boolean {
    return this.#counts.has(value);
  }

  probability(value: string): number {
    return ((this.#counts.get(value) ?? 0) + 1) / (this.total + this.#counts.size + 1);
  }

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.total += 1;
  }
}

/** What the published detectors keep of a key: nothing but counts. */
export class History {
  readonly prefixes = new Counts();
  readonly asns = new Counts();
  readonly countries = new Counts();
  readonly clients = new Counts();
  readonly operations = new Counts();
  readonly hours = new Counts();
  readonly objects = new Counts();
  lastMs = 0;
  calls = 0;

  learn(o: EvalObservation): void {
    this.prefixes.add(o.prefix);
    this.asns.add(o.asn);
    this.countries.add(o.country);
    this.clients.add(o.userAgent);
    this.operations.add(o.operation);
    this.hours.add(String(hourOf(o.timeMs)));
    for (const object of o.objects.slice(0, 32)) this.objects.add(object);
    this.lastMs = o.timeMs;
    this.calls += 1;
  }
}

export class Histories {
  readonly #histories = new Map<string, History>();

  of(key: string): History {
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = new History();
      this.#histories.set(key, history);
    }
    return history;
  }
}

export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / 3_600_000) % 24;
}

export const VECTOR_SIZE = 9;

/** The observation as numbers between 0 and 1, relative to the key's past: what forests of trees need. */
export function vectorOf(o: EvalObservation, h: History): number[] {
  const rare = (p: number) => Math.min(1, -Math.log(p) / 10);
  const fresh = o.objects.filter((object) => !h.objects.has(object)).length;
  const gap = h.lastMs === 0 ? 0 : Math.log1p(Math.max(0, o.timeMs - h.lastMs) / 1000) / 16;
  return [
    rare(h.prefixes.probability(o.prefix)),
    rare(h.asns.probability(o.asn)),
    rare(h.clients.probability(o.userAgent)),
    rare(h.operations.probability(o.operation)),
    rare(h.hours.probability(String(hourOf(o.timeMs)))),
    o.objects.length === 0 ? 0 : fresh / o.objects.length,
    Math.min(1, gap),
    o.privilege / 4,
    Math.min(1, Math.log1p(o.bytesOut ?? 0) / 16),
  ];
}
