import { expect, it } from 'vitest';
import { mergedByTime } from './merge.js';
import type { RecordBlock } from './read-log.js';
import type { Source } from './sources.js';

const FAR = Date.UTC(9999, 0);

it('goes on with a log of which one line alone is far ahead', async () => {
  const logs: Record<string, number[][]> = {
    a: [
      [1, 2, 3, FAR],
      [4, 5],
      [10, 11],
    ],
    b: [
      [1, 2, 3],
      [6, 7],
      [20, 21],
    ],
  };
  async function* read({ name }: Source): AsyncGenerator<RecordBlock> {
    for (const times of logs[name] as number[][])
      yield {
        file: name,
        format: 'generic',
        take: (into) => times.forEach((timeMs, line) => void into({ timeMs, key: 'k' }, line)),
      };
  }
  const sources = Object.keys(logs).map((name) => ({
    source: { name, bytes: 1, named: true },
    timeMs: 1,
  }));
  const order: string[] = [];
  for await (const { file, take } of mergedByTime(sources, read)) {
    order.push(file);
    take(() => undefined);
  }
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
});
