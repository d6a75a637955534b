import { HISTOGRAMS } from './baseline.js';
import { FEATURE_COUNT } from './contract.js';
import { combine, mix } from './hash.js';
import { EVERYONE, KINDS, ScopeTotals } from './scope-totals.js';

const SLOTS_MIN = 1 << 12;
/** Symbols kept of all keys together; beyond it counts are halved and single ones dropped. */
const SYMBOLS_MAX = 1 << 22;
const FILL_MAX = 0.7;

/**
 * Counts of symbols over everybody, and over scopes (tenants, peers) within. Open addressing; a check and its count lie
 * side by side, so that looking one up waits for memory once.
 */
export class ScopedCounts {
  #checks = new Int32Array(SLOTS_MIN * 2);
  #counts = new Float32Array(this.#checks.buffer);
  #mask = SLOTS_MIN - 1;
  #used = 0;

  get(scope: number, symbol: number): number {
    const hash = slotHash(scope, symbol);
    const checks = this.#checks;
    for (let i = mix(hash) & this.#mask; ; i = (i + 1) & this.#mask) {
      const check = checks[2 * i];
      if (check === hash) return this.#counts[2 * i + 1] as number;
      if (check === 0) return 0;
    }
  }

  /** Gives the count before. */
  add(scope: number, symbol: number): number {
    const hash = slotHash(scope, symbol);
    const i = this.#slotOf(hash);
    const before = this.#counts[2 * i + 1] as number;
    this.#counts[2 * i + 1] = before + 1;
    if (this.#checks[2 * i] === 0) {
      this.#checks[2 * i] = hash;
      if (++this.#used > (this.#mask + 1) * FILL_MAX) this.#rehash();
    }
    return before;
  }

  /** Checks and counts of the symbols there are. */
  snapshot(): PopulationSnapshot['symbols'] {
    const checks = new Int32Array(this.#used);
    const counts = new Float32Array(this.#used);
    let to = 0;
    for (let at = 0; at < this.#checks.length; at += 2) {
      if (this.#checks[at] === 0) continue;
      checks[to] = this.#checks[at] as number;
      counts[to++] = this.#counts[at + 1] as number;
    }
    return { checks, counts };
  }

  restore({ checks, counts }: PopulationSnapshot['symbols']): void {
    let slots = SLOTS_MIN;
    while (checks.length > slots * FILL_MAX) slots *= 2;
    this.#clear(slots);
    checks.forEach((check, i) => {
      this.#put(check, counts[i] as number);
    });
  }

  #rehash(): void {
    const full = this.#used >= SYMBOLS_MAX;
    const checks = this.#checks;
    const counts = this.#counts;
    this.#clear(full ? this.#mask + 1 : (this.#mask + 1) * 2);
    for (let at = 0; at < checks.length; at += 2) {
      const hash = checks[at] as number;
      const count = (counts[at + 1] as number) / (full ? 2 : 1);
      if (hash !== 0 && count >= 1) this.#put(hash, count);
    }
  }

  #clear(slots: number): void {
    this.#checks = new Int32Array(slots * 2);
    this.#counts = new Float32Array(this.#checks.buffer);
    this.#mask = slots - 1;
    this.#used = 0;
  }

  #put(hash: number, count: number): void {
    const i = this.#slotOf(hash);
    this.#checks[2 * i] = hash;
    this.#counts[2 * i + 1] = count;
    this.#used += 1;
  }

  /** Where the symbol is, or is to be put. */
  #slotOf(hash: number): number {
    const checks = this.#checks;
    let i = mix(hash) & this.#mask;
    while (checks[2 * i] !== hash && checks[2 * i] !== 0) i = (i + 1) & this.#mask;
    return i;
  }
}

function slotHash(scope: number, symbol: number): number {
  const hash = combine(scope, symbol);
  return hash === 0 ? 1 : hash;
}

const SNAPSHOT_VERSION = 2;

interface Totals {
  readonly total: Float64Array;
  readonly distinct: Float64Array;
}

/** A population as a store keeps it. */
export interface PopulationSnapshot {
  readonly version: number;
  readonly symbols: { readonly checks: Int32Array; readonly counts: Float32Array };
  readonly totals: readonly (Totals & { readonly scope: number })[];
  readonly everyone: Totals;
  readonly histograms: readonly Float64Array[];
  readonly histogramTotals: Float64Array;
  readonly mean: Float64Array;
  readonly strangersTail: Float64Array;
  readonly observations: number;
}

/** What all keys do, and the tenants and peers among them: the "somebody else" of every likelihood ratio. */
export class Population {
  readonly counts = new ScopedCounts();
  readonly scopes = new ScopeTotals();
  /** In the order of those of a baseline. */
  readonly histograms: readonly Float64Array[] = HISTOGRAMS.map(({ size }) => new Float64Array(size));
  readonly histogramTotals = new Float64Array(HISTOGRAMS.length);
  readonly mean = new Float64Array(FEATURE_COUNT);
  /** Tail of what strangers weigh: see calibration.ts. */
  readonly strangersTail = new Float64Array(3);
  observations = 0;

  /** Everything in plain arrays, for a store to keep. */
  snapshot(): PopulationSnapshot {
    return {
      version: SNAPSHOT_VERSION,
      symbols: this.counts.snapshot(),
      totals: this.scopes.scopes.slice(1).map((scope) => ({ scope, ...this.#totalsOf(scope) })),
      everyone: this.#totalsOf(EVERYONE),
      histograms: this.histograms,
      histogramTotals: this.histogramTotals,
      mean: this.mean,
      strangersTail: this.strangersTail,
      observations: this.observations,
    };
  }

  /** @throws {RangeError} for a snapshot of another version */
  restore(snapshot: PopulationSnapshot): void {
    if (snapshot.version !== SNAPSHOT_VERSION)
      throw new RangeError(`population of version ${snapshot.version}; this is version ${SNAPSHOT_VERSION}`);
    const { counts } = snapshot.symbols;
    const learned = [counts, ...snapshot.histograms, snapshot.histogramTotals, snapshot.mean];
    if (!learned.every((numbers) => numbers.every(Number.isFinite)))
      throw new RangeError('the population is damaged: not all of it are numbers');
    this.counts.restore(snapshot.symbols);
    this.scopes.clear();
    for (const { scope, total, distinct } of [
      { scope: EVERYONE, ...snapshot.everyone },
      ...snapshot.totals,
    ]) {
      const at = this.scopes.at(scope);
      this.scopes.numbers.set(total, at);
      this.scopes.numbers.set(distinct, at + KINDS);
    }
    snapshot.histograms.forEach((counts, i) => {
      this.histograms[i]?.set(counts);
    });
    this.histogramTotals.set(snapshot.histogramTotals);
    this.mean.set(snapshot.mean);
    this.strangersTail.set(snapshot.strangersTail);
    this.observations = snapshot.observations;
  }

  /** Observations of a kind by all keys. */
  total(kind: number): number {
    return this.scopes.numbers[kind] as number;
  }

  #totalsOf(scope: number): Totals {
    const at = this.scopes.at(scope);
    const { numbers } = this.scopes;
    return { total: numbers.slice(at, at + KINDS), distinct: numbers.slice(at + KINDS, at + 2 * KINDS) };
  }
}
