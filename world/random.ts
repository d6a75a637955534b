/** Seeded randomness (sfc32, Chris Doty-Humphrey, PractRand): the same seed gives the same world. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = Math.imul(stream ^ 0x9e3779b9, 0x85ebca6b);
    this.#c = Math.imul(seed ^ stream, 0xc2b2ae35);
    for (let i = 0; i < 15; i++) this.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return (t >>> 0) / 4_294_967_296;
  }

  /** Whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }

  /** Early items are popular, late ones rare. */
  zipf<T>(items: readonly T[], skew = 1): T {
    return items[Math.floor(items.length * this.next() ** (1 + skew))] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const order = items.map((item) => ({ item, at: this.next() }));
    return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Any magnitude between the two is as likely as any other. */
  logBetween(from: number, to: number): number {
    return Math.exp(this.between(Math.log(from), Math.log(to)));
  }

  /** Mean 0, variance 1 (Box & Muller 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Median and spread in log units: most waits are short, some long. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  /** Variance and mean are `shape` (Marsaglia & Tsang, ACM TOMS 2000). */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.next()) ** (1 / shape);
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - this.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** Shares around `mean`, the closer to it the higher the concentration; they sum to 1. */
  dirichlet(mean: readonly number[], concentration: number): number[] {
    const parts = mean.map((share) => this.gamma(Math.max(0.02, share * concentration)));
    const total = parts.reduce((sum, each) => sum + each, Number.MIN_VALUE);
    return parts.map((part) => part / total);
  }

  /** An index, by shares that sum to 1. */
  weighted(shares: readonly number[]): number {
    let left = this.next();
    for (let i = 0; i < shares.length; i++) {
      left -= shares[i] as number;
      if (left < 0) return i;
    }
    return shares.length - 1;
  }

  hex(digits: number): string {
    let text = '';
    for (let i = 0; i < digits; i++) text += Math.floor(this.next() * 16).toString(16);
    return text;
  }
}
