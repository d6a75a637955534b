import { Random } from '../world/random.js';
import type { Examples } from './gradient-boosting.js';

const EPOCHS = 8;
const BATCH = 64;
const RATE = 0.02;
const RIDGE = 3e-4;
/** Keeps inputs that hardly vary from weighing much. */
const SPREAD_MIN = 1;

/**
 * Weighted logistic regression with a ridge, by Adam (Kingma & Ba, ICLR 2015); the first `positive` weights cannot be
 * negative.
 */
export function logisticRegression(examples: Examples, positive: number) {
  const { size } = examples;
  const spread = spreads(examples);
  const w = new Float64Array(size + 1);
  w[size] = -2;
  const mean = new Float64Array(size + 1);
  const square = new Float64Array(size + 1);
  const gradient = new Float64Array(size + 1);
  const order = Array.from(examples.labels, (_, i) => i);
  const random = new Random(5);
  let loss = 0;
  let steps = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    loss = 0;
    for (let from = 0; from < order.length; from += BATCH) {
      gradient.fill(0);
      const batch = order.slice(from, from + BATCH);
      for (const i of batch) loss += descend(examples, i, w, spread, gradient, batch.length);
      steps += 1;
      const rate = RATE * (1 - (epoch / EPOCHS) * 0.9);
      for (let j = 0; j <= size; j++) {
        const g = (gradient[j] as number) + (j < size ? RIDGE * (w[j] as number) : 0);
        mean[j] = 0.9 * (mean[j] as number) + 0.1 * g;
        square[j] = 0.999 * (square[j] as number) + 0.001 * g * g;
        const m = (mean[j] as number) / (1 - 0.9 ** steps);
        const v = (square[j] as number) / (1 - 0.999 ** steps);
        w[j] = (w[j] as number) - (rate * m) / (Math.sqrt(v) + 1e-8);
        if (j < positive && (w[j] as number) < 0) w[j] = 0;
      }
    }
  }
  const weights = Array.from(spread, (each, j) => (w[j] as number) / each);
  return { weights, bias: w[size] as number, loss: loss / order.length };
}

/** Adds the example's gradient; gives its loss. */
function descend(
  { inputs, labels, weights }: Examples,
  row: number,
  w: Float64Array,
  spread: Float64Array,
  gradient: Float64Array,
  batch: number,
): number {
  const size = spread.length;
  const x = inputs.subarray(row * size, (row + 1) * size);
  const label = labels[row] as number;
  const weight = weights[row] as number;
  let sum = w[size] as number;
  for (let j = 0; j < size; j++) sum += ((w[j] as number) * (x[j] as number)) / (spread[j] as number);
  const p = 1 / (1 + Math.exp(-sum));
  const error = (weight * (p - label)) / batch;
  for (let j = 0; j < size; j++)
    gradient[j] = (gradient[j] as number) + (error * (x[j] as number)) / (spread[j] as number);
  gradient[size] = (gradient[size] as number) + error;
  return -weight * Math.log(Math.max(1e-9, label === 1 ? p : 1 - p));
}

function spreads({ inputs, labels, size }: Examples): Float64Array {
  const sum = new Float64Array(size);
  inputs.forEach((value, at) => {
    sum[at % size] = (sum[at % size] as number) + value ** 2 / labels.length;
  });
  return sum.map((each) => Math.sqrt(each) + SPREAD_MIN);
}

function shuffle(order: number[], random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
}
