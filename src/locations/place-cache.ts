import type { Place } from '../core/observation.js';

/** Keeps the places that were asked for lately, at most `placesMax`: two generations, of which the older is dropped whole. */
export class PlaceCache {
  readonly #generationMax: number;
  #young = new Map<string, Place>();
  #old = new Map<string, Place>();

  constructor(placesMax: number) {
    this.#generationMax = Math.floor(placesMax / 2);
  }

  get(address: string): Place | undefined {
    const young = this.#young.get(address);
    if (young !== undefined) return young;
    const old = this.#old.get(address);
    if (old !== undefined) this.set(address, old);
    return old;
  }

  set(address: string, place: Place): void {
    if (this.#generationMax < 1) return;
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(address, place);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
