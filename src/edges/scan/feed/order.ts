import type { Rows } from './rows.js';

/** Neighbouring rows of one batch, to be judged one after the other. */
export interface Run {
  readonly rows: Rows;
  readonly from: number;
  /** The first that is no longer part of it. */
  readonly to: number;
}

/** Rows held back, at most. */
export const REORDER_RECORDS_MAX = 100_000;

/** Rows in the order they were read. */
export async function* inInputOrder(batches: AsyncIterable<Rows>): AsyncGenerator<Run> {
  for await (const rows of batches) yield { rows, from: 0, to: rows.count };
}

/**
 * Rows in order of time, as far as a bounded window reaches: what is older than the row that went out last comes late
 * and is the caller's to count. Of equal times, the one read first comes first.
 */
export async function* inTimeOrder(
  batches: AsyncIterable<Rows>,
  rowsMax = REORDER_RECORDS_MAX,
): AsyncGenerator<Run> {
  const window = new TimeWindow();
  for await (const rows of batches) {
    // Goes by rows, not by batches: how the input was cut up makes no difference.
    for (let from = 0; from < rows.count; ) {
      if (window.count === rowsMax) yield* window.take(Math.ceil(rowsMax / 8));
      const to = Math.min(rows.count, from + rowsMax - window.count);
      window.add({ rows, from, to });
      from = to;
    }
  }
  yield* window.take(window.count);
}

/** Runs that are held back, in the order of time or soon to be. */
class TimeWindow {
  count = 0;
  #runs: Run[] = [];
  #sorted = true;
  #lastMs = Number.NEGATIVE_INFINITY;

  add(run: Run): void {
    const { rows, from, to } = run;
    for (let row = from; row < to && this.#sorted; row++) {
      const timeMs = rows.timeMs(row);
      this.#sorted = timeMs >= this.#lastMs;
      this.#lastMs = timeMs;
    }
    this.#runs.push(run);
    this.count += to - from;
  }

  /** The earliest so many. */
  *take(count: number): Generator<Run> {
    if (!this.#sorted) this.#sort();
    let left = count;
    let whole = 0;
    for (const run of this.#runs) {
      const size = run.to - run.from;
      if (left < size) break;
      left -= size;
      whole += 1;
      yield run;
    }
    const cut = this.#runs[whole];
    this.#runs = this.#runs.slice(whole);
    this.count -= count;
    if (cut === undefined || left === 0) return;
    yield { ...cut, to: cut.from + left };
    this.#runs[0] = { ...cut, from: cut.from + left };
  }

  #sort(): void {
    const all: { readonly rows: Rows; readonly row: number; readonly timeMs: number }[] = [];
    for (const { rows, from, to } of this.#runs)
      for (let row = from; row < to; row++) all.push({ rows, row, timeMs: rows.timeMs(row) });
    // Stable, and quick where most of it is in order.
    all.sort((a, b) => a.timeMs - b.timeMs);
    this.#runs = [];
    let open: { rows: Rows; from: number; to: number } | undefined;
    for (const { rows, row } of all) {
      if (open?.rows === rows && open.to === row) open.to += 1;
      else {
        open = { rows, from: row, to: row + 1 };
        this.#runs.push(open);
      }
    }
    this.#sorted = true;
    this.#lastMs = all.at(-1)?.timeMs ?? this.#lastMs;
  }
}
