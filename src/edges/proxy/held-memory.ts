/** Memory that the bodies of held calls take, over all connections: strangers must not be able to fill it. */
export class HeldMemory {
  #bytes = 0;

  /** @returns false where it would become more than `bytesMax` */
  take(bytes: number, bytesMax: number): boolean {
    if (this.#bytes + bytes > bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
