import { HISTOGRAMS, KINDS } from './baseline.js';
import { FEATURE_COUNT } from './contract.js';
import { combine, mix } from './hash.js';

const SLOTS_MIN = 1 << 12;
/** Symbols kept of all keys together; beyond it counts are halved and single ones dropped. */
const SYMBOLS_MAX = 1 << 22;
const FILL_MAX = 0.7;

/** Counts of symbols over everybody, and over scopes (tenants, peers) within. Open addressing. */
export class ScopedCounts {
  #check = new Int32Array(SLOTS_MIN);
  #count = new Float32Array(SLOTS_MIN);
  #used = 0;

  get(scope: number, symbol: number): number {
    const hash = slotHash(scope, symbol);
    const mask = this.#check.length - 1;
    for (let i = mix(hash) & mask; ; i = (i + 1) & mask) {
      if (this.#check[i] === hash) return this.#count[i] as number;
      if (this.#check[i] === 0) return 0;
    }
  }

  /** Gives the count before. */
  add(scope: number, symbol: number): number {
    const hash = slotHash(scope, symbol);
    const mask = this.#check.length - 1;
    let i = mix(hash) & mask;
    while (this.#check[i] !== hash && this.#check[i] !== 0) i = (i + 1) & mask;
    const before = this.#count[i] as number;
    this.#count[i] = before + 1;
    if (this.#check[i] === 0) {
      this.#check[i] = hash;
      if (++this.#used > this.#check.length * FILL_MAX) this.#rehash();
    }
    return before;
  }

  /** Checks and counts of the symbols there are. */
  snapshot(): PopulationSnapshot['symbols'] {
    const checks = this.#check.filter((check) => check !== 0);
    const counts = this.#count.filter((_, i) => this.#check[i] !== 0);
    return { checks, counts };
  }

  restore({ checks, counts }: PopulationSnapshot['symbols']): void {
    let length = SLOTS_MIN;
    while (checks.length > length * FILL_MAX) length *= 2;
    this.#check = new Int32Array(length);
    this.#count = new Float32Array(length);
    this.#used = checks.length;
    checks.forEach((check, i) => {
      let at = mix(check) & (length - 1);
      while (this.#check[at] !== 0) at = (at + 1) & (length - 1);
      this.#check[at] = check;
      this.#count[at] = counts[i] as number;
    });
  }

  #rehash(): void {
    const full = this.#used >= SYMBOLS_MAX;
    const checks = this.#check;
    const counts = this.#count;
    const length = full ? checks.length : checks.length * 2;
    this.#check = new Int32Array(length);
    this.#count = new Float32Array(length);
    this.#used = 0;
    const mask = length - 1;
    for (let from = 0; from < checks.length; from++) {
      const hash = checks[from] as number;
      const count = (counts[from] as number) / (full ? 2 : 1);
      if (hash === 0 || count < 1) continue;
      let i = mix(hash) & mask;
      while (this.#check[i] !== 0) i = (i + 1) & mask;
      this.#check[i] = hash;
      this.#count[i] = count;
      this.#used++;
    }
  }
}

function slotHash(scope: number, symbol: number): number {
  const hash = combine(scope, symbol);
  return hash === 0 ? 1 : hash;
}

/** Totals of a scope: observations and distinct symbols of each kind. */
export class ScopeTotals {
  readonly total = new Float64Array(KINDS);
  readonly distinct = new Float64Array(KINDS);
}

const SNAPSHOT_VERSION = 2;
const NEAR_SCOPES = 256;

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
  readonly everyone = new ScopeTotals();
  readonly #scopes = new Map<number, ScopeTotals>();
  /** The same for the scopes that were asked for lately: each call asks several times. */
  readonly #nearHashes = new Int32Array(NEAR_SCOPES);
  readonly #nearTotals: ScopeTotals[] = [];
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
      totals: [...this.#scopes].map(([scope, { total, distinct }]) => ({ scope, total, distinct })),
      everyone: { total: this.everyone.total, distinct: this.everyone.distinct },
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
    this.counts.restore(snapshot.symbols);
    this.everyone.total.set(snapshot.everyone.total);
    this.everyone.distinct.set(snapshot.everyone.distinct);
    for (const { scope, total, distinct } of snapshot.totals) {
      const totals = this.scope(scope);
      totals.total.set(total);
      totals.distinct.set(distinct);
    }
    snapshot.histograms.forEach((counts, i) => {
      this.histograms[i]?.set(counts);
    });
    this.histogramTotals.set(snapshot.histogramTotals);
    this.mean.set(snapshot.mean);
    this.strangersTail.set(snapshot.strangersTail);
    this.observations = snapshot.observations;
  }

  scope(hash: number): ScopeTotals {
    const near = hash & (NEAR_SCOPES - 1);
    if (this.#nearHashes[near] === hash) return this.#nearTotals[near] as ScopeTotals;
    const totals = this.#scopeTotals(hash);
    this.#nearHashes[near] = hash;
    this.#nearTotals[near] = totals;
    return totals;
  }

  #scopeTotals(hash: number): ScopeTotals {
    const known = this.#scopes.get(hash);
    if (known !== undefined) return known;
    const totals = new ScopeTotals();
    this.#scopes.set(hash, totals);
    return totals;
  }
}
