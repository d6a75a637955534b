import { expect, it } from 'vitest';
import { Random } from './random.js';
import { type Act, newStream } from './stream.js';

const streams = Array.from({ length: 24 }, (_, seed) => newStream(seed, 3000));

function count(acts: readonly Act[], of: (act: Act) => string): number {
  return new Set(acts.map(of)).size;
}

it('gives the same stream for the same seed, in order of time, with enough of everybody', () => {
  expect(newStream(3, 3000)).toEqual(streams[3]);
  for (const acts of streams) {
    expect(acts.map(({ timeMs }) => timeMs)).toEqual(acts.map(({ timeMs }) => timeMs).sort((a, b) => a - b));
    const calls = new Map<string, number>();
    for (const { key } of acts) calls.set(key, (calls.get(key) ?? 0) + 1);
    expect(Math.min(...calls.values())).toBeGreaterThanOrEqual(20);
  }
});

it('draws anew what is told, by how many, and for how long', () => {
  const told = [
    (acts: readonly Act[]) => acts.some(({ objects }) => objects.length > 0),
    (acts: readonly Act[]) => acts.some(({ userAgent }) => userAgent !== ''),
    (acts: readonly Act[]) => acts.some(({ status }) => status !== undefined),
    (acts: readonly Act[]) => acts.some(({ bytesOut }) => bytesOut !== undefined),
  ];
  for (const tells of told) expect(new Set(streams.map(tells))).toEqual(new Set([true, false]));
  const days = streams.map((acts) => ((acts.at(-1)?.timeMs ?? 0) - (acts[0]?.timeMs ?? 0)) / 86_400_000);
  expect(Math.max(...days) / Math.min(...days)).toBeGreaterThan(20);
  const people = streams.map((acts) => count(acts, ({ key }) => key));
  expect(Math.max(...people) / Math.min(...people)).toBeGreaterThan(3);
});

it('lets everybody have habits: what a person does next is more like the last than what anybody does', () => {
  const same = { own: 0, anybody: 0 };
  for (const acts of streams) {
    const lastOf = new Map<string, Act>();
    acts.forEach((act, i) => {
      const last = lastOf.get(act.key);
      if (last?.operation === act.operation) same.own += 1;
      if (acts[(i * 7919 + 13) % acts.length]?.operation === act.operation) same.anybody += 1;
      lastOf.set(act.key, act);
    });
  }
  expect(same.own / same.anybody).toBeGreaterThan(2);
});

it('draws shares that sum to 1, around their mean', () => {
  const random = new Random(1);
  const mean = [0.6, 0.3, 0.1];
  const draws = Array.from({ length: 4000 }, () => random.dirichlet(mean, 5));
  for (const shares of draws) expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  mean.forEach((share, i) => {
    const average = draws.reduce((sum, each) => sum + (each[i] as number), 0) / draws.length;
    expect(average).toBeCloseTo(share, 1);
  });
  const chosen = Array.from({ length: 4000 }, () => random.weighted(mean));
  expect(chosen.filter((each) => each === 0).length / 4000).toBeCloseTo(0.6, 1);
});
