const EVERY_MS = 250;
const WIDTH = 24;

/** A progress bar on the error stream, where a person looks at it; silent otherwise. */
export class Progress {
  judged = 0;
  readonly #total: number;
  readonly #startedMs = Date.now();
  readonly #shown = process.stderr.isTTY === true;
  #lastMs = 0;

  constructor(total: number) {
    this.#total = total;
  }

  show(bytesRead: number): void {
    const nowMs = Date.now();
    if (!this.#shown || nowMs - this.#lastMs < EVERY_MS) return;
    this.#lastMs = nowMs;
    process.stderr.write(`\r${this.#line(bytesRead, nowMs)}\u001b[K`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }

  #line(bytesRead: number, nowMs: number): string {
    const seconds = Math.max(0.001, (nowMs - this.#startedMs) / 1000);
    const rate = `${Math.round(this.judged / seconds).toLocaleString('en')} events/s`;
    const read = `${(bytesRead / 1e6).toFixed(1)} MB`;
    // Standard input has no size.
    if (this.#total === 0) return `${read}  ${rate}`;
    const part = Math.min(1, bytesRead / this.#total);
    const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '.');
    const left = Math.round((seconds * (1 - part)) / Math.max(part, 0.001));
    return `[${bar}] ${Math.round(part * 100)} %  ${read} of ${(this.#total / 1e6).toFixed(1)} MB  ${rate}  ${left} s left`;
  }
}
