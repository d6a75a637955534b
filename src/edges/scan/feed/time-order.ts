/** A step back in time that clocks and buffers explain. */
const TOLERANCE_MS = 60_000;

/**
 * Counts lines that come late: whose time is before that of an earlier line. One line with a time of its own, in the year
 * 9999, does not make all after it late: what counts is the latest time that the line after it bears out.
 */
export class TimeOrder {
  late = 0;
  #beforeMs = Number.NEGATIVE_INFINITY;
  #latestMs = Number.NEGATIVE_INFINITY;

  isLate(timeMs: number): boolean {
    const back = timeMs < this.#beforeMs - TOLERANCE_MS;
    if (!back && this.#beforeMs > this.#latestMs) this.#latestMs = this.#beforeMs;
    this.#beforeMs = timeMs;
    const late = back || timeMs < this.#latestMs - TOLERANCE_MS;
    if (late) this.late += 1;
    return late;
  }
}
