import type { Rows } from './rows.js';

/** Neighbouring rows of one batch, to be judged one after the other. */
export interface Run {
  readonly rows: Rows;
  readonly from: number;
  /** The first that is no longer part of it. */
  readonly to: number;
}

/** What came so far is void: it comes again, in better order. Once in an input, and near its beginning. */
export const AGAIN = 'again';

/** Rows held back, at most. */
export const REORDER_ROWS_MAX = 100_000;

/** Rows in the order they were read. */
export async function* inInputOrder(batches: AsyncIterable<Rows>): AsyncGenerator<Run> {
  for await (const rows of batches) yield { rows, from: 0, to: rows.count };
}

/**
 * Rows in order of time, as far as a bounded window reaches: what is older than the row that went out last comes late
 * and is the caller's to count. Of equal times, the one read first comes first. How the input is cut into batches makes
 * no difference. Most inputs are in order: as long as this one is, the first window goes out on trial while it fills.
 */
export async function* inTimeOrder(
  batches: AsyncIterable<Rows>,
  rowsMax = REORDER_ROWS_MAX,
): AsyncGenerator<Run | typeof AGAIN> {
  const window = new TimeWindow();
  let full = false;
  for await (const rows of batches) {
    for (let from = 0; from < rows.count; ) {
      if (window.count === rowsMax) {
        yield* window.take(Math.ceil(rowsMax / 8));
        full = true;
      }
      const to = Math.min(rows.count, from + rowsMax - window.count);
      if (!window.add({ rows, from, to })) yield* window.recall();
      from = to;
    }
    if (!full) yield* window.tryAll();
  }
  yield* window.take(window.count);
}

/** Rows that are held back. */
class TimeWindow {
  count = 0;
  #runs: Run[] = [];
  #sorted = true;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** The first so many went out on trial already. */
  #tried = 0;
  /** What left the window while there were such. */
  #past: Run[] = [];
  #recalled = false;

  /** False where rows that went out on trial should have come later. */
  add(run: Run): boolean {
    const { rows, from, to } = run;
    for (let row = from; row < to && this.#sorted; row++) {
      const timeMs = rows.timeMs(row);
      this.#sorted = timeMs >= this.#lastMs;
      this.#lastMs = timeMs;
    }
    this.#runs.push(run);
    this.count += to - from;
    return this.#sorted || this.#tried === 0;
  }

  /** Gives out everything, and keeps it. */
  *tryAll(): Generator<Run> {
    if (!this.#sorted || this.#recalled) return;
    yield* rest(this.#runs, this.#tried);
    this.#tried = this.count;
  }

  /** Begins anew with what was given out and is final. */
  *recall(): Generator<Run | typeof AGAIN> {
    yield AGAIN;
    yield* this.#past;
    this.#past = [];
    this.#tried = 0;
    this.#recalled = true;
  }

  /** The earliest so many leave the window; gives out those that were not tried. */
  *take(count: number): Generator<Run> {
    if (!this.#sorted) this.#sort();
    const taken = first(this.#runs, count);
    this.#runs = rest(this.#runs, count);
    this.count -= count;
    yield* rest(taken, this.#tried);
    this.#tried = Math.max(0, this.#tried - count);
    this.#past = this.#tried === 0 ? [] : [...this.#past, ...taken];
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

/** The first `count` rows of runs. */
function first(runs: readonly Run[], count: number): Run[] {
  const some: Run[] = [];
  let left = count;
  for (const run of runs) {
    if (left <= 0) break;
    const to = Math.min(run.to, run.from + left);
    some.push({ ...run, to });
    left -= to - run.from;
  }
  return some;
}

/** All but the first `count` rows of runs. */
function rest(runs: readonly Run[], count: number): Run[] {
  let left = count;
  let whole = 0;
  for (const { from, to } of runs) {
    if (left < to - from) break;
    left -= to - from;
    whole += 1;
  }
  const [cut, ...others] = runs.slice(whole);
  return cut === undefined ? [] : [{ ...cut, from: cut.from + left }, ...others];
}
