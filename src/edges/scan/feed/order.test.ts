import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGAIN, inTimeOrder } from './order.js';
import { noNames, ROW, ROW_NUMBERS, Rows } from './rows.js';
import { SYMBOL_COLUMNS } from './symbol-row.js';

type Row = readonly [timeMs: number, line: number];

/** Rows of these times in batches of these sizes, the last of which goes on. */
async function* batchesOf(times: readonly number[], sizes: readonly number[]): AsyncGenerator<Rows> {
  let from = 0;
  for (let n = 0; from < times.length; n++) {
    const count = Math.min(times.length - from, sizes[Math.min(n, sizes.length - 1)] as number);
    const numbers = new Float64Array(count * ROW_NUMBERS);
    for (let row = 0; row < count; row++) {
      numbers[row * ROW_NUMBERS + SYMBOL_COLUMNS.indexOf('timeMs')] = times[from + row] as number;
      numbers[row * ROW_NUMBERS + ROW.line] = from + row + 1;
    }
    const objects = new Int32Array();
    yield new Rows(
      { file: 'f', count, numbers, objects, restart: false, fresh: noNames(), bytesRead: 0 },
      noNames(),
    );
    from += count;
  }
}

/** What comes out at last, and how much came out before it was recalled. */
async function ordered(times: readonly number[], sizes: readonly number[], rowsMax: number) {
  let rows: Row[] = [];
  const recalled: number[] = [];
  for await (const run of inTimeOrder(batchesOf(times, sizes), rowsMax)) {
    if (run === AGAIN) {
      recalled.push(rows.length);
      rows = [];
    } else
      for (let row = run.from; row < run.to; row++) rows.push([run.rows.timeMs(row), run.rows.line(row)]);
  }
  return { rows, recalled };
}

/** The same, one row at a time. */
function naive(times: readonly number[], rowsMax: number): Row[] {
  const out: Row[] = [];
  const held: Row[] = [];
  times.forEach((timeMs, i) => {
    if (held.length === rowsMax) out.push(...held.splice(0, Math.ceil(rowsMax / 8)));
    held.push([timeMs, i + 1]);
    held.sort((a, b) => a[0] - b[0]);
  });
  return [...out, ...held];
}

describe('inTimeOrder', () => {
  it('sorts within its window, however the input is cut up, and loses nothing', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    const nearly = fc
      .array(fc.integer({ min: -9, max: 9 }), { maxLength: 200 })
      .map((steps) => steps.map((step, i) => i * 3 + (step > 7 ? -40 * step : 0)));
    const times = fc.oneof(nearly, fc.array(fc.nat(30), { maxLength: 120 }));
    await fc.assert(
      fc.asyncProperty(times, sizes, fc.integer({ min: 1, max: 50 }), async (all, cuts, rowsMax) => {
        const { rows, recalled } = await ordered(all, cuts, rowsMax);
        expect(rows).toEqual(naive(all, rowsMax));
        expect(recalled.length).toBeLessThanOrEqual(1);
        for (const tried of recalled) expect(tried).toBeLessThanOrEqual(rowsMax);
      }),
      { numRuns: 500 },
    );
  });

  it('gives out at once what is in order', async () => {
    const times = Array.from({ length: 64 }, (_, n) => n);
    let seen = 0;
    for await (const rows of inTimeOrder(batchesOf(times, [16]), 64)) {
      expect(rows).toMatchObject({ from: 0, to: 16 });
      seen += 16;
    }
    expect(seen).toBe(64);
  });
});
